package session

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"
)

const (
	// reportMax is how much of stderr waits for the answer to "is the process dying?". A report of more is shown as it is.
	reportMax = 8 << 20
	// reportKept is how much of a report Explain gets of one that was shown in the meantime.
	reportKept = 1 << 20
)

// report holds back the end of stderr from where Go's runtime seems to begin its last words: if the process dies, they go to
// Explain and are not shown a second time as output; if it lives, they were the user's text and are shown.
type report struct {
	kept    strings.Builder // from the last line that looks like the beginning of a report
	waiting strings.Builder // the part of stderr that is held back
}

// firsts are how the runtime's reports begin. Where in a line does not matter: the user's last line may have no end.
var firsts = []string{"fatal error: ", "panic: ", "runtime: ", "fatal: morestack", "unexpected fault address ", "SIG"}

// take gets the next text of stderr and returns what may be shown now.
func (r *report) take(text string) string {
	if text == "" {
		return ""
	}
	if r.holds() {
		r.waiting.WriteString(text)
		r.keep(text)
		if r.waiting.Len() > reportMax {
			return r.release()
		}
		return ""
	}
	at := begins(text)
	if at < 0 {
		if r.kept.Len() > 0 {
			r.keep(text)
		}
		return text
	}
	r.kept.Reset()
	r.keep(text[at:])
	r.waiting.WriteString(text[at:])
	return text[:at]
}

func (r *report) holds() bool { return r.waiting.Len() > 0 }

// begins returns where in text a report may begin, or -1.
func begins(text string) int {
	first := -1
	for _, f := range firsts {
		if i := strings.Index(text, f); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}

func (r *report) keep(text string) {
	if room := reportKept - r.kept.Len(); room > 0 {
		r.kept.WriteString(text[:min(room, len(text))])
	}
}

// release returns what was held back: the process said something afterwards, so it lives.
func (r *report) release() string {
	text := r.waiting.String()
	r.waiting.Reset()
	return text
}

// forget makes what was released no part of a later report: a cell ended alive.
func (r *report) forget() {
	if !r.holds() {
		r.kept.Reset()
	}
}

// last parts what a process left when it ended into text that is still to be shown and the report. A process that ended in another
// way than the runtime ends one has written no report, whatever its text looks like.
func (r *report) last(exit error) (text string, report []byte) {
	var e *exec.ExitError
	if !errors.As(exit, &e) {
		return r.release(), nil
	}
	status, _ := e.Sys().(syscall.WaitStatus)
	if e.ExitCode() == 2 || status.Signaled() && status.Signal() != syscall.SIGKILL {
		return "", []byte(r.kept.String())
	}
	return r.release(), nil
}
