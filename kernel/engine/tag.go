package engine

import (
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"unsafe"

	"interleave/kernel/engine/stack"
)

// A tag is data that the patched runtime keeps for a goroutine of a cell. A goroutine inherits it from the
// one that starts it, so that each goroutine belongs to the run that caused it, even after its cell has
// ended. A tag lives while a goroutine has it.
type tag struct {
	// These two are first: the patched runtime reads them, in stdfiles/cellstop.go.txt of package
	// kernel/toolchain.
	stop      *uint32 // the run's halt
	unwinding bool    // it is ending, so that a stop does not affect it

	run    *run
	place  string          // where the first goroutine with the tag was started: cell[3]:4, or cell[3] for a cell's own
	guest  *guest          // it calls methods of values that are shown
	labels context.Context // profiler labels with the same data, for readers of a traceback
}

// current returns the tag of the calling goroutine, nil if it belongs to no cell.
func current() *tag { return (*tag)(cellTag()) }

// adopt makes the calling goroutine one of the run's. at is what cellAt returns on it from now on; with 0 it
// was started at place.
func (r *run) adopt(place string, unwinding bool, at uintptr) {
	key := place
	if unwinding {
		key = "\x00" + place
	}
	r.mu.Lock()
	t := r.tags[key]
	if t == nil {
		t = r.newTag(place)
		t.unwinding = unwinding
		r.tags[key] = t
	}
	r.mu.Unlock()
	t.set(at)
}

// startedAt returns where a goroutine with the tag was started, as far as that is known; at is what cellAt
// returns on it.
func (t *tag) startedAt(at uintptr) string {
	place := t.place
	if at != 0 {
		for frames, more := runtime.CallersFrames([]uintptr{at}), true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); strings.HasPrefix(f.File, "cell[") {
				place, more = fmt.Sprintf("%s:%d", f.File, f.Line), false
			}
		}
	}
	return t.run.renumberText(place)
}

// newTag returns a tag for goroutines of the run.
func (r *run) newTag(place string) *tag {
	return &tag{stop: &r.halt, run: r, place: place, labels: r.labelled(context.Background(), place)}
}

// labelled returns ctx with the labels of a goroutine that was started at place.
func (r *run) labelled(ctx context.Context, place string) context.Context {
	return pprof.WithLabels(ctx, pprof.Labels("cell", place, "run", strconv.FormatUint(r.id, 10)))
}

// set gives the calling goroutine the tag.
func (t *tag) set(at uintptr) {
	setCellTag(unsafe.Pointer(t), at)
	pprof.SetGoroutineLabels(t.labels)
}

// untag takes the calling goroutine out of its run.
func untag() {
	setCellTag(nil, 0)
	pprof.SetGoroutineLabels(context.Background())
}

// places gives lab the user's names for lines of the calling code: stacks do not show those of interpreted
// code, and for a cell that was compiled under another number they show that number.
func (e *Engine) places() func(string) string {
	t := current()
	if t == nil {
		return nil
	}
	r, line := t.run, t.run.line.Load()
	if line == 0 && r.shift == nil {
		return nil
	}
	return func(found string) string {
		if found == "" && line > 0 {
			return fmt.Sprintf("cell[%d]:%d", r.n, line)
		}
		for _, f := range r.renumber(stack.Frames("\t" + found)) {
			return fmt.Sprintf("cell[%d]:%d", f.Cell, f.Line)
		}
		return found
	}
}
