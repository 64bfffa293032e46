// Command interleave is the program that Jupyter starts: it serves a kernel itself, and becomes the host beside it for all other
// subcommands. It must stay small. Kernels live as long as notebooks are open, and a host, which has the standard library and all
// packages for cells in it, takes three times the memory and starts a fiftieth of a second later.
package main

import (
	"context"
	"os"

	"interleave/install"
	"interleave/kernel/command"
	"interleave/kernel/serve"
	"interleave/kernel/toolchain"
)

func main() {
	ctx := context.Background()
	os.Exit(command.Status(ctx, run(ctx, os.Args[1:]), os.Stderr))
}

func run(ctx context.Context, args []string) error {
	dir, err := toolchain.Here()
	if err != nil {
		return err
	}
	if len(args) == 0 || args[0] != "kernel" {
		return install.Exec(toolchain.HostPath(dir), args)
	}
	toolchain.Hold(dir) // to the end of the process
	return serve.Kernel(ctx, args[1:])
}
