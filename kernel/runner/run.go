// Command runner executes notebooks without Jupyter. It is a program of its own for the sake of the others: what
// turns notebooks into pages takes 10 ms to initialise and a megabyte of memory, in each process of a host.
package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"interleave/kernel"
	"interleave/kernel/client"
	"interleave/kernel/command"
	"interleave/kernel/inproc"
	"interleave/kernel/serve"
	"interleave/kernel/toolchain"
	"interleave/notebooks"
)

func main() {
	if dir, err := toolchain.Here(); err == nil {
		toolchain.Hold(dir) // to the end of the process
	}
	ctx := context.Background()
	os.Exit(command.Status(ctx, run(ctx, os.Args[1:]), os.Stderr))
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "run" {
		return errors.New("this program has the command run alone")
	}
	return runNotebooks(ctx, args[1:])
}

// runNotebooks is the subcommand run. Each notebook gets a kernel in this process; its cells run in another
// one.
func runNotebooks(ctx context.Context, args []string) error {
	if code := notebooks.Command(ctx, args, notebooks.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, startKernel); code != 0 {
		return command.Exit(code)
	}
	return nil
}

// startKernel starts a kernel and a client of it. It owns one goroutine, kernel.Run's; close ends both and
// waits.
func startKernel(ctx context.Context, dir string, cfg client.Config) (notebooks.Kernel, func() error, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	ctx = context.WithoutCancel(ctx) // a stopped run still gets the end of its last cell
	log := serve.Logger(false)
	s, cleanup, err := serve.Session(ctx, dir, log)
	if err != nil {
		return nil, nil, err
	}
	transport := inproc.New(log)
	peer, err := transport.Connect()
	if err != nil {
		return nil, nil, errors.Join(err, s.Close(), cleanup())
	}
	rules := serve.Config(s, log)
	rules.Transport = transport
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- kernel.Run(ctx, rules) }()
	c := client.Start(peer, cfg)
	return c, func() error {
		cancel()
		err := <-ended
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, c.Close(), cleanup())
	}, nil
}
