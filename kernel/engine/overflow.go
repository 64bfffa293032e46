package engine

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"time"

	"interleave/kernel/engine/stack"
	"interleave/kernel/session"
	"interleave/runtime/quantity"
)

// overflowed is called by the patched runtime on a goroutine of a cell whose stack has grown beyond its
// limit. That ends an ordinary program. Here it ends the goroutine when overflowed returns, and the cell; the
// session continues.
func (e *Engine) overflowed() {
	t := current()
	if t == nil {
		return
	}
	if t.guest != nil {
		t.guest.err = errRecursion
		return
	}
	t.run.deep.Store(time.Now().Add(time.Minute).UnixNano())
	t.run.fail(t.run.overflow(t))
}

// printsRE matches functions that traverse the values that they are given.
var printsRE = regexp.MustCompile(`^(fmt|log|slog|reflect|json|xml|gob|asn1|template)\.`)

// overflow describes where a stack has overflowed: the repeating calls at its top, and the calls from its
// bottom to them.
func (r *run) overflow(t *tag) *failure {
	var top, bottom [256]uintptr
	n, depth := cellCutTop(top[:])
	m := 0
	if n > 0 {
		m = runtime.Callers(1, bottom[:])
	} else {
		n, m, depth = cellCallers(top[:], bottom[:])
	}
	inner, _ := framesOf(top[:n])
	outer, callee := framesOf(bottom[:m])
	f := &failure{name: session.FailureOverflow,
		value: fmt.Sprintf("calls are nested %s deep, and the goroutine's stack has no room for more", quantity.Count(depth))}
	if len(inner) == 0 && callee != "" {
		cause := "calls itself without end"
		if printsRE.MatchString(callee) {
			cause = "was given a value that contains itself"
		}
		f.value = callee + " " + cause + ": " + f.value
	}
	rounds := stack.Round(inner, 6, func(a, b stack.Frame) bool { return a == b })
	if rounds == 0 {
		rounds = min(len(inner), 6)
	}
	f.frames = append(f.frames, inner[:rounds]...)
	f.frames = append(f.frames, stack.Frame{Function: "and so on"})
	repeats := map[stack.Frame]bool{}
	for _, fr := range inner {
		repeats[fr] = true
	}
	for i := len(outer); i > 0; i-- { // calls outside the recursion
		if repeats[outer[i-1]] {
			outer = outer[i:]
			break
		}
	}
	f.frames = append(f.frames, outer...)
	if id := r.mainID.Load(); id != 0 {
		if _, me := cellGoroutine(); me == id {
			if line := int(r.line.Load()); line > 0 {
				f.frames = append(f.frames, stack.Frame{Cell: r.n, Line: line})
			}
		} else {
			f.where = t.startedAt(cellAt())
		}
	}
	f.frames = r.renumber(f.frames)
	return f
}

// framesOf returns the frames in cells, innermost first, and the function that the innermost of them has
// called, or that the interpreter has called if the stack has no lines.
func framesOf(pcs []uintptr) (frames []stack.Frame, callee string) {
	it := runtime.CallersFrames(pcs)
	var tr stack.Trace
	last, reflected := "", ""
	for {
		f, more := it.Next()
		tr.Add(stack.FunctionName(f.Function), fmt.Sprintf("%s:%d", f.File, f.Line))
		switch {
		case callee != "":
		case len(tr.Frames) > 0:
			callee = last
		case strings.HasPrefix(f.Function, "github.com/traefik/yaegi/"):
			callee = reflected
		case f.Function == "reflect.Value.call":
			reflected = last
		}
		last = f.Function[strings.LastIndexByte(f.Function, '/')+1:]
		if !more {
			return tr.Frames, callee
		}
	}
}
