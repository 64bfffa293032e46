// Package serve assembles a kernel's process: a session whose cells run in a process of its own, Jupyter's
// rules, and sockets. It must not know how cells are run: the program that serves is small, and starts fast,
// because it does not contain the host's code.
package serve

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"interleave/kernel"
	"interleave/kernel/cell/source"
	"interleave/kernel/command"
	"interleave/kernel/engine/stack"
	"interleave/kernel/history"
	"interleave/kernel/release"
	"interleave/kernel/session"
	"interleave/kernel/toolchain"
	"interleave/kernel/usage"
	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// Session starts a session whose cells run in the folder dir, or the current one when dir is empty. The files
// that cells are built from outlive the session's processes, but not the session: cleanup removes them once
// the session is closed.
func Session(ctx context.Context, dir string, log *slog.Logger) (s *session.Client, cleanup func() error, err error) {
	tools, err := toolchain.Here()
	if err != nil {
		return nil, nil, fmt.Errorf("start the kernel: %w", err)
	}
	code := os.Getenv("INTERLEAVE_CODE")
	switch code {
	case "", "plain", "gated":
	default:
		return nil, nil, fmt.Errorf("start the kernel: INTERLEAVE_CODE is %q; it can be plain or gated", code)
	}
	args := []string{"session", "-toolchain", tools, "-code", code, "-pins", pinsOf(os.Getenv("JPY_SESSION_NAME"))}
	work, cleanup, err := newWork(workParent())
	if err != nil {
		return nil, nil, fmt.Errorf("start the kernel: make a folder for cells: %w", err)
	}
	s, err = session.Start(ctx, session.Config{
		Command: func() *exec.Cmd {
			cmd := exec.Command(toolchain.HostPath(tools), append(args, "-work", work)...)
			cmd.Dir = dir
			return cmd
		},
		Explain: stack.Explain,
		Log:     log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, cleanup())
	}
	return s, cleanup, nil
}

// Config returns the configuration of a kernel for the session, without a transport.
func Config(s *session.Client, log *slog.Logger) kernel.Config {
	version := runtime.Version()
	if tools, err := toolchain.Here(); err == nil {
		if tc, _ := toolchain.Open(tools); tc != nil { // the session reports why cells cannot be compiled
			version = tc.GoVersion()
		}
	}
	version = strings.TrimPrefix(version, "go")
	return kernel.Config{
		Session: s,
		Info: kernel.Info{
			Version:   release.Number(),
			GoVersion: version,
			Banner:    "Interleave " + release.Number() + ", Go " + version + ". %help lists what a cell can do.",
			HelpLinks: []wire.HelpLink{
				{Text: "Go standard library", URL: "https://pkg.go.dev/std"},
				{Text: "A Tour of Go: concurrency", URL: "https://go.dev/tour/concurrency/1"},
				{Text: "gonum plot", URL: "https://pkg.go.dev/gonum.org/v1/plot"},
			},
		},
		IsComplete: source.IsComplete,
		Log:        log,
	}
}

// Kernel is the subcommand "kernel", with its arguments. An error of type [command.Exit] has been printed
// already.
func Kernel(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("kernel", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "Usage: interleave kernel CONNECTION_FILE\n\n"+
			"Serves a Jupyter client through the sockets that the file names. "+
			"Jupyter starts this command; `interleave install` registers it.\n"+
			"INTERLEAVE_LOG=debug, info, warn or error logs to standard error.\n")
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return command.Exit(2)
	}
	if fs.NArg() != 1 {
		fs.Usage()
		return command.Exit(2)
	}
	// A terminal sends Ctrl-C to all its processes. The client turns it into an interrupt request, which this
	// process serves.
	signal.Ignore(os.Interrupt)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	ctx, gone := watchParent(ctx)
	defer gone()

	log := Logger(false)
	conn, err := zmq.ReadConnectionFile(fs.Arg(0))
	if err != nil {
		return fmt.Errorf("start the kernel: %w", err)
	}
	s, cleanup, err := Session(ctx, "", log) // its process starts while the sockets are made
	if err != nil {
		return err
	}
	defer cleanup()
	transport, err := zmq.Listen(ctx, conn, zmq.Options{Log: log})
	if err != nil {
		return errors.Join(fmt.Errorf("start the kernel: %w", err), s.Close())
	}
	cfg := Config(s, log)
	cfg.Transport = transport
	cfg.Usage = measured(usage.New())
	if file := pastFile(); file != "" {
		past := kept{history.Open(file), log}
		defer func() {
			if err := past.Close(); err != nil && log != nil {
				log.Warn("keep the history", "err", err)
			}
		}()
		cfg.Past = past
	}
	at := transport.Connection()
	cfg.Connect = wire.ConnectReply{Status: wire.OK,
		Shell: at.ShellPort, IOPub: at.IOPubPort, Stdin: at.StdinPort, Control: at.ControlPort, HB: at.HeartbeatPort}
	err = kernel.Run(ctx, cfg)
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil // stopped on request
	}
	return err
}

// measured returns what answers usage_request: with the session and the processes of cells.
func measured(m *usage.Meter) func() wire.UsageReply {
	return func() wire.UsageReply {
		u := m.Measure()
		r := wire.UsageReply{PID: os.Getpid(), CPU: u.CPU, Memory: u.Memory, Cores: u.Cores}
		r.Hostname, _ = os.Hostname()
		if u.Host > 0 {
			r.HostCPU = &u.Host
		}
		if u.HostMemory > 0 {
			r.Host = &wire.HostMemory{
				Total: u.HostMemory, Available: u.HostFree, Percent: u.HostPercent, Used: u.HostMemory - u.HostFree,
			}
		}
		return r
	}
}

// Logger returns a logger for standard error, which Jupyter shows in its own log. INTERLEAVE_LOG=debug, info,
// warn or error sets the level; verbose logs everything. Without either it returns nil, and nothing is
// logged.
func Logger(verbose bool) *slog.Logger {
	level := slog.LevelDebug
	if text := os.Getenv("INTERLEAVE_LOG"); !verbose && (text == "" || level.UnmarshalText([]byte(text)) != nil) {
		return nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("pid", os.Getpid())
}
