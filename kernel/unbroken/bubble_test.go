//go:build unix

package unbroken

import (
	"strings"
	"testing"

	"interleave/kernel/wire"
)

// bubble is a cell that runs code in a bubble of testing/synctest.
func bubble(before, code string) string {
	return before + "synctest.Test(new(testing.T), func(t *testing.T) {\n" + code + "\n})"
}

// Bubbles in which nothing goes wrong. The recorder, contexts and tasks that begin in them must not end the process with them.
func TestBubbles(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, c := range []struct{ name, code, stdout string }{
		{"a goroutine and an hour", "\tgo func() {}()\n\ttime.Sleep(time.Hour)\n\tfmt.Println(time.Now().UTC())", "2000-01-01 01:00:00 +0000 UTC\n"},
		{"the cell's context", "\tfmt.Println(lab.Sleep(ctx, time.Hour), lab.Sleep(ctx, time.Hour))\n\tfmt.Println(time.Now().UTC().Hour())", "<nil> <nil>\n2\n"},
		{"tasks", "\tf := func(ctx context.Context) (int, error) { return 1, lab.Sleep(ctx, time.Hour) }\n\tfmt.Println(lab.Gather(ctx, f, f))", "[1 1] <nil>\n"},
		{"a timeout", "\t_, err := lab.WaitFor(ctx, time.Minute, func(ctx context.Context) (int, error) { return 0, lab.Sleep(ctx, time.Hour) })\n\tfmt.Println(err)", "timeout: no answer within 60 s\n"},
		{"contexts that are never cancelled", "\tctx, _ := context.WithTimeout(ctx, time.Hour)\n\tcontext.AfterFunc(ctx, func() {})\n\tfmt.Println(ctx.Err())", "<nil>\n"},
		{"an event loop", "\terr := lab.NewLoop().Run(ctx, func(co *lab.Coro) error { return co.Sleep(time.Hour) })\n\tfmt.Println(err, time.Now().UTC().Hour())", "<nil> 1\n"},
		{"output of both kinds", "\tgo func() { fmt.Fprintln(os.Stderr, \"err\") }()\n\ttime.Sleep(time.Hour)\n\tprintln()\n\tdisplay.Markdown(\"*m*\")\n\tfmt.Println(\"out\")", "out\n"},
		{"a panic that is never awaited", "\tlab.Go(ctx, func(context.Context) (int, error) { panic(1) })\n\ttime.Sleep(time.Hour)", ""},
		{"a recording", "\te, err := timeline.Record(ctx, func() { var wg sync.WaitGroup; wg.Go(func() { time.Sleep(time.Hour) }); wg.Wait() })\n\tfmt.Println(err == nil && len(e.Goroutines) == 2 || errors.Is(err, timeline.ErrBusy))", "true\n"},
	} {
		for _, plot := range []string{"on", "off"} {
			t.Run(c.name+", figures "+plot, func(t *testing.T) {
				defer k.on(t)()
				k.run("%plot " + plot)
				s := k.run(bubble("", c.code))
				if s.status != wire.OK || s.stdout != c.stdout {
					t.Errorf("printed %q, want %q\n%s", s.stdout, c.stdout, s.said())
				}
				k.whole(s, false)
			})
		}
	}
}

// bubbleCrashes would end a program. In a cell they are its failures.
var bubbleCrashes = []crash{
	{"panic", bubble("", "\tpanic(\"boo\")"), `^panic: boo$`, 2, false},
	{"panic in a goroutine", bubble("", "\tgo func() { panic(\"inner\") }()\n\ttime.Sleep(time.Hour)"), `^panic: inner$`, 2, false},
	{"panic in a task", bubble("", "\t_, err := lab.Go(ctx, func(context.Context) (int, error) { panic(\"task\") }).Await(ctx)\n\tpanic(err)"), `^panic: .*task`, 3, false},
	{"a failed test", bubble("", "\tt.FailNow()"), `^goexit: `, 1, false},
	{"a test that logs", bubble("", "\tt.Fatal(\"no\")"), `^panic: runtime error: invalid memory address`, 2, false},
	{"goexit", bubble("", "\truntime.Goexit()\n})\nsynctest.Test(new(testing.T), func(t *testing.T) {\n\tpanic(\"went on\")"), `^panic: went on$`, 5, false},
	{"deadlock", bubble("", "\t<-make(chan int)"), `^panic: deadlock: all goroutines in bubble are blocked$`, 1, false},
	{"a goroutine left behind", bubble("", "\tgo func() { select {} }()"), `^panic: deadlock: main bubble goroutine has exited but blocked goroutines remain$`, 1, false},
	{"a task left behind", bubble("", "\tlab.Go(ctx, func(ctx context.Context) (int, error) { return 1, lab.Sleep(ctx, time.Hour) })"), `^panic: deadlock: main bubble goroutine`, 1, false},
	{"a loop left behind", bubble("", "\tlab.NewLoop().Run(ctx, func(co *lab.Coro) error { return co.Await(func(context.Context) error { <-make(chan int); return nil }) })"), `^panic: deadlock: all goroutines`, 1, false},
	{"receive from outside", bubble("var in chan int\n", "\tin = make(chan int)") + "\n<-in", `^panic: receive on synctest channel from outside bubble$`, 5, false},
	{"send from outside", bubble("var in chan int\n", "\tin = make(chan int)") + "\nin <- 1", `^panic: send on synctest channel from outside bubble$`, 5, false},
	{"close from outside", bubble("var in chan int\n", "\tin = make(chan int)") + "\nclose(in)", `^panic: close of synctest channel from outside bubble$`, 5, false},
	{"select from outside", bubble("var in chan int\n", "\tin = make(chan int)") + "\nselect {\ncase <-in:\ncase in <- 1:\n}", `^panic: select on synctest channel from outside bubble$`, 5, false},
	{"stop from outside", bubble("var timer *time.Timer\n", "\ttimer = time.NewTimer(time.Hour)") + "\ntimer.Stop()", `^panic: stop of synctest timer from outside bubble$`, 5, false},
	{"reset from outside", bubble("var timer *time.Timer\n", "\ttimer = time.NewTimer(time.Hour)") + "\ntimer.Reset(1)", `^panic: reset of synctest timer from outside bubble$`, 5, false},
	{"a WaitGroup of both sides", bubble("var wg sync.WaitGroup\nwg.Add(1)\n", "\twg.Add(1)"), `^panic: sync: WaitGroup.Add called from inside and outside synctest bubble$`, 4, false},
	{"signal from outside", bubble("cond := sync.NewCond(new(sync.Mutex))\nwaits := make(chan bool)\ngo func() { <-waits; cond.L.Lock(); cond.L.Unlock(); cond.Signal() }()\n", "\tcond.L.Lock()\n\tclose(waits)\n\tcond.Wait()"), `^panic: (wake of a synctest goroutine from outside bubble|deadlock: all goroutines in bubble are blocked)$`, -1, false},
}

func TestBubbleCrashes(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, c := range bubbleCrashes {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			s := k.run(c.code)
			k.check(s, c)
			k.whole(s, c.fatal)
		})
	}
}

// What is shared by a bubble and goroutines outside of it has no right value: Go ends the program, or sees a deadlock before the other
// side acts. Whatever comes of it, the session stays.
func TestBubbleBorders(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, c := range []struct{ name, code string }{
		{"a pool", bubble("pool := lab.NewPool(1)\nrelease := make(chan bool)\nbusy := lab.Submit(ctx, pool, func(context.Context) (int, error) { <-release; return 1, nil })\n",
			"\ttask := lab.Submit(ctx, pool, func(context.Context) (int, error) { return 2, nil })\n\tclose(release)\n\ttask.Await(ctx)") + "\nbusy.Await(ctx)"},
		{"a lock", bubble("lock := lab.NewLock()\nlock.Lock(ctx)\nwaits := make(chan bool)\ngo func() { <-waits; lock.Unlock() }()\n", "\tclose(waits)\n\tlock.Lock(ctx)")},
		{"an event", bubble("event := lab.NewEvent()\nwaits := make(chan bool)\ngo func() { <-waits; event.Set() }()\n", "\tclose(waits)\n\tevent.Wait(ctx)")},
		{"a queue", bubble("queue := lab.NewQueue[int](0)\nwaits := make(chan bool)\ngo func() { <-waits; queue.Put(ctx, 1) }()\n", "\tclose(waits)\n\tqueue.Get(ctx)")},
		{"a context", bubble("c, cancel := context.WithCancel(ctx)\nwaits := make(chan bool)\ngo func() { <-waits; cancel() }()\n", "\td, _ := context.WithTimeout(c, time.Hour)\n\tclose(waits)\n\t<-d.Done()")},
		{"an errgroup", bubble("waits := make(chan bool)\nvar once sync.Once\ngo func() { <-waits; once.Do(func() {}) }()\n", "\tclose(waits)\n\tonce.Do(func() { time.Sleep(time.Hour) })")},
		{"a web server", bubble("srv, err := lab.NewTestServer(lab.Constant(0), 0)\n", "\tlab.FetchAll(ctx, srv.URLs(3), lab.FetchOptions{})")},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			for range 3 {
				k.whole(k.run(c.code), false)
			}
		})
	}
}

// bubbleHangs do not end by themselves: they wait for something outside that never happens, or virtual time runs for ever.
var bubbleHangs = []hang{
	{"endless loop", bubble("", ready+"\tfor {\n\t}"), flagged, `cell[N]:3`, false},
	{"virtual time for ever", bubble("", ready+"\tfor {\n\t\ttime.Sleep(time.Hour)\n\t}"), flagged, `cell[N]:`, false},
	{"endless loop in a goroutine", bubble("", ready+"\tgo func() {\n\t\tfor {\n\t\t}\n\t}()\n\ttime.Sleep(time.Hour)"), flagged, `cell[N]:`, false},
	{"channel from outside", bubble("outer := make(chan int)\n", ready+"\t<-outer"), givenUp, `[chan receive] cell[N]:4`, false},
	{"channel from outside, beside sleepers", bubble("outer := make(chan int)\n", "\tgo func() { time.Sleep(time.Hour) }()\n"+ready+"\t<-outer"), givenUp, `[chan receive] cell[N]:5`, false},
	{"mutex", bubble("var mu sync.Mutex\nmu.Lock()\n", ready+"\tmu.Lock()"), givenUp, `[sync.Mutex.Lock] cell[N]:5`, false},
	{"the cell's context", bubble("outer := make(chan int)\n", ready+"\tselect {\n\tcase <-outer:\n\tcase <-ctx.Done():\n\t}"), cancelled, ``, false},
	{"contexts of the cell's", bubble("outer := make(chan int)\n", "\tctx, stop := context.WithTimeout(ctx, time.Hour)\n\tdefer stop()\n"+ready+"\tselect {\n\tcase <-outer:\n\tcase <-ctx.Done():\n\t}"), cancelled, ``, false},
	{"tasks", bubble("outer := make(chan int)\n", ready+"\tlab.Gather(ctx, func(ctx context.Context) (int, error) {\n\t\tselect {\n\t\tcase <-outer:\n\t\tcase <-ctx.Done():\n\t\t}\n\t\treturn 0, ctx.Err()\n\t})"), cancelled, ``, false},
	{"an event loop", bubble("outer := make(chan int)\n", ready+"\tlab.NewLoop().Run(ctx, func(co *lab.Coro) error {\n\t\treturn co.Await(func(ctx context.Context) error {\n\t\t\tselect {\n\t\t\tcase <-outer:\n\t\t\tcase <-ctx.Done():\n\t\t\t}\n\t\t\treturn nil\n\t\t})\n\t})"), cancelled, ``, false},
	{"a context from outside", "outer, c := make(chan int), ctx\n" + bubble("", ready+"\tselect {\n\tcase <-outer:\n\tcase <-c.Done():\n\t}"), cancelled, ``, false},
}

func TestBubbleInterrupts(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, h := range bubbleHangs {
		t.Run(h.name, func(t *testing.T) {
			defer k.on(t)()
			s := k.runUntil(h.code, k.interrupt)
			k.stopped(s, h)
			k.whole(s, h.fatal)
		})
	}
}

// A cell that uses package runtime/trace has its figure unless it takes the tracer; then a note gives the reason.
func TestTracingCells(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, c := range []struct{ name, code, note string }{
		{"a region", "done := make(chan bool)\ngo func() { defer close(done); defer trace.StartRegion(ctx, \"A\").End(); trace.Log(ctx, \"a\", \"b\") }()\n<-done\ntrace.IsEnabled()", ""},
		{"the tracer", "done := make(chan bool)\nerr := trace.Start(io.Discard)\ngo func() { close(done) }()\n<-done\ntrace.Stop()\nerr == nil", "note: no figure: this cell calls trace.Start, and the execution tracer serves one at a time\n"},
		{"the tracer, again", "done := make(chan bool)\nerr := trace.Start(io.Discard)\ngo func() { close(done) }()\n<-done\ntrace.Stop()\nerr == nil", "note: no figure: this cell calls trace.Start, and the execution tracer serves one at a time\n"},
		{"a flight recorder", "f := trace.NewFlightRecorder(trace.FlightRecorderConfig{})\nerr := f.Start()\nf.Stop()\nerr == nil", "note: no figure: this cell calls FlightRecorder.Start, and the execution tracer serves one at a time\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			s := k.run(c.code)
			if s.result != "true" || !strings.Contains(s.stderr, c.note) || c.note == "" && s.stderr != "" {
				t.Errorf("want true and %q\n%s", c.note, s.said())
			}
			k.whole(s, false)
		})
	}
}
