package session

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"
)

const (
	// reportMax is how many bytes of stderr are held back until it is known whether the process is dying. A
	// longer report is shown as output.
	reportMax = 8 << 20
	// reportKept is how many bytes of a report that was already shown are kept for Explain.
	reportKept = 1 << 20
)

// report holds back the end of stderr, from where Go's runtime seems to begin its report of a crash. If the
// process dies, the report is passed to Explain and not shown a second time as output; if it lives, it was
// the user's text and is shown.
type report struct {
	kept    strings.Builder // from the last line that looks like the beginning of a report
	waiting strings.Builder // the part of stderr that is held back
}

// firsts are the beginnings of the runtime's reports. They may be anywhere in a line, since the user's last
// line may have no end.
var firsts = []string{"fatal error: ", "panic: ", "runtime: ", "fatal: morestack", "unexpected fault address ", "SIG"}

// take receives the next text of stderr and returns the part that may be shown now.
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

// release returns the text that was held back: a later event shows that the process is alive.
func (r *report) release() string {
	text := r.waiting.String()
	r.waiting.Reset()
	return text
}

// forget removes released text from later reports: the cell ended without a crash.
func (r *report) forget() {
	if !r.holds() {
		r.kept.Reset()
	}
}

// last splits what a process left when it ended into text to be shown and the report. If the process did not
// end the way the runtime ends one, there is no report, whatever the text looks like.
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
