package engine

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"interleave/kernel/cell/names"
	"interleave/kernel/engine/interpreted"
	"interleave/kernel/engine/stack"
	"interleave/kernel/session"
	"interleave/runtime/display"
)

// panicked describes a panic of one of the run's goroutines that was recovered in a deferred call.
func (e *Engine) panicked(r *run, v any, frames []stack.Frame) *failure {
	driven := false
	if d, ok := v.(*interpreted.Panic); ok {
		v, frames, driven = d.Value, append(d.Frames, stack.Frame{Cell: r.n, Line: int(r.line.Load())}), true
	}
	f := &failure{name: session.FailurePanic, frames: r.renumber(frames)}
	f.before, f.mark = before(v, driven)
	f.value = panicText(v)
	return f
}

// uncaught is called by the patched runtime on a goroutine that a cell has started, directly or through a
// library, and that a panic ends. Its deferred calls have run, and its stack is still whole. The panic would
// end an ordinary program. Here it ends the cell.
func (e *Engine) uncaught() {
	t := current()
	var v any
	cellPanics(false, func(value any, _, _ bool) { v = value })
	f := e.panicked(t.run, v, e.stackAbove(1))
	f.where = t.startedAt(cellAt())
	t.run.fail(f)
}

// A onePanic is one of several panics of a goroutine.
type onePanic struct {
	value             any
	recovered, goexit bool
}

// before returns the lines that Go would print about the panics before that of v: deferred calls raised v
// while these panics were active, or after their recovery. mark is Go's addition if v was recovered and
// raised again.
func before(v any, driven bool) (lines []string, mark string) {
	var all []onePanic
	cellPanics(driven, func(value any, recovered, goexit bool) {
		if d, ok := value.(*interpreted.Panic); ok {
			value = d.Value
		}
		all = append(all, onePanic{interpreted.Unwrapped(value), recovered, goexit})
	})
	if len(all) == 0 || !identical(all[len(all)-1].value, v) {
		return nil, ""
	}
	all = all[:len(all)-1]
	for len(all) > 0 && identical(all[len(all)-1].value, v) {
		if all = all[:len(all)-1]; !driven { // the interpreter raises each again
			mark = " [recovered, repanicked]"
		}
	}
	for i, p := range all {
		if p.goexit || i+1 < len(all) && identical(p.value, all[i+1].value) {
			continue
		}
		line := "panic: " + panicText(p.value)
		if p.recovered {
			line += " [recovered]"
		}
		lines = append(lines, strings.Repeat("\t", min(len(lines), 1))+line)
	}
	return lines, mark
}

// identical reports whether two interfaces hold the same value at the same address.
func identical(a, b any) bool {
	return *(*[2]uintptr)(unsafe.Pointer(&a)) == *(*[2]uintptr)(unsafe.Pointer(&b))
}

// panicText returns a panic's value as the Go runtime would write it. The value's methods may panic
// themselves, or not return.
func panicText(v any) string {
	text, ok, composed := "", false, false
	err := withMethods(func() {
		defer func() { _ = recover() }()
		text, composed = valueText(v)
		ok = true
	})
	if err != nil { // then the results of f must not be read
		return fmt.Sprintf("%T (its text is not available: %v)", v, err)
	}
	if !ok {
		return fmt.Sprintf("%T (its Error or String method panicked)", v)
	}
	if composed {
		text = composite(v)
	}
	return names.Clean(text)
}

// withMethods calls f as package display calls methods of values.
func withMethods(f func()) error {
	if t := current(); t != nil && t.guest == nil {
		return t.run.engine.callMethods(f)
	}
	f()
	return nil
}

// valueText returns the text of a value that Go's runtime writes in full. Other values are composed.
func valueText(v any) (text string, composed bool) {
	switch x := v.(type) {
	case error: // includes runtime.Error
		return x.Error(), false
	case fmt.Stringer:
		return x.String(), false
	case string:
		return x, false
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint,
		reflect.Uint8, reflect.Uint16,
		reflect.Uint32, reflect.Uint64, reflect.Uintptr, reflect.Float32, reflect.Float64, reflect.Complex64,
		reflect.Complex128:
		if t := reflect.TypeOf(v); t.PkgPath() == "" {
			return fmt.Sprint(v), false
		}
		return fmt.Sprintf("%T(%v)", v, v), false
	case reflect.String:
		return fmt.Sprintf("%T(%q)", v, v), false
	}
	return "", true
}

// composite returns the text of a value that Go's runtime writes as an address: with the names of fields,
// unless it is long or cyclic.
func composite(v any) string {
	const short = 10_000
	text := display.Sprint(v)
	if len(text) < short {
		named := ""
		if withMethods(func() { named = fmt.Sprintf("%+v", v) }) == nil {
			text = named
		}
	}
	return fmt.Sprintf("%T %s", v, text)
}
