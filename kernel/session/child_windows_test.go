package session

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/windows"
)

// listFDs is for systems with numbered descriptors.
const listFDs = ""

// system runs the commands of evaluator that only this system has.
func system(verb string, c Cell, out *Out) error {
	switch verb {
	case "stopped":
		out.Emit(Clear{Cell: c.ID})
		suspend := windows.NewLazySystemDLL("ntdll.dll").NewProc("NtSuspendProcess")
		suspend.Call(uintptr(windows.CurrentProcess()))
	case "kill":
		kill(os.Getpid())
		select {}
	default:
		return fmt.Errorf("unknown command %q", verb)
	}
	return nil
}

// killed is how a process ends that kill has ended.
const killed = "exit status 1"

// noFile is the error when a program is missing.
const noFile = `exec: "/nonexistent/interleave": executable file not found in %PATH%`

func kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		p.Kill()
	}
}

// leave does nothing: no process leaves a job.
func leave(*exec.Cmd) {}

// gone reports whether a process has ended.
func gone(pid int) bool {
	p, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return true
	}
	defer windows.CloseHandle(p)
	ended, err := windows.WaitForSingleObject(p, uint32(200*time.Millisecond/time.Millisecond))
	return err == nil && ended == windows.WAIT_OBJECT_0
}
