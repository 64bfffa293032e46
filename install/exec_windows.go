package install

import (
	"errors"
	"fmt"
	"interleave/kernel/command"
	"os"
	"os/exec"
	"os/signal"
)

// Exec runs the host in this process's place, as near as Windows gets to that: the console sends Ctrl-C to
// both, so it is ignored here, and the exit status is passed on.
func Exec(host string, args []string) error {
	signal.Ignore(os.Interrupt)
	cmd := exec.Command(host, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return command.Exit(exit.ExitCode())
	}
	if err != nil {
		return fmt.Errorf("start the host %s: %w", host, err)
	}
	return nil
}
