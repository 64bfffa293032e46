//go:build unix

package session

//lint:file-ignore SA4010 it must use memory

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// listFDs prints the descriptors and the environment that a process gets.
const listFDs = "ls /proc/self/fd; env | sort"

// system runs the commands of evaluator that only this system has.
func system(verb string, c Cell, out *Out) error {
	switch verb {
	case "nonblock":
		syscall.SetNonblock(1, true)
	case "fds": // which descriptors a process started by user code has
		b, err := exec.Command("/bin/sh", "-c", listFDs).CombinedOutput()
		os.Stdout.Write(b)
		return err
	case "stopped":
		out.Emit(Clear{Cell: c.ID})
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "sigint":
		ch := make(chan os.Signal, 1)
		signal.Notify(ch, syscall.SIGINT)
		syscall.Kill(os.Getpid(), syscall.SIGINT)
		<-ch
		signal.Stop(ch)
		syscall.Kill(os.Getpid(), syscall.SIGINT)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "abort":
		syscall.Kill(os.Getpid(), syscall.SIGABRT)
		select {}
	case "memory":
		syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 1 << 30, Max: 1 << 30})
		var hold [][]byte
		for {
			hold = append(hold, make([]byte, 64<<20))
		}
	case "exec":
		return syscall.Exec("/bin/sleep", []string{"sleep", "1000"}, nil)
	case "closefds":
		for fd := 3; fd < 1024; fd++ {
			syscall.Close(fd)
		}
		select {}
	default:
		return fmt.Errorf("unknown command %q", verb)
	}
	return nil
}

// killed is how a process ends that kill has ended.
const killed = "signal: killed"

// noFile is the error when a program is missing.
const noFile = "fork/exec /nonexistent/interleave: no such file or directory"

func kill(pid int) { syscall.Kill(pid, syscall.SIGKILL) }

// leave lets a process leave its group.
func leave(p *exec.Cmd) { p.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// gone reports whether a process has ended, reaped or not. It waits for the effect of a signal that was sent.
func gone(pid int) bool {
	for range 200 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}
