// Command interleave is the launcher of a Jupyter kernel for Go concurrency experiments. It knows how to
// install the kernel, and how to build the host, the program that runs cells, with the small one that Jupyter
// starts and the one that runs notebooks without Jupyter. It must not know what these do.
//
// A cell loads only into a program that was built with the same flags from the same sources, which go run and
// go build alone do not do. So the launcher carries the module's source, builds the host from it once, and
// becomes one of them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"interleave/install"
	"interleave/kernel/command"
	"interleave/kernel/toolchain"
)

type stdio struct {
	out, err io.Writer
}

// own are the subcommands that the launcher runs itself.
var own = map[string]func(ctx context.Context, args []string, io stdio) error{
	"install":   installCommand,
	"uninstall": uninstallCommand,
	"doctor":    doctorCommand,
	"version":   versionCommand,
	"bundle":    bundleCommand,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], stdio{os.Stdout, os.Stderr})
	code := command.Status(ctx, err, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, std stdio) error {
	if len(args) == 0 {
		command.Usage(std.err)
		return command.Exit(2)
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		command.Usage(std.out)
		return nil
	}
	if f := own[args[0]]; f != nil {
		return f(ctx, args[1:], std)
	}
	if _, ok := command.Lookup(args[0]); !ok { // the host knows, too, but may have to be built first
		fmt.Fprintf(std.err, "interleave: there is no command %q\n\n", args[0])
		command.Usage(std.err)
		return command.Exit(2)
	}
	return becomeHost(ctx, args, std)
}

// findHost returns the path of the host, which it builds if need be. In a bundle it is beside this program.
func findHost(ctx context.Context, std stdio) (string, error) {
	if dir, ok := install.Bundled(); ok {
		return toolchain.HostPath(dir), nil
	}
	cache, err := install.CacheRoot()
	if err != nil {
		return "", err
	}
	bar := install.NewProgress(std.err)
	host, err := install.Host(ctx, source, cache, install.Build{Progress: bar.Step})
	bar.Done(err)
	return host, err
}

// becomeHost builds the host if need be and replaces this process by it, so that signals, terminal and exit
// status are the host's.
func becomeHost(ctx context.Context, args []string, std stdio) error {
	host, err := findHost(ctx, std)
	if err != nil {
		return err
	}
	if args[0] == "run" {
		host = toolchain.RunnerPath(toolchain.DirOf(host))
	}
	return command.Become(host, args)
}
