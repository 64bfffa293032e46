//go:build unix

package engine

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// shellCommand is a command for the user's shell, in a process group of its own.
func shellCommand(ctx context.Context, command string) (*exec.Cmd, error) {
	sh := "sh"
	if _, err := exec.LookPath("bash"); err == nil {
		sh = "bash"
	}
	cmd := exec.CommandContext(ctx, sh, "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, nil
}

// interruptShell interrupts the command and what it has started.
func interruptShell(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

// killShell ends what an interrupt has not ended.
func killShell(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// cpuTime returns the processor time of the process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
