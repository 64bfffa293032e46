package engine

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// shellCommand is a command for bash, or sh, where there is one, as from Git for Windows, and a line for cmd otherwise.
func shellCommand(ctx context.Context, command string) (*exec.Cmd, error) {
	for _, sh := range []string{"bash", "sh"} {
		if path, err := exec.LookPath(sh); err == nil {
			return exec.CommandContext(ctx, path, "-c", command), nil
		}
	}
	if strings.Contains(strings.TrimSpace(command), "\n") {
		return nil, errors.New("bash is not on PATH, and cmd takes no script: " +
			"install Git for Windows, or write lines that begin with !")
	}
	cmd := exec.CommandContext(ctx, "cmd")
	// cmd takes the rest of the line as it stands, and has other rules for quotes than Go's.
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd /d /s /c "` + command + `"`}
	return cmd, nil
}

// interruptShell ends the command and what it has started: there is no interrupt that all programs understand.
func interruptShell(cmd *exec.Cmd) error {
	err := exec.Command("taskkill", "/t", "/f", "/pid", strconv.Itoa(cmd.Process.Pid)).Run()
	if err != nil {
		err = cmd.Process.Kill()
	}
	return err
}

// killShell has nothing left to do. What is detached from the command ends with the session.
func killShell(*exec.Cmd) {}

// cpuTime returns the processor time of the process.
func cpuTime() time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, exited, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(self, &created, &exited, &kernel, &user) != nil {
		return 0
	}
	ticks := func(t syscall.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(100 * (ticks(kernel) + ticks(user)))
}
