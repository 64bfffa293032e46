package engine

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"interleave/kernel/cell"
	"interleave/kernel/session"
)

// A failure is what ended a cell.
type failure struct {
	name, value string
	where       string // a goroutine's starting place
	frames      []frame
	left        []goroutine // goroutines that could not be stopped
	unlisted    int         // as many more
	lines       []string    // instead of frames: ready to be shown
	interrupted bool
	fine        bool // os.Exit(0): it ends the cell, and is no failure
}

const (
	bold  = cell.Bold
	faint = cell.Faint
	reset = cell.Reset
)

// panicked describes a panic of one of the run's goroutines.
func (e *Engine) panicked(r *run, v any, frames []frame) *failure {
	if d, ok := v.(*driven); ok {
		v, frames = d.value, append(d.frames, frame{"", r.n, int(r.line.Load())})
	}
	return &failure{name: "panic", value: panicText(v), frames: r.shifted(frames)}
}

// panicText writes a panic's value as the Go runtime would.
func panicText(v any) (s string) {
	defer func() {
		if recover() != nil {
			s = fmt.Sprintf("%T (its text cannot be had: the method panicked)", v)
		}
	}()
	switch x := v.(type) {
	case runtime.Error:
		return cell.Clean(x.Error())
	case error:
		return cell.Clean(x.Error())
	case fmt.Stringer:
		return cell.Clean(x.String())
	case string:
		return cell.Clean(x)
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16,
		reflect.Uint32, reflect.Uint64, reflect.Uintptr, reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		if t := reflect.TypeOf(v); t.PkgPath() == "" {
			return fmt.Sprint(v)
		}
		return cell.Clean(fmt.Sprintf("%T(%v)", v, v))
	case reflect.String:
		return cell.Clean(fmt.Sprintf("%T(%q)", v, v))
	}
	return cell.Clean(fmt.Sprintf("%T %+v", v, v))
}

// render gives the lines shown under the cell.
func (f *failure) render(e *Engine) (lines []string) {
	if f.lines != nil {
		return f.lines
	}
	head := f.name + ": " + f.value
	if f.interrupted {
		head = f.value
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
		name := ""
		if fr.function != "" {
			name = faint + " in " + reset + fr.function
		}
		lines = append(lines, fmt.Sprintf("%scell[%d]:%d%s%s", bold, fr.cell, fr.line, reset, name))
		lines = append(lines, excerpt(e.texts.of(fr.cell), fr.line)...)
	}
	for _, l := range together(f.left, f.unlisted) {
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
