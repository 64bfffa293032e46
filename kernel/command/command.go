// Package command holds what the programs of this project have in common at the command line: the names of
// the subcommands, and the status with which a process ends. It must not know what a subcommand does.
//
// You type commands to the launcher. It runs those marked Launcher itself and becomes the host for the
// others; the program that Jupyter starts serves a kernel and becomes the host for everything else. So there
// is one table here, and each program has the functions of its own.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
)

// A Subcommand is one line of the help text.
type Subcommand struct {
	Name     string
	About    string // what it does; empty: for developers or other programs; help does not list it
	Launcher bool   // the launcher runs it, without the host
}

// Subcommands are all that a user can type, in the order of help.
var Subcommands = []Subcommand{
	{Name: "run", About: "execute notebooks without Jupyter"},
	{Name: "kernel", About: "serve a connection file; Jupyter starts this"},
	{Name: "install", About: "make the kernel appear in Jupyter", Launcher: true},
	{Name: "uninstall", About: "remove what install put in place", Launcher: true},
	{Name: "doctor", About: "check what the kernel needs, and run a cell in each engine", Launcher: true},
	{Name: "version", About: "print the versions of Interleave and Go", Launcher: true},
	{Name: "cells"},                  // CONTRIBUTING.md
	{Name: "bundle", Launcher: true}, // likewise
}

// Lookup finds a subcommand.
func Lookup(name string) (Subcommand, bool) {
	for _, c := range Subcommands {
		if c.Name == name {
			return c, true
		}
	}
	return Subcommand{}, false
}

// A Func runs a subcommand with the arguments after its name.
type Func func(ctx context.Context, args []string) error

// Usage prints the help text.
func Usage(w io.Writer) {
	fmt.Fprint(w,
		"Interleave is a Jupyter kernel for Go concurrency experiments.\n\nUsage: interleave command [flags]\n\n")
	for _, c := range Subcommands {
		if c.About != "" {
			fmt.Fprintf(w, "  %-10s %s\n", c.Name, c.About)
		}
	}
	fmt.Fprint(w, "\n`interleave command -h` lists the flags of a command.\n")
}

// An Exit is the error of a subcommand that has printed why it failed: the process ends with this status.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Status prints an error that has not been printed yet to w and returns the exit status for it: 130 once ctx
// has ended, which a signal does; 0 for help; 1 for all errors but an Exit.
func Status(ctx context.Context, err error, w io.Writer) int {
	var exit Exit
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(w, "interleave: stopped:", context.Cause(ctx))
		return 130
	case errors.As(err, &exit):
		return int(exit)
	case errors.Is(err, flag.ErrHelp):
		return 0
	}
	fmt.Fprintln(w, "interleave:", err)
	return 1
}
