package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
)

// Become runs another program in this process's place, as near as Windows gets to that: the console sends Ctrl-C to
// both, so it is ignored here, and the exit status is passed on.
func Become(program string, args []string) error {
	signal.Ignore(os.Interrupt)
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return Exit(exit.ExitCode())
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	return nil
}
