// Command host is the program that runs cells, with all subcommands. It knows which package implements each
// subcommand, and wires the parts together. It must not know what they do.
//
// It is not built by hand: cells load only into a host compiled with the flags of package kernel/toolchain,
// which builds this package together with the archives that cells are linked with. The launcher at the
// module's root does that when needed and then executes the host with its own arguments.
package main

import (
	"context"
	"fmt"
	"os"

	"interleave/kernel/command"
	"interleave/kernel/release"
	"interleave/kernel/serve"
	"interleave/kernel/toolchain"
)

// commands are the host's commands. Commands that are not in command.Subcommands are for other programs of
// this project.
var commands = map[string]command.Func{
	"run":     becomeRunner,
	"kernel":  serve.Kernel,
	"version": printVersion,
	"cells":   runCells,
	"session": serveSession, // the child of a kernel
	"worker":  serveWorker,  // the child of a session
	"probe":   probe,        // for doctor and the self-test of install
	"index":   writeIndex,   // for install
}

func main() {
	if dir, err := toolchain.Here(); err == nil {
		toolchain.Hold(dir) // to the end of the process
	}
	ctx := context.Background()
	os.Exit(command.Status(ctx, run(ctx, os.Args[1:]), os.Stderr))
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		command.Usage(os.Stderr)
		return command.Exit(2)
	}
	f := commands[args[0]]
	if f == nil {
		command.Usage(os.Stderr)
		return fmt.Errorf("there is no command %q", args[0])
	}
	return f(ctx, args[1:])
}

func printVersion(context.Context, []string) error {
	fmt.Println(release.Version())
	return nil
}

// becomeRunner is for those who start the host by hand: run has a program of its own, since what it needs for
// pages takes 10 ms to initialise, which sessions would wait for.
func becomeRunner(_ context.Context, args []string) error {
	dir, err := toolchain.Here()
	if err != nil {
		return err
	}
	return command.Become(toolchain.RunnerPath(dir), append([]string{"run"}, args...))
}
