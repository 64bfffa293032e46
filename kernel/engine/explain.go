package engine

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"

	"interleave/kernel/cell"
	"interleave/kernel/session"
)

// Explain says why a session process died, from what Go's runtime wrote about it and from its exit status. It runs in the
// supervisor, which knows no cells: places come from the report.
func Explain(report []byte, err error) session.Failed {
	f := session.Failed{Name: "session died"}
	text := cell.Clean(string(report))
	var why, detail string
	for line := range strings.SplitSeq(text, "\n") {
		if why == "" {
			for _, p := range []string{"fatal error: ", "panic: ", "unexpected fault address", "SIG"} {
				if strings.HasPrefix(line, p) {
					why = strings.TrimSuffix(line, " [recovered]")
				}
			}
			if strings.HasPrefix(line, "runtime: goroutine stack exceeds") {
				detail = line
			}
		}
	}
	var exit *exec.ExitError
	switch {
	case why != "":
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
		s := exit.Sys().(syscall.WaitStatus).Signal()
		why = fmt.Sprintf("the session process was killed by signal %d (%s)", int(s), s)
		if s == syscall.SIGKILL {
			why += ", by somebody or for want of memory"
		}
	case err != nil:
		why = "the session process ended: " + err.Error()
	default:
		why = "the session process ended with status 0"
	}
	f.Value = why
	f.Traceback = []string{bold + red + why + reset}
	if detail != "" {
		f.Traceback = append(f.Traceback, detail)
	}
	f.Traceback = append(f.Traceback, places(text)...)
	return f
}

// places lists where the dying goroutine was, innermost first: the calls of the first goroutine in the report that has any
// in cells.
func places(text string) (lines []string) {
	const most = 10
	for block := range strings.SplitSeq(text, "\n\n") {
		function, last, repeats := "", "", 0
		for line := range strings.SplitSeq(block, "\n") {
			if strings.HasPrefix(line, "goroutine ") {
				continue
			}
			if !strings.HasPrefix(line, "\t") {
				function = line
				continue
			}
			p := placeRE.FindString(line)
			if p == "" {
				continue
			}
			created := strings.HasPrefix(function, "created by ")
			name := callName(function)
			entry := bold + p + reset
			switch {
			case created:
				entry = faint + "in a goroutine started at " + reset + p
			case name != "":
				entry += faint + " in " + reset + name
			}
			if entry == last {
				repeats++
				continue
			}
			if len(lines) < most {
				lines = append(lines, entry)
			}
			last = entry
		}
		if len(lines) > 0 {
			if repeats > 0 {
				lines = append(lines, fmt.Sprintf("%s(and so on, %d calls deep)%s", faint, repeats, reset))
			}
			return lines
		}
	}
	return nil
}
