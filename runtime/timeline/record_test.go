package timeline_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"interleave/runtime/timeline"
)

// The tracer is the process's, so the tests of this package that record do not run in parallel.

// record records f, which must not fail, and checks what holds for every experiment.
func record(t *testing.T, f func()) *timeline.Experiment {
	t.Helper()
	e, err := timeline.Record(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	check(t, e)
	if e.Cut != "" {
		t.Errorf("the recording was cut: %s", e.Cut)
	}
	return e
}

// check holds an experiment against what must be true of all: spans that follow each other without gaps, cores that do one
// thing at a time, parents that exist, and the same running time in the rows as on the cores.
func check(t *testing.T, e *timeline.Experiment) {
	t.Helper()
	if e.Recorded < 0 || e.Recorded > e.Wall || e.GOMAXPROCS < 1 || e.Procs < 1 {
		t.Errorf("recorded %v of %v on %d of %d", e.Recorded, e.Wall, e.GOMAXPROCS, e.Procs)
	}
	ids := map[int64]bool{}
	for i := range e.Goroutines {
		g := &e.Goroutines[i]
		if ids[g.ID] {
			t.Errorf("goroutine %d has two rows", g.ID)
		}
		ids[g.ID] = true
		at := g.Start
		for k, s := range g.Spans {
			if s.Start != at || s.End <= s.Start {
				t.Errorf("%s: span %d is %v to %v, after %v", g.Label(), k, s.Start, s.End, at)
			}
			if (s.State == timeline.Running) != (s.Proc >= 0) {
				t.Errorf("%s: %v on P %d", g.Label(), s.State, s.Proc)
			}
			at = s.End
		}
		if at != g.End || g.End > e.Recorded || g.Alive != (g.End == e.Recorded) && g.Alive {
			t.Errorf("%s: spans end at %v, the goroutine at %v of %v, alive: %v", g.Label(), at, g.End, e.Recorded, g.Alive)
		}
	}
	if len(e.Cores) != e.GOMAXPROCS {
		t.Errorf("%d cores, GOMAXPROCS is %d", len(e.Cores), e.GOMAXPROCS)
	}
	var onCores time.Duration
	for i, c := range e.Cores {
		at := time.Duration(0)
		if c.ID != i {
			t.Errorf("core %d has the number %d", i, c.ID)
		}
		for _, s := range c.Spans {
			if s.Start < at || s.End <= s.Start || s.End > e.Recorded {
				t.Errorf("core %d: %v to %v after %v", c.ID, s.Start, s.End, at)
			}
			at = s.End
			if ids[s.Goroutine] != (s.Kind == timeline.CoreUser) {
				t.Errorf("core %d: goroutine %d is of kind %d", c.ID, s.Goroutine, s.Kind)
			}
			if s.Kind == timeline.CoreUser {
				onCores += s.End - s.Start
			}
		}
	}
	// A core keeps a goroutine through a short system call, so cores may show a little more.
	total := e.Totals()
	if ran := total[timeline.Running]; onCores < ran || onCores > ran+total[timeline.Syscall] {
		t.Errorf("goroutines ran for %v, cores for %v, system calls took %v", ran, onCores, total[timeline.Syscall])
	}
	if e.Parallelism() > float64(e.GOMAXPROCS)+1e-9 {
		t.Errorf("parallelism %v on %d cores", e.Parallelism(), e.GOMAXPROCS)
	}
	if p := e.Peak(timeline.Running); p > e.GOMAXPROCS {
		t.Errorf("%d goroutines ran at the same time on %d cores", p, e.GOMAXPROCS)
	}
}

// named finds the goroutine of that name.
func named(t *testing.T, e *timeline.Experiment, name string) *timeline.Goroutine {
	t.Helper()
	for i := range e.Goroutines {
		if e.Goroutines[i].Name == name {
			return &e.Goroutines[i]
		}
	}
	t.Fatalf("no goroutine is named %q in\n%s", name, e.Summary())
	return nil
}

// longest finds a goroutine's longest span in a state.
func longest(g *timeline.Goroutine, s timeline.State) (found timeline.Span) {
	for _, span := range g.Spans {
		if span.State == s && span.Duration() > found.Duration() {
			found = span
		}
	}
	return found
}

// onProcs runs a test with one core and with two.
func onProcs(t *testing.T, f func(t *testing.T)) {
	for _, n := range []int{1, 2} {
		t.Run(map[int]string{1: "one core", 2: "two cores"}[n], func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
			f(t)
		})
	}
}

// waitFor lets other goroutines run until the process has one that is blocked in fn: order without sleeping.
func waitFor(t *testing.T, fn, reason string) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for range 20_000 {
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			head, _, _ := strings.Cut(g, "\n")
			if strings.Contains(g, fn) && strings.Contains(head, reason) {
				return
			}
		}
		runtime.Gosched()
	}
	t.Errorf("no goroutine was ever in %q in %s", reason, fn)
}

// blocked is what a goroutine of TestStates blocks in.
func blocked(f func()) { f() }

// TestStates blocks a goroutine in every way that has a state.
func TestStates(t *testing.T) {
	type how func(t *testing.T) (block, free func())
	type kind struct {
		name   string
		state  timeline.State
		reason string
		stack  string // how Go's own stack dump calls the state
		make   how
	}
	var cases []kind
	add := func(name string, state timeline.State, reason, stack string, f how) {
		cases = append(cases, kind{name, state, reason, stack, f})
	}
	add("receiver", timeline.Receiving, "chan receive", "chan receive", func(t *testing.T) (block, free func()) {
		ch := make(chan int)
		return func() { <-ch }, func() { ch <- 1 }
	})
	add("sender", timeline.Sending, "chan send", "chan send", func(t *testing.T) (block, free func()) {
		ch := make(chan int)
		return func() { ch <- 1 }, func() { <-ch }
	})
	add("selector", timeline.Selecting, "select", "select", func(t *testing.T) (block, free func()) {
		a, b := make(chan int), make(chan int)
		return func() {
			select {
			case <-a:
			case b <- 1:
			}
		}, func() { <-b }
	})
	add("mutex", timeline.Locked, "Mutex.Lock", "sync.Mutex.Lock", func(t *testing.T) (block, free func()) {
		var mu sync.Mutex
		mu.Lock()
		return func() { mu.Lock() }, mu.Unlock
	})
	add("reader of a lock", timeline.Locked, "RWMutex.RLock", "sync.RWMutex.RLock", func(t *testing.T) (block, free func()) {
		var mu sync.RWMutex
		mu.Lock()
		return func() { mu.RLock() }, mu.Unlock
	})
	add("group", timeline.Waiting, "WaitGroup.Wait", "sync.WaitGroup.Wait", func(t *testing.T) (block, free func()) {
		var wg sync.WaitGroup
		wg.Add(1)
		return wg.Wait, wg.Done
	})
	add("cond", timeline.Waiting, "Cond.Wait", "sync.Cond.Wait", func(t *testing.T) (block, free func()) {
		var mu sync.Mutex
		c := sync.NewCond(&mu)
		return func() { mu.Lock(); c.Wait(); mu.Unlock() }, func() { mu.Lock(); c.Broadcast(); mu.Unlock() }
	})
	add("sleeper", timeline.Sleeping, "sleep", "sleep", func(t *testing.T) (block, free func()) {
		var seen atomic.Bool // on a busy machine one sleep may be over before anybody looks
		return func() {
			for !seen.Load() {
				time.Sleep(20 * time.Millisecond)
			}
		}, func() { seen.Store(true) }
	})
	add("child process", timeline.IO, "Cmd.Wait", "syscall", func(t *testing.T) (block, free func()) {
		cmd := exec.Command("cat")
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Skip(err)
		}
		return func() { cmd.Wait() }, func() { in.Close() }
	})
	add("output of a child", timeline.IO, "Cmd.Wait", "chan receive", func(t *testing.T) (block, free func()) {
		r, w, err := os.Pipe() // the child's child has it open for longer
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", "cat <&3 &")
		cmd.Stdout, cmd.ExtraFiles = new(bytes.Buffer), []*os.File{r}
		if err := cmd.Start(); err != nil {
			t.Skip(err)
		}
		r.Close()
		return func() { cmd.Wait() }, func() { w.Close() }
	})
	add("client", timeline.Network, "Client.Get", "select", func(t *testing.T) (block, free func()) {
		answer := make(chan bool)
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-answer }))
		t.Cleanup(srv.Close)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		return func() {
			if resp, err := client.Get(srv.URL); err == nil {
				resp.Body.Close()
			}
		}, func() { close(answer) }
	})
	add("connection", timeline.Network, "conn.Read", "IO wait", func(t *testing.T) (block, free func()) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		far, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		near, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { near.Close() })
		return func() { near.Read(make([]byte, 1)) }, func() { far.Close() }
	})
	add("pipe in memory", timeline.Waiting, "PipeReader.Read", "select", func(t *testing.T) (block, free func()) {
		r, w := io.Pipe()
		return func() { r.Read(make([]byte, 1)) }, func() { w.Close() }
	})
	add("once", timeline.Waiting, "Once.Do", "sync.Mutex.Lock", func(t *testing.T) (block, free func()) {
		var once sync.Once
		begun, end := make(chan bool), make(chan bool)
		go once.Do(func() { close(begun); <-end })
		<-begun
		return func() { once.Do(func() {}) }, func() { close(end) }
	})
	add("reader", timeline.IO, "File.Read", "IO wait", func(t *testing.T) (block, free func()) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return func() { r.Read(make([]byte, 1)) }, func() { w.Write([]byte{1}); w.Close() }
	})

	onProcs(t, func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				block, free := c.make(t)
				e := record(t, func() {
					var wg sync.WaitGroup
					wg.Go(func() {
						timeline.Name(c.name)
						blocked(block)
					})
					waitFor(t, "timeline_test.blocked", "["+c.stack)
					free()
					wg.Wait()
				})
				g := named(t, e, c.name)
				s := longest(g, c.state)
				if s.Duration() <= 0 {
					t.Fatalf("it was never in state %v: %v", c.state, g.Spans)
				}
				if s.Reason != c.reason {
					t.Errorf("reason %q, want %q", s.Reason, c.reason)
				}
				if !strings.HasPrefix(s.Line, "record_test.go:") {
					t.Errorf("line %q is not here", s.Line)
				}
				if !strings.HasPrefix(g.Line, "record_test.go:") || g.Parent != e.Goroutines[0].ID || g.Main {
					t.Errorf("it was created at %q by %d: %+v", g.Line, g.Parent, g)
				}
				if main := &e.Goroutines[0]; !main.Main || main.Name != "main" || !main.Alive || main.Line != "" {
					t.Errorf("the first row is %+v", main)
				}
			})
		}
	})
}

// TestMembers: whom the experiment's goroutines create belongs to it, and nobody else.
func TestMembers(t *testing.T) {
	stop, stopped := make(chan bool), make(chan bool)
	tick := make(chan bool)
	go func() { // a stranger, which creates strangers all the time
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case tick <- true:
				done := make(chan bool)
				go func() { close(done) }()
				<-done
			}
		}
	}()
	onProcs(t, func(t *testing.T) {
		e := record(t, func() {
			var wg sync.WaitGroup
			wg.Go(func() {
				timeline.Name("child")
				wg.Go(func() { timeline.Name("grandchild") })
			})
			done := make(chan bool)
			time.AfterFunc(time.Microsecond, func() { timeline.Name("timer"); close(done) })
			<-done
			<-tick
			<-tick
			wg.Wait()
			runtime.GC()
		})
		if len(e.Goroutines) != 4 {
			t.Errorf("%d rows, want main, child, grandchild and timer:\n%v", len(e.Goroutines), e.Goroutines)
		}
		if g, child := named(t, e, "grandchild"), named(t, e, "child"); g.Parent != child.ID {
			t.Errorf("grandchild's parent is %d, want %d", g.Parent, child.ID)
		}
		gc := false
		for _, c := range e.Cores {
			for _, s := range c.Spans {
				gc = gc || s.Kind == timeline.CoreGC
			}
		}
		if !gc {
			t.Error("no core shows the garbage collection")
		}
	})
	close(stop)
	<-stopped
}

// TestContention: of two goroutines on one core, one waits for it while the other runs.
func TestContention(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	e := record(t, func() {
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for range 100 {
					runtime.Gosched()
				}
			})
		}
		wg.Wait()
	})
	for _, g := range e.Goroutines {
		if t1 := g.Totals(); t1[timeline.Running] == 0 || !g.Main && t1[timeline.Runnable] == 0 {
			t.Errorf("%s: %v", g.Label(), t1)
		}
	}
	if len(e.Cores) != 1 || e.GOMAXPROCS != 1 || e.Peak(timeline.Running) != 1 {
		t.Errorf("%d cores of %d, peak %d", len(e.Cores), e.GOMAXPROCS, e.Peak(timeline.Running))
	}
}

// TestLeft: a goroutine that outlives the recording is alive in it.
func TestLeft(t *testing.T) {
	ch, done := make(chan int), make(chan bool)
	e := record(t, func() {
		go func() {
			timeline.Name("left behind")
			<-ch
			close(done)
		}()
		waitFor(t, "TestLeft", "[chan receive")
	})
	close(ch)
	<-done
	g := named(t, e, "left behind")
	if last := g.Spans[len(g.Spans)-1]; !g.Alive || last.State != timeline.Receiving || last.End != e.Recorded {
		t.Errorf("%+v", g)
	}
}

// TestEvents: what is said through runtime/trace is kept, by goroutine and time.
func TestEvents(t *testing.T) {
	e := record(t, func() {
		ctx, task := trace.NewTask(context.Background(), "download")
		var wg sync.WaitGroup
		wg.Go(func() {
			trace.WithRegion(ctx, "parse", func() { trace.Log(ctx, "size", "42") })
		})
		wg.Wait()
		task.End()
		trace.StartRegion(ctx, "never ended")
	})
	g := named(t, e, "parse") // a region names what has no other name
	find := func(kind timeline.EventKind, name string) timeline.Event {
		t.Helper()
		for _, ev := range e.Events {
			if ev.Kind == kind && ev.Name == name {
				return ev
			}
		}
		t.Fatalf("no event %q in %+v", name, e.Events)
		return timeline.Event{}
	}
	task, region, log := find(timeline.EventTask, "download"), find(timeline.EventRegion, "parse"), find(timeline.EventLog, "size")
	if !(task.Start < region.Start && region.Start < log.Start && log.Start == log.End && log.End < region.End && region.End < task.End) {
		t.Errorf("in the wrong order: %+v", e.Events)
	}
	if region.Goroutine != g.ID || log.Goroutine != g.ID || log.Text != "42" || log.Task != task.Task || region.Task != task.Task || task.Task == 0 {
		t.Errorf("wrong owners: %+v", e.Events)
	}
	if open := find(timeline.EventRegion, "never ended"); open.End != e.Recorded {
		t.Errorf("an open region ends at %v of %v", open.End, e.Recorded)
	}
	if len(e.Events) != 4 || e.Dropped != 0 {
		t.Errorf("%d events, %d dropped", len(e.Events), e.Dropped)
	}
}

func TestRecorder(t *testing.T) {
	var r timeline.Recorder
	if _, err := r.Stop(); err == nil {
		t.Error("Stop before Arm succeeds")
	}
	timeline.Started() // nobody listens
	for range 2 {      // it can be used again
		if err := r.Arm(); err != nil {
			t.Fatal(err)
		}
		if err := r.Arm(); err == nil {
			t.Error("Arm twice succeeds")
		}
		if err := new(timeline.Recorder).Arm(); err == nil {
			t.Error("two recorders are armed")
		}
		if e, err := r.Stop(); e != nil || err != nil {
			t.Errorf("nothing started: %v, %v", e, err)
		}

		if err := r.Arm(); err != nil {
			t.Fatal(err)
		}
		r.Main("cell[7]")
		if timeline.Recording() {
			t.Error("the tracer runs before anything started")
		}
		var wg sync.WaitGroup
		for range 4 { // all of them may be first
			wg.Go(func() {
				timeline.Started()
				done := make(chan bool)
				go func() { close(done) }()
				<-done
			})
		}
		wg.Wait()
		if !timeline.Recording() {
			t.Error("Started did not start the tracer")
		}
		e, err := r.Stop()
		if err != nil {
			t.Fatal(err)
		}
		check(t, e)
		if timeline.Recording() {
			t.Error("the tracer still runs")
		}
		// The four were there before the recording, unlike at most those that had not come so far.
		if main := e.Goroutines[0]; main.Name != "cell[7]" || !main.Main || e.Lead <= 0 {
			t.Errorf("after %v: %+v", e.Lead, main)
		}
	}
}

// TestStarter: without Main, the goroutine that called Started is the experiment's.
func TestStarter(t *testing.T) {
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		timeline.Started()
		child := make(chan bool)
		go func() { timeline.Name("child"); close(child) }()
		<-child
	}()
	<-done
	e, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	check(t, e)
	if len(e.Goroutines) != 2 || !e.Goroutines[0].Main || named(t, e, "child").Parent != e.Goroutines[0].ID {
		t.Errorf("%+v", e.Goroutines)
	}
}

// TestBusy: when the user traces, we stay away, and theirs is whole.
func TestBusy(t *testing.T) {
	var user bytes.Buffer
	if err := trace.Start(&user); err != nil {
		t.Fatal(err)
	}
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		t.Fatal(err)
	}
	timeline.Started()
	timeline.Started()
	if e, err := r.Stop(); e != nil || !errors.Is(err, timeline.ErrBusy) {
		t.Errorf("%v, %v", e, err)
	}
	if e, err := timeline.Record(t.Context(), func() { t.Error("it ran unrecorded") }); e != nil || !errors.Is(err, timeline.ErrBusy) {
		t.Errorf("%v, %v", e, err)
	}
	if !trace.IsEnabled() {
		t.Error("the user's trace was stopped")
	}
	trace.Stop()
	if user.Len() == 0 {
		t.Error("the user's trace is empty")
	}
	record(t, func() {})
}

// TestByHand: who records by hand inside what a recorder is armed for has the recording; the recorder begins with what comes after.
func TestByHand(t *testing.T) {
	var r timeline.Recorder
	for _, after := range []bool{false, true} {
		if err := r.Arm(); err != nil {
			t.Fatal(err)
		}
		e, err := timeline.Record(t.Context(), timeline.Started)
		if e == nil || err != nil {
			t.Errorf("by hand: %v, %v", e, err)
		}
		if after {
			timeline.Started()
		}
		if e, err := r.Stop(); err != nil || (e != nil) != after {
			t.Errorf("something started afterwards: %v; recorded %v, %v", after, e, err)
		}
	}
	// A recording by hand that goes on when the recorder has stopped does not arm it again.
	if err := r.Arm(); err != nil {
		t.Fatal(err)
	}
	if _, err := timeline.Record(t.Context(), func() {
		if e, err := r.Stop(); e != nil || err != nil {
			t.Errorf("%v, %v", e, err)
		}
	}); err != nil {
		t.Error(err)
	}
	timeline.Started()
	if timeline.Recording() {
		t.Error("a recorder that was stopped records")
	}
}

func TestCut(t *testing.T) {
	busy := func() {
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(runtime.Gosched)
		}
		wg.Wait()
	}
	cut := func(cfg timeline.Config, f func(), want string) {
		t.Helper()
		r := timeline.Recorder{Config: cfg}
		if err := r.Arm(); err != nil {
			t.Fatal(err)
		}
		timeline.Started()
		f()
		e, err := r.Stop()
		if err != nil {
			t.Fatal(err)
		}
		check(t, e)
		if !strings.Contains(e.Cut, want) {
			t.Errorf("%+v: cut says %q, want %q", cfg, e.Cut, want)
		}
		if e.Recorded >= e.Wall || !strings.Contains(e.Summary(), e.Cut) {
			t.Errorf("%+v: recorded %v of %v\n%s", cfg, e.Recorded, e.Wall, e.Summary())
		}
	}
	cut(timeline.Config{MaxBytes: 1 << 10}, func() {
		for timeline.Recording() { // the tracer hands out its pages as they fill
			busy()
		}
		busy()
	}, "the trace grew beyond 1 KiB")
	cut(timeline.Config{MaxSpans: 100}, busy, "more than 100 changes of state")
	cut(timeline.Config{MaxRead: 1}, func() {
		for range 30 {
			busy()
		}
	}, "took more than 1 ns")
	cut(timeline.Config{}, func() { busy(); trace.Stop(); busy() }, "stopped by other code")
}

func TestRecordContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	went := false
	e, err := timeline.Record(ctx, func() {
		cancel(reason)
		for timeline.Recording() {
			runtime.Gosched()
		}
		went = true
	})
	if err != nil {
		t.Fatal(err)
	}
	check(t, e)
	if !went || e.Cut != "its context ended" {
		t.Errorf("went on: %v, cut: %q", went, e.Cut)
	}
	if _, err := timeline.Record(ctx, func() { t.Error("it ran") }); !errors.Is(err, reason) {
		t.Errorf("a context that has ended gives %v", err)
	}
}

// TestRecordPanic: a panic passes through, and the tracer is free again.
func TestRecordPanic(t *testing.T) {
	func() {
		defer func() {
			if v := recover(); v != io.EOF {
				t.Errorf("recovered %v", v)
			}
		}()
		timeline.Record(t.Context(), func() { panic(io.EOF) })
	}()
	record(t, func() {})
}
