package timeline

import (
	"iter"
	"strconv"
	"strings"

	"golang.org/x/exp/trace"
)

// A site is the part of a stack that a user sees: the place in user code, and the call there that does not
// return.
type site struct {
	// the user's line; one of a library's where there is no other, but not one of Interleave's own, which
	// would not help
	line  string
	call  string // the library call made there, such as "sync.(*Mutex).Lock"; empty when the user's own code stopped
	first string // the innermost function of all
	// the innermost function of call that is neither Go's runtime nor a primitive: it shows the reason of the
	// wait
	inner string
	prim  string // the primitive of package sync that call waits in, such as "sync.(*WaitGroup).Wait"
	lab   string // the innermost function of package lab in call
	root  string // the outermost function of the user's
	base  string // the outermost function of all
	park  string // the tracer's word for what the runtime does there, derived from its functions
	cell  bool   // whether the code of a cell takes part
	user  bool   // whether the user's code takes part, in a cell or elsewhere
	shell bool   // whether the goroutine only waits for the one that runs the user's function
}

// cellMark is how the names of files begin that are cells of a notebook; compilers may put a folder before it.
const cellMark = "cell["

// library names the packages, by the beginning of their functions' names, whose frames are not the user's
// place in a stack. They are looked at outward from the point where the goroutine stopped, so a user's
// function called by one of them counts.
var library = []string{
	"runtime.", "runtime/", "internal/", "sync.", "sync/", "time.", "context.", "syscall.", "os.", "os/", "io.", "io/", "bufio.",
	"fmt.", "log.", "log/", "net.", "net/", "crypto/", "testing.", "testing/", "iter.", "slices.", "maps.", "sort.", "reflect.",
	"archive/", "bytes.", "compress/", "container/", "database/", "encoding/", "errors.", "hash/", "html/", "image/", "mime/", "regexp.",
	"strings.", "text/", "golang.org/x/sync/", "golang.org/x/net/", "golang.org/x/time/", "interleave/runtime/lab.", remotePrefix, "interleave/kernel/",
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

// isRuntime reports whether a goroutine that begins in fn serves Go itself, the recorder, what shows values or
// other processes.
func isRuntime(fn string) bool {
	return fn != "runtime.main" && fn != coroutine && strings.HasPrefix(fn, "runtime.") || strings.HasPrefix(fn, "runtime/") ||
		strings.HasPrefix(fn, "os/signal.") || strings.HasPrefix(fn, "interleave/runtime/timeline.(*") ||
		strings.HasPrefix(fn, "interleave/kernel/engine.(*guest)") || strings.HasPrefix(fn, remotePrefix)
}

// coroutine is the function in which the goroutines of iter.Pull begin.
const coroutine = "runtime.corostart"

// isShell reports whether a goroutine that begins in fn only waits for another: the outer one of a synctest
// bubble.
func isShell(fn string) bool { return fn == "testing/synctest.Test.func1" }

// isCollector reports whether a goroutine that begins in fn serves the garbage collector.
func isCollector(fn string) bool {
	return strings.HasPrefix(fn, "runtime.gc") || strings.HasPrefix(fn, "runtime.bg")
}

// readSite walks a stack outward. If the stack has code of a cell, that is the user's; otherwise all code
// outside of library is.
func readSite(s trace.Stack) site { return readFrames(s.Frames()) }

func readFrames(frames iter.Seq[trace.StackFrame]) site {
	var at, cell, own site // at the first frame that is not Go's runtime, the first of a cell, the first of the user's
	var call site          // the library call so far
	outer := ""            // the outermost function of package lab's that users know
	ours, driven := false, false
	for f := range frames {
		at.base = f.Func
		if at.first == "" {
			at.first = f.Func
		}
		if at.park == "" {
			at.park = parked(f.Func)
		}
		if f.Func == "runtime.goexit" || f.Func == "runtime.main" {
			continue
		}
		line := frameLine(f)
		inCell := strings.HasPrefix(line, cellMark)
		if inCell {
			if cell.line == "" {
				cell = call
				cell.line, cell.cell = line, true
			}
			cell.root = f.Func
		}
		if !inCell && isLibrary(f.Func) {
			ours = ours || strings.HasPrefix(f.Func, "interleave/")
			if at.line == "" && !strings.HasPrefix(f.Func, "runtime.") {
				at.line = line
			}
			if driven = driven || isDriver(f.Func); !driven {
				call.within(f.Func)
			}
			if strings.HasPrefix(f.Func, labPrefix) && isExported(f.Func) {
				outer = f.Func
			}
			at.shell = at.shell || strings.HasPrefix(f.Func, "interleave/kernel/engine/rt.Test[")
			continue
		}
		if own.line == "" {
			own = call
			own.line = line
		}
		own.root = f.Func
	}
	found := call
	switch {
	case cell.cell:
		found = cell
		found.user = true
	case own.line != "":
		found = own
		found.user = true
	default:
		if found.line = at.line; ours {
			found.line = ""
		}
		if !driven { // the goroutine is a library's own: what it calls in there means nothing to a user
			found.call = outer
		}
	}
	found.first, found.base, found.park = at.first, at.base, at.park
	// of which the function that the kernel calls there runs in another
	found.shell = at.shell && at.base == "testing.tRunner"
	return found
}

// isDriver reports whether fn belongs to what calls a library for interpreted code, whose own lines no stack
// shows.
func isDriver(fn string) bool {
	return strings.HasPrefix(fn, "reflect.") || strings.HasPrefix(fn, "github.com/traefik/yaegi/") || strings.HasPrefix(fn, "interleave/kernel/")
}

// within takes note of the next frame outward of a library call.
func (s *site) within(fn string) {
	s.call = fn
	sync := strings.HasPrefix(fn, "sync.") || strings.HasPrefix(fn, "internal/sync.")
	if s.inner == "" {
		switch {
		case sync:
			s.prim = fn
		case !strings.HasPrefix(fn, "runtime.") && !strings.HasPrefix(fn, "internal/") && !strings.HasPrefix(fn, "syscall."):
			s.inner = fn
		}
	}
	if s.lab == "" && strings.HasPrefix(fn, labPrefix) {
		s.lab = fn
	}
}

const (
	labPrefix    = "interleave/runtime/lab."
	remotePrefix = "interleave/runtime/remote." // lab's processes
)

// parked is the tracer's word for what a function that blocks waits for. The tracer records it when a
// goroutine stops, but not for goroutines that had stopped before it started.
func parked(fn string) string {
	for _, p := range []struct{ prefix, reason string }{
		{"runtime.chanrecv", "chan receive"}, {"runtime.chansend", "chan send"}, {"runtime.selectgo", "select"}, {"runtime.block", "forever"},
		{"runtime.coroswitch", reasonCoroutine}, {coroutine, reasonCoroutine},
		{"time.Sleep", "sleep"}, {"sync.runtime_notifyListWait", "sync.(*Cond).Wait"},
		{"internal/synctest.Run", "synctest"}, {"internal/synctest.Wait", "synctest"},
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

// shortFunc is a function's name as it would be written in its package's users: "sync.(*Mutex).Lock" is
// "Mutex.Lock", "net/http.Get" is "http.Get", "interleave/runtime/lab.Gather[...]" is "lab.Gather".
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

// isExported reports whether users can call a function of a package, or the one that it is a closure in.
func isExported(fn string) bool {
	for part := range strings.SplitSeq(strings.TrimPrefix(shortFunc(fn), "lab."), ".") {
		if part == "" || part[0] < 'A' || 'Z' < part[0] {
			return false
		}
	}
	return true
}

// rowName is a function's name for a row, or "" for a closure, whose name has no meaning.
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

// isClosure reports whether the last part of a function's name was made up by the compiler: func1, 2,
// gowrap3, func1-range1.
func isClosure(name string) bool {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "func"), "gowrap")
	name = strings.ReplaceAll(name, "-range", "-")
	for _, c := range name {
		if (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
