package main

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

	"interleave/install/release"
	"interleave/install/toolchain"
	"interleave/kernel"
	"interleave/kernel/cell"
	"interleave/kernel/engine"
	"interleave/kernel/session"
	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// newSession starts a session whose cells run in the folder dir, the present one when it is empty. What cells are built from
// outlives the session's processes, not the session: cleanup removes it, once the session is closed.
func newSession(ctx context.Context, dir string, log *slog.Logger) (s *session.Client, cleanup func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("start the kernel: %w", err)
	}
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
	args := []string{"session", "-toolchain", tools, "-code", code}
	work, cleanup, err := newWork(workParent())
	if err != nil {
		return nil, nil, fmt.Errorf("start the kernel: make a folder for cells: %w", err)
	}
	s, err = session.Start(ctx, session.Config{
		Command: func() *exec.Cmd {
			cmd := exec.Command(self, append(args, "-work", work)...)
			cmd.Dir = dir
			return cmd
		},
		Explain: engine.Explain,
		Log:     log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, cleanup())
	}
	return s, cleanup, nil
}

// newConfig is a kernel of the session; only the transport is left to say.
func newConfig(s *session.Client, log *slog.Logger) kernel.Config {
	version := runtime.Version()
	if tools, err := toolchain.Here(); err == nil {
		if tc, _ := toolchain.Open(tools); tc != nil { // why cells cannot be compiled is the session's to tell
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
		IsComplete: cell.IsComplete,
		Log:        log,
	}
}

func serveKernel(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("kernel", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "Usage: interleave kernel CONNECTION_FILE\n\nServes a Jupyter client through the sockets that the file names. Jupyter starts this; `interleave install` tells it how.\nINTERLEAVE_LOG=debug, info, warn or error logs to standard error.\n")
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return exitError(2)
	}
	if fs.NArg() != 1 {
		fs.Usage()
		return exitError(2)
	}
	// A terminal sends Ctrl-C to everybody in it. The client turns it into an interrupt request; that is ours.
	signal.Ignore(os.Interrupt)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	ctx, gone := watchParent(ctx)
	defer gone()

	log := logger(false)
	conn, err := zmq.ReadConnectionFile(fs.Arg(0))
	if err != nil {
		return fmt.Errorf("start the kernel: %w", err)
	}
	s, cleanup, err := newSession(ctx, "", log) // its process starts while the sockets are made
	if err != nil {
		return err
	}
	defer cleanup()
	transport, err := zmq.Listen(ctx, conn, zmq.Options{Log: log})
	if err != nil {
		return errors.Join(fmt.Errorf("start the kernel: %w", err), s.Close())
	}
	cfg := newConfig(s, log)
	cfg.Transport = transport
	at := transport.Connection()
	cfg.Connect = wire.ConnectReply{Status: wire.OK,
		Shell: at.ShellPort, IOPub: at.IOPubPort, Stdin: at.StdinPort, Control: at.ControlPort, HB: at.HeartbeatPort}
	err = kernel.Run(ctx, cfg)
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil // told to end
	}
	return err
}
