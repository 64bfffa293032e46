package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"interleave/kernel/client"
	"interleave/kernel/command"
	"interleave/kernel/wire"
	"interleave/kernel/zmq"
	"interleave/runtime/quantity"
)

// probe starts a kernel by the argv of a kernelspec, over real sockets, runs one cell in an engine, and
// prints how long that took. doctor uses it to check the installation.
func probe(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("probe", flag.ContinueOnError)
	engine := fs.String("engine", "compiled", "yaegi or compiled")
	if err := fs.Parse(args); err != nil || fs.NArg() == 0 {
		return command.Exit(2)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	said, err := probeKernel(ctx, *engine, fs.Args())
	if err != nil {
		return err
	}
	fmt.Println(said)
	return nil
}

func probeKernel(ctx context.Context, engine string, argv []string) (said string, err error) {
	dir, err := os.MkdirTemp("", "interleave-probe-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	// Local sockets in a new folder need no free ports.
	conn := zmq.Connection{
		Transport: "ipc", IP: filepath.Join(dir, "k"), Key: "probe",
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HeartbeatPort: 5,
	}
	file := filepath.Join(dir, "connection.json")
	if err := zmq.WriteConnectionFile(file, conn); err != nil {
		return "", err
	}
	args := make([]string, len(argv))
	for i, a := range argv {
		args[i] = strings.ReplaceAll(a, "{connection_file}", file)
	}
	start := time.Now()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start the kernel: %w", err)
	}
	// When the kernel ends, stop waiting for its answers.
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := cmd.Wait()
		cancel(fmt.Errorf("the kernel ended: %w", errors.Join(err, errors.New(cmd.ProcessState.String()))))
	}()
	defer func() {
		if err != nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
		<-ended
	}()

	peer, err := zmq.Dial(ctx, conn)
	if err != nil {
		return "", fmt.Errorf("connect to the kernel: %w", cause(ctx, err))
	}
	c := client.Start(peer, client.Config{})
	defer c.Close()
	if _, err := c.Ready(ctx); err != nil {
		return "", fmt.Errorf("ask for the kernel's info: %w", cause(ctx, err))
	}
	ready := time.Since(start)
	start = time.Now()
	text, err := oneCell(ctx, c, engine)
	if err != nil {
		return "", fmt.Errorf("run a cell: %w", cause(ctx, err))
	}
	took := time.Since(start)
	if err := c.Shutdown(ctx, false); err != nil {
		return "", fmt.Errorf("shut down the kernel: %w", cause(ctx, err))
	}
	return fmt.Sprintf("%s, started in %s, ran the cell in %s", text, quantity.Duration(ready), quantity.Duration(took)), nil
}

// oneCell runs the cell 6 * 7 and returns "6 * 7 is 42" if the kernel shows 42.
func oneCell(ctx context.Context, c *client.Client, engine string) (string, error) {
	for _, code := range []string{"%engine " + engine, "6 * 7"} {
		var result string
		reply, err := c.Execute(ctx, client.ExecuteRequest{Code: code}, func(m *wire.Message) {
			if m.Header.MsgType != "execute_result" {
				return
			}
			var r struct {
				Data map[string]json.RawMessage
			}
			if json.Unmarshal(m.Content, &r) == nil {
				_ = json.Unmarshal(r.Data["text/plain"], &result)
			}
		})
		if err != nil {
			return "", err
		}
		if reply.Status != wire.OK {
			return "", fmt.Errorf("%s: %s: %s", code, reply.EName, reply.EValue)
		}
		if code == "6 * 7" && result != "42" {
			return "", fmt.Errorf("6 * 7 gave %q", result)
		}
	}
	return "6 * 7 is 42", nil
}

// cause returns the cause of ctx if err only reports that ctx has ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
