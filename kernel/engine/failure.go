package engine

import (
	"fmt"
	"strings"

	"interleave/kernel/cell"
	"interleave/kernel/session"
)

// A failure is what ended a cell.
type failure struct {
	name, value string
	before      []string // of several panics, the earlier ones as Go prints them
	mark        string   // what Go adds to the text of the last one
	where       string   // a goroutine's starting place
	frames      []frame
	left        []string // goroutines that could not be stopped, as run.report describes them
	lines       []string // instead of frames: ready to be shown
	interrupted bool
	fine        bool // os.Exit(0): it ends the cell, and is no failure
}

const (
	bold  = cell.Bold
	faint = cell.Faint
	reset = cell.Reset
)

// render gives the lines shown under the cell.
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
		lines = append(lines, startedAt(f.where))
	}
	const most = 12
	for i, fr := range f.frames {
		if i == most {
			lines = append(lines, fmt.Sprintf("%s… and %d more calls%s", faint, len(f.frames)-most, reset))
			break
		}
		if fr.cell == 0 {
			lines = append(lines, faint+"("+fr.function+")"+reset)
			continue
		}
		name := ""
		if fr.function != "" {
			name = faint + " in " + reset + fr.function
		}
		lines = append(lines, fmt.Sprintf("%scell[%d]:%d%s%s", bold, fr.cell, fr.line, reset, name))
		lines = append(lines, excerpt(e.texts.of(fr.cell), fr.line)...)
	}
	for _, l := range f.left {
		lines = append(lines, faint+"left behind: "+reset+l)
	}
	return lines
}

// excerpt shows a line of a cell below its place, when there is such a line.
func excerpt(text string, line int) []string {
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

// event is the failure as the session tells it.
func (f *failure) event(e *Engine, id uint64) session.Failed {
	value, _, _ := strings.Cut(f.value, "\n")
	return session.Failed{Cell: id, Name: f.name, Value: value, Traceback: f.render(e)}
}
