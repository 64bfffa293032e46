// Command interleave is the launcher of a Jupyter kernel for Go concurrency experiments. It knows how to install the kernel,
// and how to build the host, the program that does everything else, with the small one that Jupyter starts. It must not know
// what these do.
//
// A cell loads only into a program that was built with the same flags from the same sources, which go run and go build alone do
// not do. So the launcher carries the module's source, builds the host from it once, and becomes that host.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"interleave/install"
)

// A command is one of the launcher's own. The host's are listed for help and passed on.
type command struct {
	name, usage string
	run         func(ctx context.Context, args []string, io stdio) error // nil for the host's
}

type stdio struct {
	out, err io.Writer
}

var commands = []command{
	{"run", "execute a notebook without Jupyter", nil},
	{"kernel", "serve a connection file; Jupyter starts this", nil},
	{"install", "make the kernel appear in Jupyter", installCommand},
	{"uninstall", "remove what install put in place", uninstallCommand},
	{"doctor", "check what the kernel needs, and run a cell in each engine", doctorCommand},
	{"version", "print the versions of Interleave and Go", versionCommand},
	{"cells", "", nil}, // for who works on Interleave: see CONTRIBUTING.md
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], stdio{os.Stdout, os.Stderr})
	code := status(ctx, err)
	stop()
	os.Exit(code)
}

// status prints an error that has not been printed yet and returns the exit status for it.
func status(ctx context.Context, err error) int {
	var exit install.ExitError
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "interleave: stopped:", context.Cause(ctx))
		return 130
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case errors.Is(err, flag.ErrHelp):
		return 0
	}
	fmt.Fprintln(os.Stderr, "interleave:", err)
	return 1
}

func run(ctx context.Context, args []string, std stdio) error {
	if len(args) == 0 {
		usage(std.err)
		return install.ExitError(2)
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		usage(std.out)
		return nil
	}
	for _, c := range commands {
		switch {
		case c.name != args[0]:
		case c.run != nil:
			return c.run(ctx, args[1:], std)
		default:
			return becomeHost(ctx, args, std)
		}
	}
	// The host would know, but nobody should wait for it to be built to hear this.
	fmt.Fprintf(std.err, "interleave: there is no command %q\n\n", args[0])
	usage(std.err)
	return install.ExitError(2)
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Interleave is a Jupyter kernel for Go concurrency experiments.\n\nUsage: interleave command [flags]\n\n")
	for _, c := range commands {
		if c.usage != "" {
			fmt.Fprintf(w, "  %-10s %s\n", c.name, c.usage)
		}
	}
	fmt.Fprint(w, "\n`interleave command -h` lists the flags of a command.\n")
}

// becomeHost builds the host if need be and replaces this process by it, so that signals, terminal and exit status are the host's.
func becomeHost(ctx context.Context, args []string, std stdio) error {
	cache, err := install.CacheRoot()
	if err != nil {
		return err
	}
	bar := install.NewProgress(std.err)
	host, err := install.Host(ctx, source, cache, install.Build{Progress: bar.Step})
	bar.Done(err)
	if err != nil {
		return err
	}
	return install.Exec(host, args)
}
