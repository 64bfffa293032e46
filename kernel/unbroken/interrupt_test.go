//go:build unix

package unbroken

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"interleave/install/hosttest"
	"interleave/kernel/wire"
)

// The steps on which an interrupt can end, in the words of its message.
const (
	cancelled = `^interrupted: the cell was interrupted: its context was cancelled$`
	flagged   = `^interrupted: the cell was interrupted: it was stopped at its next loop or call$`
	givenUp   = `^interrupted: the cell was interrupted: (1 goroutine was|\d goroutines were) given up: blocked and cannot be stopped; restart the kernel to end (it|them)$`
	forced    = `^interrupted: the cell was interrupted: it was ended by force$`
	compiling = `^interrupted: the cell was interrupted: it was being compiled$`
	replaced  = `^interrupted: the cell was interrupted: a goroutine that uses a core would not stop, so the session was replaced$`
)

// A hang is a cell that does not end by itself. It prints "ready" when it is about to hang, and then is interrupted.
type hang struct {
	name, code string
	step       string
	at         string // what of the traceback names the place; N stands for the cell's number
	fatal      bool
}

const ready = "fmt.Println(\"ready\")\n"

var hangs = []hang{
	{"endless loop", ready + "for {\n}", flagged, `cell[N]:2`, false},
	{"endless loop that works", ready + "n := 0\nfor {\n\tn++\n}", flagged, `cell[N]:3`, false},
	{"endless loop in a function", "func spin() {\n\tfor {\n\t}\n}\n" + ready + "spin()", flagged, `cell[N]:2 in spin`, false},
	{"endless loop with calls", "func step(n int) int { return double(n) }\n" + ready + "for i := 0; ; i++ {\n\tstep(i)\n}", flagged, `cell[N]:`, false},
	{"endless recursion of calls", "func tree(n int) int {\n\tif n == 0 {\n\t\treturn 1\n\t}\n\treturn tree(n-1) + tree(n-1)\n}\n" + ready + "tree(100)", flagged, `in tree`, false},
	{"endless goto", ready + "again:\n\tkept = 7\n\tgoto again", flagged, `cell[N]:4`, false},
	{"endless loop in a goroutine while main waits", "var wg sync.WaitGroup\n" + ready + "wg.Go(func() {\n\tfor {\n\t}\n})\nwg.Wait()", flagged, `cell[N]:4`, false},
	{"endless loops in many goroutines", "var wg sync.WaitGroup\n" + ready + "for range 4 {\n\tgo func() {\n\t\tfor {\n\t\t}\n\t}()\n}\nfor {\n}", flagged, `cell[N]:`, false},
	{"endless loop that prints", ready + "for {\n\tfmt.Println(\"again\")\n}", flagged, `cell[N]:2`, false},
	{"endless loop in a deferred call", "func last() {\n\tdefer func() {\n\t\tfor {\n\t\t}\n\t}()\n\t" + ready + "}\nlast()", flagged, `cell[N]:3 in last.func1`, false},
	{"deferred calls of a stopped loop", "func tidy() {\n\tdefer func() { kept = 7 }()\n\tfor {\n\t\tkept = 8\n\t}\n}\n" + ready + "tidy()", flagged, `cell[N]:3 in tidy`, false},
	{"recover does not hold a stopped loop", "func stubborn() {\n\tdefer func() { recover() }()\n\tfor {\n\t}\n}\n" + ready + "for {\n\tstubborn()\n}", flagged, `cell[N]:3 in stubborn`, false},
	{"deferred calls that make system calls", "func stats() {\n\tdefer func() {\n\t\tfor range 2_000 {\n\t\t\tos.Stat(os.DevNull)\n\t\t}\n\t\tkept = 7\n\t}()\n\tkept = 8\n\t" + ready + "\tfor {\n\t}\n}\nstats()", flagged, `in stats`, false},
	{"endless loop while no more files can be opened", "func full() {\n\tvar most syscall.Rlimit\n\tsyscall.Getrlimit(syscall.RLIMIT_NOFILE, &most)\n\tsyscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 200, Max: most.Max})\n\tvar files []*os.File\n\tdefer func() {\n\t\tsyscall.Setrlimit(syscall.RLIMIT_NOFILE, &most)\n\t\tfor _, f := range files {\n\t\t\tf.Close()\n\t\t}\n\t}()\n\tfor {\n\t\tf, err := os.Open(os.DevNull)\n\t\tif err != nil {\n\t\t\tbreak\n\t\t}\n\t\tfiles = append(files, f)\n\t}\n\t" + ready + "\tfor {\n\t}\n}\nfull()", flagged, `in full`, false},

	{"context obeyed", ready + "<-ctx.Done()", cancelled, ``, false},
	{"context obeyed by goroutines", "var wg sync.WaitGroup\nfor range 3 {\n\twg.Go(func() { <-ctx.Done() })\n}\n" + ready + "wg.Wait()", cancelled, ``, false},
	{"lab.Sleep", ready + "lab.Sleep(ctx, time.Hour)", cancelled, ``, false},

	{"the compiler", "!echo ready\nfunc late() {\n\tfor {\n\t}\n}\nlate()", compiling, ``, false},

	{"blocked receive", "ch := make(chan int)\n" + ready + "<-ch", givenUp, `goroutine \d+ [chan receive] cell[N]:3`, false},
	{"blocked receive in a function", "func wait(ch chan int) int {\n\treturn <-ch\n}\n" + ready + "wait(make(chan int))", givenUp, `[chan receive] cell[N]:2`, false},
	{"blocked send", "ch := make(chan int)\n" + ready + "ch <- 1", givenUp, `[chan send] cell[N]:3`, false},
	{"nil channel", "var ch chan int\n" + ready + "<-ch", givenUp, `[chan receive (nil chan)] cell[N]:3`, false},
	{"empty select", ready + "select {}", givenUp, `[select (no cases)] cell[N]:2`, false},
	{"select", "a, b := make(chan int), make(chan int)\n" + ready + "select {\ncase <-a:\ncase b <- 1:\n}", givenUp, `[select] cell[N]:3`, false},
	{"range over a channel", "ch := make(chan int)\n" + ready + "for range ch {\n}", givenUp, `[chan receive] cell[N]:3`, false},
	{"locked mutex", "var mu sync.Mutex\nmu.Lock()\n" + ready + "mu.Lock()", givenUp, `[sync.Mutex.Lock] cell[N]:4`, false},
	{"locked RWMutex", "var mu sync.RWMutex\nmu.Lock()\n" + ready + "mu.RLock()", givenUp, `[sync.RWMutex.RLock] cell[N]:4`, false},
	{"WaitGroup", "var wg sync.WaitGroup\nwg.Add(1)\n" + ready + "wg.Wait()", givenUp, `[sync.WaitGroup.Wait] cell[N]:4`, false},
	{"Cond", "cond := sync.NewCond(new(sync.Mutex))\ncond.L.Lock()\n" + ready + "cond.Wait()", givenUp, `[sync.Cond.Wait] cell[N]:4`, false},
	{"time.Sleep", ready + "time.Sleep(time.Hour)", givenUp, `[sleep] cell[N]:2`, false},
	{"network", "ln, err := net.Listen(\"tcp\", \"127.0.0.1:0\")\nfar, err := net.Dial(\"tcp\", ln.Addr().String())\n" + ready + "far.Read(make([]byte, 1))", givenUp, `[IO wait] cell[N]:4`, false},
	{"accept", "ln, err := net.Listen(\"tcp\", \"127.0.0.1:0\")\n" + ready + "ln.Accept()", givenUp, `[IO wait] cell[N]:3`, false},
	{"pipe", "r, w, err := os.Pipe()\n" + ready + "io.ReadAll(r)", givenUp, `[IO wait] cell[N]:3`, false},
	{"deadlock", "a, b := make(chan int), make(chan int)\nvar wg sync.WaitGroup\nwg.Go(func() {\n\t<-a\n\tb <- 1\n})\nwg.Go(func() {\n\t<-b\n\ta <- 1\n})\n" + ready + "wg.Wait()", givenUp, `[sync.WaitGroup.Wait] cell[N]:12`, false},
	{"two blocked, one burning", "ch := make(chan int)\ngo func() { <-ch }()\ngo func() {\n\tfor {\n\t}\n}()\n" + ready + "<-ch", givenUp, `[chan receive] cell[N]:2`, false},

	{"a library that burns", ready + "new(big.Int).MulRange(1, 1<<40)", forced, `cell[N]:2`, false},
	{"a library that burns, called by a function", "func burn() {\n\tdefer func() { kept = 7 }()\n\tkept = 8\n\tnew(big.Int).MulRange(1, 1<<40)\n}\n" + ready + "burn()", forced, `cell[N]:4 in burn`, false},
	{"a library that burns in a goroutine", ready + "var wg sync.WaitGroup\nwg.Go(func() {\n\tnew(big.Int).MulRange(1, 1<<40)\n})\nwg.Wait()", forced, ``, false},
	{"text of a value that contains itself", "tree := map[string]any{}\ntree[\"tree\"] = tree\nfunc text() {\n\tfor {\n\t\ttree[\"more\"] = make([]int, 1<<20)\n\t\tfmt.Sprint(tree[\"more\"])\n\t}\n}\n" + ready + "text()", flagged + `|` + forced, `in text`, false},
	{"a library's loop that calls nothing", "a := ring.New(1)\nb := *a\n" + ready + "b.Len()", replaced, `[run`, true},
	{"a loop in a deferred call of a stopped loop", "func worst() {\n\tdefer func() {\n\t\tfor {\n\t\t}\n\t}()\n\tfor {\n\t}\n}\n" + ready + "worst()", flagged + "|" + forced, `cell[N]:6 in worst`, false},
}

func TestInterrupts(t *testing.T) {
	t.Parallel()
	for i, group := range halves(hangs) {
		t.Run([]string{"first kernel", "second kernel"}[i], func(t *testing.T) {
			t.Parallel()
			k := start(t)
			k.declare()
			k.keep()
			for _, h := range group {
				t.Run(h.name, func(t *testing.T) {
					defer k.on(t)()
					s := k.runUntil(h.code, k.interrupt)
					k.stopped(s, h)
					k.whole(s, h.fatal)
				})
			}
		})
	}
}

// stopped expects that a cell was interrupted as h says.
func (k *kernel) stopped(s seen, h hang) {
	k.t.Helper()
	if s.status != wire.Error || !regexp.MustCompile(h.step).MatchString(s.err) {
		k.t.Errorf("error %q, want %s\n%s", s.err, h.step, s.said())
	}
	if !regexp.MustCompile(place(h.at, s.n)).MatchString(s.trace) {
		k.t.Errorf("no %s in\n%s", h.at, s.said())
	}
	if !strings.Contains(s.trace, "the cell was interrupted: ") {
		k.t.Errorf("the traceback does not tell the cause: %s", s.said())
	}
}

// Interrupts that meet no cell, or a cell that is being stopped already.
func TestInterruptsTwice(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for name, code := range map[string]string{"loop": "for {\n}", "blocked": "select {}"} {
		t.Run(name, func(t *testing.T) {
			defer k.on(t)()
			k.interrupt(t.Context()) // nothing runs
			k.whole(seen{}, false)
			s := k.runUntil(ready+code, func(ctx context.Context) {
				k.interrupt(ctx)
				k.interrupt(ctx)
			})
			if s.status != wire.Error || !strings.HasPrefix(s.err, "interrupted: ") {
				t.Errorf("interrupted twice: %s", s.said())
			}
			k.interrupt(t.Context())
			k.whole(s, false)
		})
	}
	t.Run("queue", func(t *testing.T) {
		defer k.on(t)()
		second := make(chan seen, 1)
		s := k.runUntil(ready+"for {\n}", func(ctx context.Context) {
			// Whether the second cell is queued before the interrupt comes is left to chance: it is aborted or it runs.
			go func() { second <- k.run("1") }()
			k.interrupt(ctx)
		})
		if s.status != wire.Error {
			t.Errorf("%s", s.said())
		}
		if s := <-second; s.status != wire.Aborted && s.result != "1" {
			t.Errorf("the cell behind: %s", s.said())
		}
		k.whole(s, false)
	})
}

// TestStoppedStays: code of a cell that was stopped while it was blocked does not continue when its wait ends.
func TestStoppedStays(t *testing.T) {
	t.Parallel()
	if !hosttest.Plain(t, hosttest.Host(t)) {
		t.Skip("the runtime of this host does not look at the stop flag after a wait")
	}
	k := start(t)
	k.run("n, ch, wg := 0, make(chan int), new(sync.WaitGroup)")
	for _, c := range []struct{ name, code, wake string }{
		{"sleep", "for {\n\ttime.Sleep(300 * time.Millisecond)\n\tn++\n}", ""},
		{"sleep in a function", "func nap() {\n\tfor {\n\t\ttime.Sleep(300 * time.Millisecond)\n\t\tn++\n\t}\n}\nnap()", ""},
		{"statements", "time.Sleep(300 * time.Millisecond)\nn++", ""},
		{"receive", "for {\n\tn += <-ch\n}", "ch <- 1"},
		{"receive two", "for {\n\tv, ok := <-ch\n\tif ok {\n\t\tn += v\n\t}\n}", "ch <- 1"},
		{"range", "for v := range ch {\n\tn += v\n}", "ch <- 1"},
		{"send", "for {\n\tch <- 1\n\tn++\n}", "<-ch"},
		{"select", "for {\n\tselect {\n\tcase v := <-ch:\n\t\tn += v\n\tcase <-make(chan bool):\n\t}\n}", "ch <- 1"},
		{"WaitGroup", "wg.Add(1)\nfor {\n\twg.Wait()\n\tn++\n\ttime.Sleep(time.Hour)\n}", "wg.Done()"},
		{"goroutine", "go func() {\n\tfor {\n\t\ttime.Sleep(300 * time.Millisecond)\n\t\tn++\n\t}\n}()\nselect {}", ""},
		{"WaitGroup.Go", "var own sync.WaitGroup\nown.Go(func() {\n\tfor {\n\t\ttime.Sleep(300 * time.Millisecond)\n\t\tn++\n\t}\n})\nown.Wait()", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			k.run("n = 0")
			if s := k.runUntil(ready+c.code, k.interrupt); !strings.HasPrefix(s.err, "interrupted: ") {
				t.Fatalf("%s", s.said())
			}
			s := k.run(c.wake + "\ntime.Sleep(700 * time.Millisecond)\nfmt.Println(n)")
			if s.err != "" || strings.TrimSpace(s.stdout) != "0" {
				t.Errorf("the cell has continued: %s", s.said())
			}
		})
	}
}
