package timeline

//lint:file-ignore SA1019 the tests run where they were built

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"golang.org/x/exp/trace"
)

func TestFuncNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fn, short, row string }{
		{"sync.(*Mutex).Lock", "Mutex.Lock", "Mutex.Lock"},
		{"net/http.Get", "http.Get", "Get"},
		{"net/http.(*Transport).dialConn", "Transport.dialConn", "Transport.dialConn"},
		{"interleave/runtime/lab.Gather[...]", "lab.Gather", "Gather"},
		{"interleave/runtime/lab.Gather[...].func1", "lab.Gather", ""},
		{"interleave/runtime/lab.(*Task[...]).Await", "lab.Task.Await", "Task.Await"},
		{"interleave/runtime/lab.loopEnv.Sleep", "lab.Env.Sleep", "loopEnv.Sleep"},
		{"main.main", "main.main", "main"},
		{"main.main.func1", "main.main", ""},
		{"main.main.gowrap2", "main.main", ""},
		{"main.main.func1-range1", "main.main", ""},
		{"main.Map[go.shape.int,a/b.T]", "main.Map", "Map"},
		{"goexit", "goexit", "goexit"},
		{"", "", ""},
	} {
		if got := shortFunc(c.fn); got != c.short {
			t.Errorf("shortFunc(%q) = %q, want %q", c.fn, got, c.short)
		}
		if got := rowName(c.fn); got != c.row {
			t.Errorf("rowName(%q) = %q, want %q", c.fn, got, c.row)
		}
	}
}

// TestSites: what stacks say to a user. Frames are innermost first, as in a dump.
func TestSites(t *testing.T) {
	t.Parallel()
	type frames []trace.StackFrame
	for _, c := range []struct {
		name   string
		stack  frames
		reason string
		state  State
		words  string
		line   string
		root   string
	}{
		{"a helper of lab says what it is", frames{
			{Func: "time.Sleep", File: "/go/src/runtime/time.go", Line: 300},
			{Func: "interleave/runtime/lab.sleep", File: "sleep.go", Line: 9},
			{Func: "interleave/runtime/lab.Sleep", File: "sleep.go", Line: 3},
			{Func: "cells/c5.fetch", File: "/x/cell[5]", Line: 3},
			{Func: "cells/c5.Run", File: "/x/cell[5]", Line: 9},
			{Func: "interleave/kernel/engine.call", File: "call.go", Line: 1},
		}, "select", Sleeping, "lab.Sleep", "cell[5]:3", "cells/c5.Run"},
		{"a lock of lab", frames{
			{Func: "interleave/runtime/lab.(*Lock).Acquire", File: "lock.go", Line: 9},
			{Func: "main.work", File: "/home/me/main.go", Line: 12},
		}, "chan receive", Locked, "lab.Lock.Acquire", "main.go:12", "main.work"},
		{"gathering is waiting", frames{
			{Func: "sync.(*WaitGroup).Wait", File: "waitgroup.go", Line: 9},
			{Func: "interleave/runtime/lab.Gather[...]", File: "gather.go", Line: 9},
			{Func: "main.main", File: "/home/me/main.go", Line: 2},
			{Func: "runtime.main", File: "proc.go", Line: 283},
		}, "sync", Waiting, "lab.Gather", "main.go:2", "main.main"},
		{"a cell's code called by a library is the user's place", frames{
			{Func: "runtime.chansend1", File: "chan.go", Line: 1},
			{Func: "cells/c2.less", File: "cell[2]", Line: 4},
			{Func: "sort.Slice", File: "sort.go", Line: 2},
			{Func: "other.call", File: "other.go", Line: 2},
		}, "chan send", Sending, "chan send", "cell[2]:4", "cells/c2.less"},
		{"the collector holds up an allocation", frames{
			{Func: "runtime.gcStart", File: "mgc.go", Line: 1},
			{Func: "runtime.makeslice", File: "slice.go", Line: 1},
			{Func: "main.main", File: "main.go", Line: 5},
		}, "sync", GC, "garbage collection", "main.go:5", "main.main"},
		{"nobody's code", frames{
			{Func: "internal/poll.runtime_pollWait", File: "netpoll.go", Line: 1},
			{Func: "os.(*File).Read", File: "file.go", Line: 7},
		}, "network", IO, "file or pipe", "netpoll.go:1", ""},
		{"a goroutine of lab's own", frames{
			{Func: "runtime.chanrecv1", File: "chan.go", Line: 1},
			{Func: "sync.(*WaitGroup).Wait", File: "waitgroup.go", Line: 9},
			{Func: "interleave/runtime/lab.(*Coro).park", File: "loop.go", Line: 344},
		}, "chan receive", Receiving, "chan receive", "", ""},
		{"what lab starts for a fetch waits for its place", frames{
			{Func: "runtime.selectgo", File: "select.go", Line: 1},
			{Func: "golang.org/x/sync/semaphore.(*Weighted).Acquire", File: "semaphore.go", Line: 1},
			{Func: "interleave/runtime/lab.(*Semaphore).Acquire", File: "semaphore.go", Line: 1},
			{Func: "interleave/runtime/lab.FetchAll.func1", File: "fetch.go", Line: 1},
			{Func: "interleave/runtime/lab.(*crew).run", File: "each.go", Line: 1},
		}, "select", Locked, "lab.FetchAll: slot", "", ""},
		{"or for the answer", frames{
			{Func: "runtime.selectgo", File: "select.go", Line: 1},
			{Func: "net/http.(*persistConn).roundTrip", File: "transport.go", Line: 1},
			{Func: "net/http.(*Client).Do", File: "client.go", Line: 1},
			{Func: "interleave/runtime/lab.(*Response).try", File: "fetch.go", Line: 1},
			{Func: "interleave/runtime/lab.FetchAll.func1", File: "fetch.go", Line: 1},
		}, "select", Network, "lab.FetchAll: answer", "", ""},
		{"interpreted code calls lab", frames{
			{Func: "runtime.selectgo", File: "select.go", Line: 1},
			{Func: "interleave/runtime/lab.sleep", File: "sleep.go", Line: 1},
			{Func: "interleave/runtime/lab.Sleep", File: "sleep.go", Line: 1},
			{Func: "reflect.Value.call", File: "value.go", Line: 1},
			{Func: "github.com/traefik/yaegi/interp.call.func1", File: "run.go", Line: 1},
			{Func: "interleave/kernel/engine.(*run).main", File: "run.go", Line: 1},
		}, "select", Sleeping, "lab.Sleep", "", ""},
		{"a lock of the runtime's own below a library's call", frames{
			{Func: "runtime.gcMarkDone", File: "mgc.go", Line: 1},
			{Func: "runtime.mallocgc", File: "malloc.go", Line: 1},
			{Func: "sync.(*WaitGroup).Go", File: "waitgroup.go", Line: 1},
			{Func: "main.main", File: "main.go", Line: 5},
		}, "sync", GC, "garbage collection", "main.go:5", "main.main"},
		{"a call of the runtime's that uses channels", frames{
			{Func: "runtime.chanrecv1", File: "chan.go", Line: 1},
			{Func: "runtime.GC", File: "mgc.go", Line: 1},
			{Func: "main.main", File: "main.go", Line: 5},
		}, "chan receive", GC, "runtime.GC", "main.go:5", "main.main"},
		{"select without cases", frames{
			{Func: "main.main", File: "main.go", Line: 5},
		}, "forever", Forever, "blocked for ever", "main.go:5", "main.main"},
		{"from before the recording", frames{
			{Func: "runtime.gopark", File: "proc.go", Line: 1},
			{Func: "runtime.chanrecv2", File: "chan.go", Line: 1},
			{Func: "main.worker", File: "main.go", Line: 5},
		}, "", Receiving, "chan receive", "main.go:5", "main.worker"},
		{"from before, on a lock", frames{
			{Func: "internal/sync.runtime_SemacquireMutex", File: "sema.go", Line: 1},
			{Func: "sync.(*Mutex).Lock", File: "mutex.go", Line: 1},
			{Func: "main.worker", File: "main.go", Line: 5},
		}, "", Locked, "Mutex.Lock", "main.go:5", "main.worker"},
		{"from before, nobody knows how", nil, "", Other, "since before the recording", "", ""},
		{"no stack", nil, "unspecified", Other, "blocked", "", ""},
	} {
		for i := range c.stack {
			c.stack[i].PC = uint64(i + 1) // which is what tells them apart
		}
		at := readSite(trace.MakeStack(c.stack))
		state, words := blocked(c.reason, &at)
		if state != c.state || words != c.words || at.line != c.line || at.root != c.root {
			t.Errorf("%s: %v, %q at %q in %q; want %v, %q at %q in %q", c.name, state, words, at.line, at.root, c.state, c.words, c.line, c.root)
		}
	}
}

// TestEveryReason: every reason for a wait that the installed Go writes into traces and dumps is classified. Reasons of goroutines that
// are never part of an experiment are left out.
func TestEveryReason(t *testing.T) {
	t.Parallel()
	strange := map[string]bool{"": true, "unspecified": true, "system goroutine wait": true, "wait for debug call": true, "debug call": true,
		"finalizer wait": true, "force gc (idle)": true, "GOMAXPROCS updater (idle)": true, "cleanup wait": true}
	for file, re := range map[string]string{
		"traceruntime.go": `(?m)^\ttraceBlock\w+: +"(.*)",$`,
		"runtime2.go":     `(?m)^\twaitReason\w+: +"(.*)",$`,
	} {
		text, err := os.ReadFile(filepath.Join(runtime.GOROOT(), "src", "runtime", file))
		if err != nil {
			t.Skip(err)
		}
		words := regexp.MustCompile(re).FindAllStringSubmatch(string(text), -1)
		if len(words) < 15 {
			t.Fatalf("%s: only %d reasons", file, len(words))
		}
		for _, w := range words {
			var state State
			var reason string
			if file == "runtime2.go" {
				state, reason = (&dumped{status: w[1]}).now()
			} else {
				state, reason = blocked(w[1], nowhere)
			}
			if (state == Other || reason == "") && !strange[w[1]] {
				t.Errorf("%s: %q is %v, %q", file, w[1], state, reason)
			}
		}
	}
}
