package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"

	"interleave/install"
	"interleave/kernel/command"
	"interleave/kernel/release"
)

// flags makes a command's flag set, whose -h prints its usage line and what it does.
func flags(name, about string, std stdio) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(std.err)
	fs.Usage = func() {
		w, some := fs.Output(), false
		fs.VisitAll(func(*flag.Flag) { some = true })
		if !some {
			fmt.Fprintf(w, "Usage: interleave %s\n\n%s\n", name, about)
			return
		}
		fmt.Fprintf(w, "Usage: interleave %s [flags]\n\n%s\n\nFlags:\n", name, about)
		fs.PrintDefaults()
	}
	return fs
}

// parse parses a command's flags; there are no arguments. A user's mistake has been explained when it
// returns. Help that was asked for goes to standard output.
func parse(fs *flag.FlagSet, args []string, std stdio) error {
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			fs.SetOutput(std.out)
		}
	}
	err := fs.Parse(args)
	if err == nil && fs.NArg() > 0 {
		fmt.Fprintf(fs.Output(), "unexpected argument %q\n", fs.Arg(0))
		fs.Usage()
		err = command.Exit(2)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return command.Exit(2)
	}
	return err
}

func versionCommand(_ context.Context, args []string, std stdio) error {
	fs := flags("version", "Prints the versions of Interleave and of Go.", std)
	if err := parse(fs, args, std); err != nil {
		return err
	}
	fmt.Fprintln(std.out, release.Version())
	return nil
}

// bundleCommand is for those who give Interleave to machines without Go; CONTRIBUTING.md describes it.
func bundleCommand(ctx context.Context, args []string, std stdio) error {
	fs := flags("bundle", "Fills a folder with the programs and the types that cells need on a machine without Go.", std)
	dir := fs.String("o", "", "the `folder`")
	system := fs.String("os", runtime.GOOS, "the system that it is for, as GOOS")
	arch := fs.String("arch", runtime.GOARCH, "the processor that it is for, as GOARCH")
	if err := parse(fs, args, std); err != nil {
		return err
	}
	if *dir == "" {
		fmt.Fprintln(fs.Output(), "-o is missing")
		return command.Exit(2)
	}
	cache, err := install.CacheRoot()
	if err != nil {
		return err
	}
	bar := install.NewProgress(std.err)
	b := install.Build{Progress: bar.Step}
	if *system != runtime.GOOS || *arch != runtime.GOARCH {
		b.OS, b.Arch = *system, *arch
	}
	err = install.Bundle(ctx, source, cache, *dir, b)
	bar.Done(err)
	return err
}

// placeFlags adds the flags for the place of an installation, and returns a function that reads them once
// they are parsed.
func placeFlags(fs *flag.FlagSet) func(context.Context) (install.Place, error) {
	user := fs.Bool("user", false,
		"in the user's own folders, where Jupyter looks first (the default); JUPYTER_DATA_DIR is honoured")
	prefix := fs.String("prefix", "", "below the `folder`, in share/jupyter and share/interleave")
	sys := fs.Bool("sys-prefix", false, "below the prefix of the active Python environment")
	return func(ctx context.Context) (install.Place, error) {
		switch {
		case *user && (*prefix != "" || *sys) || *prefix != "" && *sys:
			fmt.Fprintln(fs.Output(), "--user, --prefix and --sys-prefix exclude one another")
			return install.Place{}, command.Exit(2)
		case *prefix != "":
			return install.PrefixPlace(*prefix)
		case *sys:
			dir, err := install.SysPrefix(ctx)
			if err != nil {
				return install.Place{}, err
			}
			return install.PrefixPlace(dir)
		}
		return install.UserPlace()
	}
}

func installCommand(ctx context.Context, args []string, std stdio) error {
	fs := flags(
		"install",
		"Builds the kernel and makes it appear in Jupyter. Run it again after an upgrade of Interleave or Go.\n"+
			"The first time takes a minute or two; it needs Go and nothing else.",
		std,
	)
	place := placeFlags(fs)
	again := fs.Bool("again", false, "build even what is built already")
	if err := parse(fs, args, std); err != nil {
		return err
	}
	p, err := place(ctx)
	if err != nil {
		return err
	}
	bar := install.NewProgress(std.err)
	return install.Install(ctx, source, p, install.Build{Again: *again, Progress: bar.Step}, bar, std.out)
}

func uninstallCommand(ctx context.Context, args []string, std stdio) error {
	fs := flags("uninstall", "Removes the kernelspec and the kernel, as the same flags of install put them in place.", std)
	place := placeFlags(fs)
	if err := parse(fs, args, std); err != nil {
		return err
	}
	p, err := place(ctx)
	if err != nil {
		return err
	}
	found, err := install.Uninstall(p, std.out)
	if err == nil && !found {
		fmt.Fprintf(std.out, "nothing is installed in %s and %s\n", p.Spec(), p.Data)
	}
	return err
}

func doctorCommand(ctx context.Context, args []string, std stdio) error {
	fs := flags(
		"doctor",
		"Checks what the kernel needs, starts the installed kernel as Jupyter would, and runs a cell in each engine.\n"+
			"Exits with status 1 when something is missing, and reports what to do.\n"+
			"The flags are those that install was given; they matter where Jupyter does not look by itself.",
		std,
	)
	place := placeFlags(fs)
	if err := parse(fs, args, std); err != nil {
		return err
	}
	p, err := place(ctx)
	if err != nil {
		return err
	}
	return install.Doctor(ctx, p, std.out)
}
