package engine

import (
	"fmt"
	"strings"

	"interleave/kernel/cell/source"
	"interleave/kernel/engine/stack"
	"interleave/kernel/session"
	"interleave/runtime/quantity"
)

// A failure is the reason why a cell failed.
type failure struct {
	name, value string
	before      []string // of several panics, the earlier ones as Go prints them
	mark        string   // Go's addition to the text of the last one
	where       string   // a goroutine's starting place
	frames      []stack.Frame
	left        []string // goroutines that could not be stopped, as run.report describes them
	lines       []string // instead of frames: ready to be shown
	interrupted bool
	exitedZero  bool // os.Exit(0): it ends the cell without a failure
}

const (
	bold  = source.Bold
	faint = source.Faint
	reset = source.Reset
)

// render returns the lines shown under the cell.
func (f *failure) render(e *Engine) (lines []string) {
	if f.lines != nil {
		return f.lines
	}
	head := f.name + ": " + f.value + f.mark
	if f.interrupted {
		head = f.value
	}
	if len(f.before) > 0 {
		head = strings.Join(f.before, "\n") + "\n\t" + head
	}
	lines = append(lines, strings.Split(bold+head+reset, "\n")...)
	if f.where != "" {
		lines = append(lines, stack.StartedAt(f.where))
	}
	const most = 12
	for i, fr := range f.frames {
		if i == most {
			lines = append(lines, fmt.Sprintf("%s… and %s%s", faint, quantity.Plural(len(f.frames)-most, "more call"), reset))
			break
		}
		if fr.Cell == 0 {
			lines = append(lines, faint+"("+fr.Function+")"+reset)
			continue
		}
		name := ""
		if fr.Function != "" {
			name = faint + " in " + reset + fr.Function
		}
		lines = append(lines, fmt.Sprintf("%scell[%d]:%d%s%s", bold, fr.Cell, fr.Line, reset, name))
		lines = append(lines, stack.Excerpt(e.texts.of(fr.Cell), fr.Line)...)
	}
	for _, l := range f.left {
		lines = append(lines, faint+"left behind: "+reset+l)
	}
	return lines
}

// event returns the failure as an event of the session.
func (f *failure) event(e *Engine, id uint64) session.Failed {
	value, _, _ := strings.Cut(f.value, "\n")
	return session.Failed{Cell: id, Name: f.name, Value: value, Traceback: f.render(e)}
}
