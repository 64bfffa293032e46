// Command host is the program that runs cells, with all subcommands. It knows who
// implements each subcommand and how its parts are put together. It must not know what they do.
//
// It is not built by hand: cells load only into a host compiled with the flags of package install/toolchain, which
// builds this package together with the archives that cells are linked with. The launcher at the module's root does that
// when needed and then executes the host with its own arguments.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"interleave/install/release"
	"interleave/install/toolchain"
	"interleave/kernel/serve"
)

// A command is one subcommand. run gets the arguments after its name; an error is printed and ends the process with
// status 1, or with the status of a serve.ExitError.
type command struct {
	name, usage string
	run         func(ctx context.Context, args []string) error
}

// commands are listed in the order of help; those without usage are for ourselves.
var commands = []command{
	{"run", "execute notebooks without Jupyter", runNotebooks},
	{"kernel", "serve the connection file that Jupyter made", serve.Kernel},
	{"version", "print the versions of Interleave and Go", printVersion},
	{"session", "", serveSession},
	{"probe", "", probe},
	{"cells", "", runCells},
	{"index", "", writeIndex},
}

func main() {
	if dir, err := toolchain.Here(); err == nil {
		toolchain.Hold(dir) // to the end of the process
	}
	err := run(context.Background(), os.Args[1:])
	var exit serve.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		os.Exit(int(exit))
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	default:
		fmt.Fprintln(os.Stderr, "interleave:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		usage(os.Stderr)
		return serve.ExitError(2)
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, args[1:])
		}
	}
	usage(os.Stderr)
	return fmt.Errorf("there is no command %q", args[0])
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "The Interleave host. Its commands:")
	for _, c := range commands {
		if c.usage != "" {
			fmt.Fprintf(w, "  %-10s %s\n", c.name, c.usage)
		}
	}
}

func printVersion(context.Context, []string) error {
	fmt.Println(release.Version())
	return nil
}
