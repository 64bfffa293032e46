package kerneltest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"interleave/kernel/wire"
)

// A transcript is messages as text, one line for each output:
//
//	input 1
//	stdout| a line
//	stderr| a line without its end\
//	display[id] text/plain| shown
//	update[id] image/png| …
//	result 1 text/plain| 42
//	error| name: value
//	trace| a line of the traceback
//	clear, clear wait
//	ask| prompt
//	reply ok 1
type transcript struct {
	prefix string
	lines  []string
	open   string // the stream whose last line has no end yet, or empty
}

func (t *transcript) String() string { return strings.Join(t.lines, "\n") }

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

func (t *transcript) line(format string, args ...any) {
	t.open = ""
	t.lines = append(t.lines, t.prefix+ansi.ReplaceAllString(fmt.Sprintf(format, args...), ""))
}

// add writes one message. Busy and idle are left out: they are checked for every request.
func (t *transcript) add(m *wire.Message) {
	c, err := wire.Parse(m)
	if err != nil {
		t.line("unreadable %s: %v", m.Header.MsgType, err)
		return
	}
	switch c := c.(type) {
	case wire.Status:
		if c.State == "starting" {
			t.line("starting")
		}
	case wire.Welcome:
		t.line("welcome %q", c.Subscription)
	case wire.ExecuteInput:
		t.line("input %d", c.ExecutionCount)
	case wire.StreamText:
		t.stream(c.Name, c.Text)
	case wire.DisplayData:
		verb := "display"
		if c.Update {
			verb = "update"
		}
		if c.ID != "" {
			verb += "[" + c.ID + "]"
		}
		t.bundle(verb, c.Data)
	case wire.ExecuteResult:
		t.bundle(fmt.Sprintf("result %d", c.ExecutionCount), c.Data)
	case wire.ErrorText:
		t.line("error| %s: %s", c.EName, c.EValue)
		for _, l := range c.Traceback {
			t.line("trace| %s", l)
		}
	case wire.ClearOutput:
		if c.Wait {
			t.line("clear wait")
		} else {
			t.line("clear")
		}
	case wire.InputRequest:
		t.line("ask| %s", c.Prompt)
	default:
		t.line("%s %s", c.MsgType(), m.Content)
	}
}

// stream writes text by lines; a line without an end ends in a backslash, until more text comes.
func (t *transcript) stream(name, text string) {
	for l := range strings.Lines(text) {
		if t.open == t.prefix+name {
			last := &t.lines[len(t.lines)-1]
			*last = strings.TrimSuffix(*last, `\`)
			*last += ansi.ReplaceAllString(strings.TrimSuffix(l, "\n"), "")
		} else {
			t.line("%s| %s", name, strings.TrimSuffix(l, "\n"))
		}
		t.open = ""
		if !strings.HasSuffix(l, "\n") {
			t.open = t.prefix + name
			t.lines[len(t.lines)-1] += `\`
		}
	}
}

// bundle writes a value: text and JSON as they are, and only the names of other types.
func (t *transcript) bundle(what string, b wire.Bundle) {
	for _, mime := range slices.Sorted(maps.Keys(b)) {
		text := "…"
		var s string
		switch {
		case mime == "application/json" || json.Unmarshal(b[mime], &s) != nil:
			text = string(b[mime])
		case strings.HasPrefix(mime, "text/"):
			text = s
		}
		for l := range strings.Lines(text + "\n") {
			t.line("%s %s| %s", what, mime, strings.TrimSuffix(l, "\n"))
		}
	}
}

// reply writes the reply that ends a cell.
func (t *transcript) reply(r wire.ExecuteReply) {
	switch r.Status {
	case wire.OK:
		for _, name := range slices.Sorted(maps.Keys(r.Expressions)) {
			if e := r.Expressions[name]; e.Status == wire.OK {
				t.bundle("expression "+name, e.Data)
			} else {
				t.line("expression %s failed| %s: %s", name, e.EName, e.EValue)
			}
		}
		t.line("reply ok %d", r.ExecutionCount)
	case wire.Error:
		t.line("reply error %d| %s: %s", r.ExecutionCount, r.EName, r.EValue)
	default:
		t.line("reply %s", r.Status)
	}
}
