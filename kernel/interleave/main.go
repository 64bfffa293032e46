// Command interleave is the program that Jupyter starts: it serves a kernel itself, and becomes the host
// beside it for all other subcommands. It must stay small. A kernel lives while its notebook is open, and a
// host, which contains the standard library and all packages for cells, takes three times the memory and
// starts 20 ms later.
package main

import (
	"context"
	"os"

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
	switch {
	case len(args) > 0 && args[0] == "run":
		return command.Become(toolchain.RunnerPath(dir), args)
	case len(args) == 0 || args[0] != "kernel":
		return command.Become(toolchain.HostPath(dir), args)
	}
	toolchain.Hold(dir) // to the end of the process
	return serve.Kernel(ctx, args[1:])
}
