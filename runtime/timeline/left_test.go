package timeline

//lint:file-ignore SA2001 taking the lock is what is measured or waited for

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// settle waits until goroutines of this file have each of the states.
func settle(states ...string) {
	for {
		all, _ := readDump(dump())
		seen := map[string]bool{}
		for _, g := range all {
			if strings.HasPrefix(g.line, "left_test.go:") {
				seen[g.status] = true
			}
		}
		if !slices.ContainsFunc(states, func(s string) bool { return !seen[s] }) {
			return
		}
		runtime.Gosched()
	}
}

// TestOutliving: what outlives an experiment is listed with its lines and states; what ended with it is not.
func TestOutliving(t *testing.T) {
	receive, stop := make(chan int), make(chan int)
	var spin atomic.Bool
	spin.Store(true)
	var mu sync.Mutex
	mu.Lock()
	var all, some sync.WaitGroup
	e, err := Record(context.Background(), func() {
		leave := func(name string, f func()) {
			ready := make(chan int)
			all.Go(func() {
				Name(name)
				close(ready)
				f()
			})
			<-ready
		}
		leave("receiver", func() { <-receive })
		leave("selector", func() {
			select {
			case <-receive:
			case <-stop:
			}
		})
		leave("locked", func() { mu.Lock(); mu.Unlock() })
		leave("spinner", func() {
			for spin.Load() {
			}
		})
		for range 300 {
			some.Go(func() {})
		}
		some.Wait()
		settle("chan receive", "select", "sync.Mutex.Lock")
	})
	if err != nil {
		t.Fatal(err)
	}
	spin.Store(false)
	close(receive)
	close(stop)
	mu.Unlock()
	all.Wait()

	want := map[string]struct {
		state  State
		reason string
	}{"receiver": {Receiving, "chan receive"}, "selector": {Selecting, "select"}, "locked": {Locked, "Mutex.Lock"}, "spinner": {Running, ""}}
	if len(e.Left) != len(want) {
		t.Errorf("%d goroutines were left behind: %v", len(e.Left), e.Left)
	}
	for _, l := range e.Left {
		w, ok := want[l.Name]
		if l.State == Runnable {
			l.State = Running
		}
		if !ok || l.State != w.state || l.Reason != w.reason || l.ID == 0 {
			t.Errorf("left behind: %v, %+v, want %v", l, l, w)
		}
		if !strings.HasPrefix(l.Line, "left_test.go:") || l.Name != "spinner" && !strings.HasPrefix(l.At, "left_test.go:") {
			t.Errorf("%s was started at %q and is at %q", l.Name, l.Line, l.At)
		}
		delete(want, l.Name)
	}
	if s := e.Summary(); !strings.Contains(s, "left behind: 4 goroutines: receiver, started at left_test.go:") || !strings.Contains(s, "; and 1 more\n") {
		t.Errorf("the summary is %s", s)
	}
}

// TestNothingLeft: with ends awaited, nothing is left, however often it is tried.
func TestNothingLeft(t *testing.T) {
	for range 20 {
		e, err := Record(context.Background(), func() {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {})
			}
			wg.Wait()
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Left) > 0 {
			t.Fatalf("left behind: %v", e.Left)
		}
	}
}

// TestOutlivingCut: what a recording that was cut says of the end is old; the stacks are asked.
func TestOutlivingCut(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	first, second, moved := make(chan int), make(chan int), make(chan int)
	var wg sync.WaitGroup
	e, err := Record(ctx, func() {
		wg.Go(func() {
			<-first
			close(moved)
			second <- 1
		})
		wg.Go(func() { <-first })
		cancel()
		for Recording() {
			runtime.Gosched()
		}
		close(first)
		<-moved
	})
	<-second
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if e.Cut == "" || len(e.Left) != 1 || e.Left[0].State != Sending && e.Left[0].State.Blocked() || e.Left[0].For != 0 {
		t.Errorf("cut %q, left behind: %+v", e.Cut, e.Left)
	}
	if s := e.Summary(); !strings.Contains(s, "\nleft behind, as far as recorded: 1 goroutine: ") {
		t.Errorf("the summary is %s", s)
	}
}

func TestReadDump(t *testing.T) {
	t.Parallel()
	frames := func(status string, lines ...string) string {
		s := "goroutine 7 [" + status + "]:\n"
		for i, l := range lines {
			s += l + "(0xc000012345, {0x1, 0x2})\n\t/home/u/go/" + fmt.Sprintf("file%d.go:%d +0x1f\n", i, 10+i)
		}
		return s + "created by main.main in goroutine 1\n\t/home/u/main.go:3 +0x4"
	}
	for _, c := range []struct {
		text   string
		state  State
		reason string
		line   string
	}{
		{frames("chan receive, 3 minutes", "main.worker"), Receiving, "chan receive", "file0.go:10"},
		{frames("chan send", "main.(*T).worker"), Sending, "chan send", "file0.go:10"},
		{frames("select, locked to thread", "main.worker.func1"), Selecting, "select", "file0.go:10"},
		{frames("sleep", "time.Sleep", "main.worker"), Sleeping, "sleep", "file1.go:11"},
		{frames("sync.Mutex.Lock", "internal/sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock", "main.worker"), Locked, "Mutex.Lock", "file3.go:13"},
		{frames("sync.WaitGroup.Wait", "sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait", "main.worker"), Waiting, "WaitGroup.Wait", "file2.go:12"},
		{frames("sync.Cond.Wait", "sync.runtime_notifyListWait", "sync.(*Cond).Wait", "main.worker"), Waiting, "Cond.Wait", "file2.go:12"},
		{frames("IO wait", "internal/poll.runtime_pollWait", "net.(*conn).Read", "main.worker"), Network, "conn.Read", "file2.go:12"},
		{frames("syscall", "syscall.Syscall", "os.(*File).Write", "main.worker"), Syscall, "File.Write", "file2.go:12"},
		{frames("chan receive (nil chan)", "main.worker"), Forever, "blocked for ever", "file0.go:10"},
		{frames("select (no cases)", "main.worker"), Forever, "blocked for ever", "file0.go:10"},
		{frames("select", "interleave/runtime/lab.(*Queue[...]).Get", "main.worker"), Receiving, "lab.Queue.Get", "file1.go:11"},
		{frames("chan receive (durable), synctest bubble 2", "main.worker"), Receiving, "chan receive", "file0.go:10"},
		{frames("sync.WaitGroup.Wait (durable), synctest bubble 2", "sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait", "main.worker"), Waiting, "WaitGroup.Wait", "file2.go:12"},
		{frames("synctest.Run, synctest bubble 2", "internal/synctest.Run", "testing/synctest.Test", "main.worker"), Waiting, "synctest.Test", "file2.go:12"},
		{frames("coroutine", "main.worker"), Waiting, "iter.Pull", "file0.go:10"},
		{frames("wait for GC cycle", "runtime.GC", "main.worker"), GC, "runtime.GC", "file1.go:11"},
		{frames("syscall", "os.(*Process).pidfdWait.func1", "os.(*Process).Wait", "main.worker"), IO, "Process.Wait", "file2.go:12"},
		{frames("running", "main.worker"), Running, "", "file0.go:10"},
		{frames("runnable", "main.worker"), Runnable, "", "file0.go:10"},
	} {
		all, ok := readDump([]byte("goroutine 1 [running]:\nmain.main()\n\t/x/main.go:1 +0x1\n\n" + c.text))
		g, found := all[7]
		if !ok || !found || len(all) != 2 {
			t.Errorf("not read: %s", c.text)
			continue
		}
		if state, reason := g.now(); state != c.state || reason != c.reason || g.line != c.line {
			t.Errorf("%v, %q at %q; want %v, %q at %q from\n%s", state, reason, g.line, c.state, c.reason, c.line, c.text)
		}
	}
	for _, bad := range []string{"", "nonsense", "goroutine x [running]:", "goroutine 7 running:", "goroutine 7 [running"} {
		if _, ok := readDump([]byte(bad)); ok {
			t.Errorf("%q was read", bad)
		}
	}
	if all, ok := readDump(dump()); !ok || all[goroutineID()].status != "running" || all[goroutineID()].root != "interleave/runtime/timeline.TestReadDump" {
		t.Errorf("a dump of this process: %v, %+v", ok, all[goroutineID()])
	}
}

// FuzzReadDump: nothing that looks like a dump makes reading it fail.
func FuzzReadDump(f *testing.F) {
	f.Add(dump())
	f.Fuzz(func(t *testing.T, b []byte) {
		all, _ := readDump(b)
		for _, g := range all {
			g.now()
		}
	})
}

func TestOutlivingWords(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]Leftover{
		"worker, started at cell[3]:4: chan receive at cell[3]:6 for 1.5 s": {Name: "worker", Line: "cell[3]:4", State: Receiving, Reason: "chan receive", At: "cell[3]:6", For: 1500 * time.Millisecond},
		"go cell[3]:4: chan receive at cell[3]:5, as far as recorded":       {Name: "go cell[3]:4", Line: "cell[3]:4", State: Receiving, Reason: "chan receive", At: "cell[3]:5", Cut: true},
		"go cell[3]:4: running": {Name: "go cell[3]:4", Line: "cell[3]:4"},
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
