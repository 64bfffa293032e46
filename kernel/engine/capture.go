package engine

import (
	"encoding/json"
	"go/token"
	"strings"

	"interleave/kernel/cell/source"
	"interleave/kernel/session"
	"interleave/runtime/host"
)

// captured is what a cell has shown in place of showing it.
type captured struct {
	stdout, stderr strings.Builder
	outputs        []host.Event
	events         []session.Event // all of it, in order
}

// take is called for each event that the cell shows.
func (c *captured) take(e session.Event) {
	c.events = append(c.events, e)
	switch e := e.(type) {
	case session.Output:
		if e.Stream == session.Stderr {
			c.stderr.WriteString(e.Text)
		} else {
			c.stdout.WriteString(e.Text)
		}
	case session.Display:
		c.outputs = append(c.outputs, host.Event{Data: plainValues(e.Data), Metadata: plainValues(e.Metadata), ID: e.ID, Update: e.Update})
	case session.Result:
		c.outputs = append(c.outputs, host.Event{Data: plainValues(e.Data), Metadata: plainValues(e.Metadata)})
	case session.Clear:
		if !e.Wait {
			c.stdout.Reset()
			c.stderr.Reset()
			c.outputs = nil
		}
	}
}

func plainValues(b session.Bundle) map[string]any {
	m := map[string]any{}
	for k, raw := range b {
		var v any
		if json.Unmarshal(raw, &v) == nil {
			m[k] = v
		}
	}
	return m
}

// capture runs the rest of the cell and keeps what it shows in a variable of the session.
func (x *execution) capture(s source.Segment) {
	name := s.Args
	if name != "" && !token.IsIdentifier(name) {
		x.refuse(s, "%%capture "+name+": that is not the name of a variable", "Write %%capture NAME, or %%capture alone to show nothing")
		return
	}
	e := x.e
	if x.diverting != nil {
		x.refuse(s, "%%capture stands in another one", "Write one of them alone")
		return
	}
	c := new(captured)
	x.diverting = c
	e.out.Divert(x.cell.ID, c.take)
	x.segments(source.Segments(s.Text))
	e.out.Divert(0, nil)
	x.diverting = nil
	if !x.done.OK {
		return
	}
	if name == "" {
		return
	}
	e.captured.Store(c)
	defer e.captured.Store(nil)
	x.code(strings.Repeat("\n", s.Line-1) + name + " := display.Capture()")
}

// release shows what was captured: it explains the error that follows.
func (x *execution) release() {
	c, out := x.diverting, x.e.out
	x.diverting = nil
	out.Divert(0, nil)
	for _, ev := range c.events {
		if text, ok := ev.(session.Output); ok {
			out.Output(text.Cell, text.Stream, []byte(text.Text))
		} else {
			out.Emit(ev)
		}
	}
}

// takeCaptured is what display.Capture asks for.
func (e *Engine) takeCaptured() (stdout, stderr string, outputs []host.Event) {
	c := e.captured.Load()
	if c == nil {
		return "", "", nil
	}
	return c.stdout.String(), c.stderr.String(), c.outputs
}
