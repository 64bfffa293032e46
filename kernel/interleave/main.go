// Command interleave is the program that Jupyter starts: it serves a kernel itself, and becomes the host beside it for all other subcommands. It must stay small. Kernels live as long as notebooks are open, and a host, which has the standard library and all
// packages for cells in it, takes three times the memory and starts a fiftieth of a second later.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"interleave/install"
	"interleave/install/toolchain"
	"interleave/kernel/serve"
)

func main() {
	err := run(os.Args[1:])
	var exit serve.ExitError
	var host install.ExitError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, &exit):
		os.Exit(int(exit))
	case errors.As(err, &host):
		os.Exit(int(host))
	default:
		fmt.Fprintln(os.Stderr, "interleave:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	dir, err := toolchain.Here()
	if err != nil {
		return err
	}
	if len(args) == 0 || args[0] != "kernel" {
		return install.Exec(toolchain.HostPath(dir), args)
	}
	toolchain.Hold(dir) // to the end of the process
	return serve.Kernel(context.Background(), args[1:])
}
