package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/signal"
	"runtime/debug"

	"interleave/kernel/command"
	"interleave/kernel/engine/workers"
	"interleave/kernel/toolchain"
	"interleave/runtime/host"
	"interleave/runtime/remote"
)

// serveWorker is a process that calls functions of cells for the session that has started it.
func serveWorker(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("worker", flag.ContinueOnError)
	tools := fs.String("toolchain", "", "what cells were compiled with")
	work := fs.String("work", "", "where cells were built")
	if err := fs.Parse(args); err != nil {
		return command.Exit(2)
	}
	// the session decides what an interrupt ends
	signal.Ignore(os.Interrupt)
	ignoreSignals()
	debug.SetMaxStack(512e6)
	t, err := toolchain.Open(*tools)
	var none *toolchain.NoPluginsError
	if err != nil && !errors.As(err, &none) {
		return err
	}
	code, err := workers.Open(t, *work)
	if err != nil {
		return err
	}
	host.Set(host.Host{Code: code})
	os.Args = []string{"cell"} // as in the session, without the arguments of a cell
	return remote.Serve(code, os.Exit)
}
