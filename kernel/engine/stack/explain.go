package stack

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
	"interleave/kernel/session"
	"interleave/runtime/quantity"
)

const (
	bold  = source.Bold
	faint = source.Faint
	reset = source.Reset
)

// repanicRE matches the runtime's addition to a panic that was recovered and raised again.
var repanicRE = regexp.MustCompile(` \[recovered[^\]]*\]$`)

// Explain explains why a session process died, from what Go's runtime wrote about it and from its exit
// status. It runs in the supervisor: places come from the report, or else from the line that the cell
// recorded before it was killed.
func Explain(d session.Death) session.Failed {
	f := session.Failed{Name: session.FailureDied}
	text := names.Clean(string(d.Report))
	var why, detail string
	for line := range strings.SplitSeq(text, "\n") {
		if why == "" {
			for _, p := range []string{"fatal error: ", "panic: ", "unexpected fault address", "SIG"} {
				if strings.HasPrefix(line, p) {
					why = repanicRE.ReplaceAllString(line, "")
				}
			}
			if strings.HasPrefix(line, "runtime: goroutine stack exceeds") {
				detail = line
			}
		}
	}
	if d.Space > 0 && (strings.Contains(text, "out of memory") || strings.Contains(text, "failed to reserve") ||
		strings.Contains(text, "pthread_create failed")) {
		detail = fmt.Sprintf("The address space of the session is limited to %s (ulimit -v, RLIMIT_AS). "+
			"Go reserves more than a gigabyte besides its data: "+
			"raise the limit, and restart the kernel where it was set before.", quantity.BinaryBytes(d.Space))
	}
	var exit *exec.ExitError
	switch {
	case d.Cut != nil:
		why = "the session lost its connection to the kernel: a file descriptor that it needs " +
			"was closed or written to, or its program was replaced (syscall.Exec)"
		detail = "Use only descriptors that your code has opened, and os/exec to start programs."
	case why != "":
	case errors.As(d.Err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
		s := exit.Sys().(syscall.WaitStatus).Signal()
		why = fmt.Sprintf("the session process was killed by signal %d (%s)", int(s), s)
		if s == syscall.SIGKILL {
			why += ", by another process or because memory ran out"
		}
	case d.Err != nil:
		why = "the session process ended: " + d.Err.Error()
	default:
		why = "the session process ended with status 0"
	}
	f.Value = why
	f.Traceback = []string{bold + why + reset}
	if detail != "" {
		f.Traceback = append(f.Traceback, detail)
	}
	at := places(text, d)
	if len(at) == 0 && d.N > 0 {
		at = []string{bold + noted(d) + reset + faint + " was running" + reset}
	}
	for _, l := range at {
		f.Traceback = append(f.Traceback, l)
		if m := PlaceRE.FindStringSubmatch(l); m != nil {
			n, _ := strconv.Atoi(m[1])
			line, _ := strconv.Atoi(m[2])
			f.Traceback = append(f.Traceback, Excerpt(d.Texts[n], line)...)
		}
	}
	return f
}

// places lists where the dying goroutine was, innermost first: the calls in cells of the first goroutine in
// the report that belongs to a cell. Interpreted code leaves no calls, only the label with the goroutine's
// cell, and the recorded line of the cell.
func places(text string, d session.Death) []string {
	for block := range strings.SplitSeq(text, "\n\n") {
		lines := shorten(callsIn(block))
		if g := Parse(block); len(g) > 0 && g[0].Cell != "" {
			if cell, _, line := strings.Cut(g[0].Cell, ":"); !strings.Contains(strings.Join(lines, "\n"), cell+":") {
				switch {
				case line:
					lines = append(lines, StartedAt(g[0].Cell))
				case cell == fmt.Sprintf("cell[%d]", d.N) && len(lines) == 0:
					return nil // it ran, and its stack could not be read
				case cell == fmt.Sprintf("cell[%d]", d.N):
					lines = append(lines, faint+"called from "+reset+noted(d))
				default:
					lines = append(lines, faint+"called from "+reset+cell)
				}
			}
		}
		if len(lines) > 0 {
			return lines
		}
	}
	return nil
}

// noted returns the line that the running cell recorded before its process died.
func noted(d session.Death) string {
	if d.Line > 0 {
		return fmt.Sprintf("cell[%d]:%d", d.N, d.Line)
	}
	return fmt.Sprintf("cell[%d]", d.N)
}

// StartedAt returns a line of a traceback: where the goroutine was started.
func StartedAt(place string) string {
	return faint + "in a goroutine started at " + reset + place
}

// A call is a line of a traceback, ready to be shown.
type call struct {
	text   string
	elided int // calls behind it that the runtime does not list
}

var elidedRE = regexp.MustCompile(`^\.\.\.(\d+) frames elided\.\.\.$`)

// callsIn reads the calls in cells from what the runtime prints of one goroutine, innermost first.
func callsIn(block string) (calls []call) {
	function, jumped := "", false
	for line := range strings.SplitSeq(block, "\n") {
		if strings.HasPrefix(line, "goroutine ") {
			continue
		}
		if m := elidedRE.FindStringSubmatch(line); m != nil && len(calls) > 0 {
			calls[len(calls)-1].elided, _ = strconv.Atoi(m[1])
			continue
		}
		if !strings.HasPrefix(line, "\t") {
			function = line
			continue
		}
		p := PlaceRE.FindString(line)
		if p == "" {
			continue
		}
		name, newer := names.Newer(callName(function))
		if jumped {
			jumped = false
			continue
		}
		jumped = newer
		entry := bold + p + reset
		if strings.HasPrefix(function, "created by ") {
			entry = StartedAt(p)
		} else if name != "" {
			entry += faint + " in " + reset + name
		}
		calls = append(calls, call{text: entry})
	}
	return calls
}

// shorten writes repeated calls, single or in a round of a few functions, only once.
func shorten(calls []call) (lines []string) {
	const most, longest = 12, 6
	for i := 0; i < len(calls); {
		if len(lines) >= most {
			lines = append(lines, fmt.Sprintf("%s… and %s%s", faint, quantity.Plural(len(calls)-i, "more call"), reset))
			break
		}
		n := Round(calls[i:], longest, func(a, b call) bool { return a.text == b.text })
		if n == 0 {
			lines = append(lines, calls[i].text)
			i++
			continue
		}
		in := map[string]bool{}
		for _, c := range calls[i : i+n] {
			in[c.text] = true
			lines = append(lines, c.text)
		}
		count := 0
		for ; i < len(calls) && in[calls[i].text]; i++ { // the omitted calls may end in the middle of a round
			count += 1 + calls[i].elided
		}
		lines = append(lines, fmt.Sprintf("%s(and so on, %s deep)%s", faint, quantity.Plural(count, "call"), reset))
	}
	return lines
}

// Round returns how many calls repeat at least three times at the beginning, 0 if none do.
func Round[T any](calls []T, longest int, same func(a, b T) bool) int {
next:
	for n := 1; n <= longest && 3*n <= len(calls); n++ {
		for i := n; i < 3*n; i++ {
			if !same(calls[i], calls[i-n]) {
				continue next
			}
		}
		return n
	}
	return 0
}

// Excerpt returns a line of a cell to show below its place, if there is such a line.
func Excerpt(text string, line int) []string {
	src := sourceLine(text, line)
	if src == "" {
		return nil
	}
	return []string{fmt.Sprintf("%s%4d | %s%s", faint, line, reset, src)}
}

func sourceLine(text string, line int) string {
	for range line - 1 {
		_, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return ""
		}
		text = rest
	}
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}
