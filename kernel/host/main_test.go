package main

import (
	"testing"

	"interleave/kernel/command"
)

// TestSubcommands checks that the host runs what the launcher leaves to it.
func TestSubcommands(t *testing.T) {
	t.Parallel()
	for _, c := range command.Subcommands {
		if commands[c.Name] == nil && !c.Launcher {
			t.Errorf("neither the launcher nor the host runs %s", c.Name)
		}
	}
}
