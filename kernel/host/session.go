package main

import (
	"context"
	"flag"
	"runtime/debug"

	"interleave/kernel/command"
	"interleave/kernel/engine"
	"interleave/kernel/serve"
	"interleave/kernel/session"
)

// serveSession is the process in which cells run. The kernel starts it with pipes that package session knows.
func serveSession(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("session", flag.ContinueOnError)
	tools := fs.String("toolchain", "", "what cells are compiled with")
	work := fs.String("work", "", "where cells are built")
	code := fs.String("code", "", "how code of cells is written: plain or gated; default: plain where possible")
	pins := fs.String("pins", "", "versions of modules that the notebook asks for, as %get -pin takes them")
	if err := fs.Parse(args); err != nil {
		return command.Exit(2)
	}
	ignoreSignals()
	// A stack that overflows is reported once all its frames are counted. Half of Go's own bound is reached
	// soon enough for a waiting user, and allows millions of calls.
	debug.SetMaxStack(512e6)
	e, err := engine.New(engine.Config{Toolchain: *tools, WorkDir: *work, Code: *code, Pins: *pins, Log: serve.Logger(false)})
	if err != nil {
		return err
	}
	return session.Serve(ctx, e)
}
