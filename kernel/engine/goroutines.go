package engine

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/engine/stack"
)

// isRecorder reports whether a goroutine that begins with this function belongs to the recorder or the
// tracer. It has a cell's tag only because the recording began there.
func isRecorder(function string) bool {
	return strings.HasPrefix(function, "interleave/runtime/timeline.") || strings.HasPrefix(function, "runtime/trace.")
}

// stackAbove returns the frames in cells of the calling goroutine, innermost first. In a deferred function
// that has recovered, they include the frames of the panic.
func (e *Engine) stackAbove(skip int) []stack.Frame {
	frames, _ := callers(skip + 1)
	return append(e.modulesAbove(skip+1), frames...)
}

// modulesAbove returns the innermost calls in modules, if they are above the first in a cell: where a library
// failed.
func (e *Engine) modulesAbove(skip int) (frames []stack.Frame) {
	pcs := make([]uintptr, 64)
	it := runtime.CallersFrames(pcs[:runtime.Callers(skip+2, pcs)])
	for len(frames) < mostModuleFrames {
		f, more := it.Next()
		first, _, _ := strings.Cut(f.Function, "/")
		switch {
		case stack.PlaceRE.MatchString(fmt.Sprintf("%s:%d", f.File, f.Line)):
			return frames
		case strings.Contains(first, ".") && strings.Contains(f.Function, "/"):
			file := names.Clean(f.File)
			if pkg, _, _ := strings.Cut(file, "@"); e.modules.Local(pkg) {
				file = e.tools.PackageFile(file)
			}
			frames = append(frames, stack.Frame{Function: fmt.Sprintf("%s at %s:%d",
				names.Clean(f.Function[strings.LastIndexByte(f.Function, '/')+1:]), file, f.Line)})
		}
		if !more {
			return frames
		}
	}
	return frames
}

// mostModuleFrames is how many calls in modules are shown.
const mostModuleFrames = 3

// callers is like stackAbove, and reports whether the goroutine is a cell's own one. It examines 256 calls at
// most.
func callers(skip int) (frames []stack.Frame, main bool) {
	pcs := make([]uintptr, 256)
	pcs = pcs[:runtime.Callers(skip+2, pcs)]
	it := runtime.CallersFrames(pcs)
	var t stack.Trace
	for {
		f, more := it.Next()
		main = main || f.Function == stack.Main
		t.Add(stack.FunctionName(f.Function), fmt.Sprintf("%s:%d", f.File, f.Line))
		if !more {
			return t.Frames, main
		}
	}
}

// inBodies counts the goroutines in each of some bodies of code. more reports that it has examined only
// mostLooked goroutines.
func (e *Engine) inBodies(bodies []cell.Stale) (counts []int, more bool) {
	counts = make([]int, len(bodies))
	var gs []unsafe.Pointer
	var ids []uint64
	if len(bodies) > 0 {
		cellGoroutines(func(g unsafe.Pointer, id uint64, _ unsafe.Pointer, _ string, _ bool, _, _ uintptr) {
			if len(gs) == mostLooked {
				more = true
			} else {
				gs, ids = append(gs, g), append(ids, id)
			}
		})
	}
	if len(gs) == 0 {
		return counts, false
	}
	buf := make([]byte, 64<<10+16<<10*len(gs))
	for _, g := range stack.Parse(string(buf[:cellStacks(buf, gs, ids)])) {
		frames := stack.Frames(g.Text)
		for i, s := range bodies {
			if slices.ContainsFunc(frames, func(f stack.Frame) bool { return f.Cell == s.Cell && s.Holds(f.Function) }) {
				counts[i]++
			}
		}
	}
	return counts, more
}
