package timeline

import (
	"iter"
	"strconv"
	"strings"

	"golang.org/x/exp/trace"
)

// A site is what a stack says to a user: where they are in it, and which call of theirs does not return.
type site struct {
	line string // the user's line; one of a library's where there is no other, but none of ours, which says nothing to a user
	call string // the library call made there, such as "sync.(*Mutex).Lock"; empty when the user's own code stopped
	root string // the outermost function of the user's
	base string // the outermost function of all
	park string // the tracer's word for what the runtime does there, as far as its functions tell
	cell bool   // whether the code of a cell takes part
}

// cellMark is how the names of files begin that are cells of a notebook; compilers may put a folder before it.
const cellMark = "cell["

// library names the packages, by the beginning of their functions' names, whose frames are not the user's place in a stack.
// They are looked at outward from the point where the goroutine stopped, so a user's function called by one of them counts.
var library = []string{
	"runtime.", "runtime/", "internal/", "sync.", "sync/", "time.", "context.", "syscall.", "os.", "os/", "io.", "io/", "bufio.",
	"fmt.", "log.", "log/", "net.", "net/", "crypto/", "testing.", "iter.", "slices.", "sort.", "reflect.",
	"golang.org/x/sync/", "golang.org/x/net/", "interleave/runtime/lab.", "interleave/kernel/",
	"interleave/runtime/timeline.Record", "github.com/traefik/yaegi/",
}

func isLibrary(fn string) bool {
	for _, p := range library {
		if strings.HasPrefix(fn, p) {
			return true
		}
	}
	return false
}

// isRuntime reports whether a goroutine that begins in fn serves Go itself, the recorder included.
func isRuntime(fn string) bool {
	return fn != "runtime.main" && strings.HasPrefix(fn, "runtime.") || strings.HasPrefix(fn, "runtime/") ||
		strings.HasPrefix(fn, "os/signal.") || strings.HasPrefix(fn, "interleave/runtime/timeline.(*")
}

// isCollector reports whether a goroutine that begins in fn serves the garbage collector.
func isCollector(fn string) bool {
	return strings.HasPrefix(fn, "runtime.gc") || strings.HasPrefix(fn, "runtime.bg")
}

// readSite walks a stack outward. Code of a cell is the user's wherever there is any; else whatever is not in library.
func readSite(s trace.Stack) site { return readFrames(s.Frames()) }

func readFrames(frames iter.Seq[trace.StackFrame]) site {
	var at, cell, own site // at the first frame that is not Go's runtime, the first of a cell, the first of the user's
	var call, park string
	ours := false
	for f := range frames {
		at.base = f.Func
		if park == "" {
			park = parked(f.Func)
		}
		if f.Func == "runtime.goexit" || f.Func == "runtime.main" {
			continue
		}
		line := frameLine(f)
		inCell := strings.HasPrefix(line, cellMark)
		if inCell {
			if cell.line == "" {
				cell.line, cell.call, cell.cell = line, call, true
			}
			cell.root = f.Func
		}
		if !inCell && isLibrary(f.Func) {
			ours = ours || strings.HasPrefix(f.Func, "interleave/")
			if at.line == "" && !strings.HasPrefix(f.Func, "runtime.") {
				at.line = line
			}
			call = f.Func
			continue
		}
		if own.line == "" {
			own.line, own.call = line, call
		}
		own.root = f.Func
	}
	found := at
	switch {
	case cell.cell:
		found = cell
	case own.line != "":
		found = own
	case ours:
		found.line = ""
	}
	found.base, found.park = at.base, park
	return found
}

// parked is the tracer's word for what a function that blocks waits for. The tracer says it itself when a goroutine stops, but
// not of those that had stopped before it started.
func parked(fn string) string {
	for _, p := range []struct{ prefix, reason string }{
		{"runtime.chanrecv", "chan receive"}, {"runtime.chansend", "chan send"}, {"runtime.selectgo", "select"},
		{"time.Sleep", "sleep"}, {"sync.runtime_notifyListWait", "sync.(*Cond).Wait"},
		{"sync.runtime_Sem", "sync"}, {"internal/sync.runtime_Sem", "sync"}, {"internal/poll.runtime_pollWait", "network"},
	} {
		if strings.HasPrefix(fn, p.prefix) {
			return p.reason
		}
	}
	return ""
}

// frameLine is a frame's file and line, the file without folders.
func frameLine(f trace.StackFrame) string {
	if f.File == "" {
		return ""
	}
	return baseFile(f.File) + ":" + strconv.FormatUint(f.Line, 10)
}

// bareFunc is a function's name without type arguments and without its package's folder.
func bareFunc(fn string) string {
	if i, j := strings.IndexByte(fn, '['), strings.LastIndexByte(fn, ']'); 0 <= i && i < j {
		fn = fn[:i] + fn[j+1:]
	}
	return fn[strings.LastIndexByte(fn, '/')+1:]
}

// shortFunc is a function's name as it would be written in its package's users: "sync.(*Mutex).Lock" is "Mutex.Lock",
// "net/http.Get" is "http.Get", "interleave/runtime/lab.Gather[...]" is "lab.Gather".
func shortFunc(fn string) string {
	fn = bareFunc(fn)
	pkg, name, ok := strings.Cut(fn, ".")
	if !ok {
		return fn
	}
	if recv, method, ok := strings.Cut(name, "."); ok {
		method, _, _ = strings.Cut(method, ".")
		if isClosure(method) { // recv is a function, and this is one inside it
			return pkg + "." + recv
		}
		recv = strings.Trim(recv, "(*)")
		if pkg == "lab" {
			if strings.HasSuffix(recv, "Env") { // of several kinds, which users know as one
				recv = "Env"
			}
			recv = "lab." + recv
		}
		return recv + "." + method
	}
	return pkg + "." + name
}

// rowName is a function's name for a row, or nothing when it is a closure, whose name says nothing.
func rowName(fn string) string {
	fn = bareFunc(fn)
	_, name, ok := strings.Cut(fn, ".")
	if !ok {
		return fn
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 && isClosure(name[i+1:]) {
		return ""
	}
	return strings.NewReplacer("(*", "", ")", "").Replace(name)
}

// isClosure reports whether the last part of a function's name was made up by the compiler: func1, 2, gowrap3.
func isClosure(name string) bool {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "func"), "gowrap")
	for _, c := range name {
		if (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

const reasonGC = "garbage collection"

// blocked turns the tracer's reason for a goroutine's stop, and the place of it, into our words.
func blocked(reason string, at *site) (State, string) {
	name := shortFunc(at.call)
	if reason == "" {
		reason = at.park
	}
	if strings.HasPrefix(name, "lab.") {
		return labState(name), name
	}
	switch reason {
	case "chan receive":
		return Receiving, reason
	case "chan send":
		return Sending, reason
	case "select":
		return Selecting, reason
	case "sleep":
		return Sleeping, reason
	case "network":
		return Network, nameOr(name, reason)
	case "sync.(*Cond).Wait":
		return Waiting, nameOr(name, "Cond.Wait")
	case "sync":
		if strings.HasPrefix(at.call, "runtime.") {
			return GC, reasonGC // an allocation that has to help the collector, or to wait for it
		}
		if strings.HasPrefix(at.call, "sync.") && !strings.Contains(name, "Mutex") {
			return Waiting, name
		}
		return Locked, nameOr(name, "lock")
	case "forever":
		return Other, "blocked for ever"
	case "preempted": // parked, unlike a goroutine that merely had to leave its core, so that its stack can be scanned
		return GC, reasonGC
	case "GC mark assist wait for work", "GC background sweeper wait", "wait until GC ends", "GC weak to strong wait":
		return GC, reasonGC
	case "":
		return Other, "since before the recording"
	case "unspecified":
		return Other, nameOr(name, "blocked")
	}
	return Other, reason
}

// labState says what a call into package lab waits for: lab builds its helpers from channels, so the tracer cannot tell.
func labState(name string) State {
	has := func(s string) bool { return strings.Contains(name, s) }
	switch {
	case has("Sleep"):
		return Sleeping
	case has("Lock"), has("GIL"), has("Semaphore"):
		return Locked
	case has("Queue.Get"):
		return Receiving
	case has("Queue.Put"):
		return Sending
	}
	return Waiting
}

func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}
