package timeline

import (
	"runtime"
	"strconv"
	"time"
)

// A Hold is one time that a goroutine waited for a lock and then held it. Package lab's locks note them; the
// tracer knows only waits.
type Hold struct {
	Lock      string // its name
	Mode      string // "reading" or "writing", of a lock that knows both; else empty
	Who       string // the goroutine's name, as [Named], or the task; empty when there is neither
	Goroutine int64  // its ID; 0 when not known
	From      string // where the goroutine was started, as file:line: that of its function; empty when not known
	Line      string // the call that took the lock, as file:line
	Engine    string // what ran the code, see [Engine]
	Asked     time.Time
	Wait      time.Duration // from asking to getting
	Hold      time.Duration // from getting to giving back
}

// Self returns the calling goroutine's ID and where it was started: the file:line of the beginning of the
// outermost function of user code, or "". It costs some microseconds, depending on the depth of the stack.
func Self() (id int64, from string) {
	pcs := make([]uintptr, 64)
	n := runtime.Callers(2, pcs)
	for n == len(pcs) {
		pcs = make([]uintptr, 4*n)
		n = runtime.Callers(2, pcs)
	}
	var root runtime.Frame
	for frames := runtime.CallersFrames(pcs[:n]); ; {
		f, more := frames.Next()
		if f.Func != nil && !isLibrary(f.Function) {
			root = f
		}
		if !more {
			break
		}
	}
	if root.Func != nil {
		file, line := root.Func.FileLine(root.Entry)
		from = baseFile(file) + ":" + strconv.Itoa(line)
	}
	return goroutineID(), from
}
