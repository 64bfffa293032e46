package main

import (
	"context"
	"fmt"
	"os"

	"interleave/kernel/command"
	"interleave/kernel/load"
	"interleave/kernel/toolchain"
)

// writeIndex writes the index of the host's symbols, by which cells are linked into it. It is for the
// installation.
func writeIndex(_ context.Context, args []string) error {
	if len(args) != 2 {
		return command.Exit(2)
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	if err := load.WriteIndex(args[1], toolchain.ParseImportcfg(text)); err != nil {
		return fmt.Errorf("index the host: %w", err)
	}
	return nil
}
