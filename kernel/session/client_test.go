package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = 60 * time.Second

func command() *exec.Cmd { return exec.Command(os.Args[0], childArg) }

// explainTest keeps the first line of a report.
func explainTest(d Death) Failed {
	first, _, _ := bytes.Cut(d.Report, []byte("\n"))
	return Failed{Name: "session died", Value: cmp.Or(string(first), describeExit(d.Err))}
}

type rig struct {
	*Client
	t     *testing.T
	cells uint64
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Parallel()
	cfg := Config{Command: command, Explain: explainTest}
	if change != nil {
		change(&cfg)
	}
	c, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &rig{Client: c, t: t}
}

// next is the next event.
func (r *rig) next() Event {
	r.t.Helper()
	select {
	case e, ok := <-r.Events():
		if !ok {
			r.t.Fatal("the session closed")
		}
		return e
	case <-time.After(patience):
		r.t.Fatal("no event")
	}
	return nil
}

// start runs a cell and does not wait for it.
func (r *rig) start(script string) uint64 {
	r.t.Helper()
	r.cells++
	if err := r.Run(Cell{ID: r.cells, N: int(r.cells), Code: script, AllowStdin: true}); err != nil {
		r.t.Fatal(err)
	}
	return r.cells
}

// until collects events up to and including the first for which stop is true.
func (r *rig) until(stop func(Event) bool) []Event {
	r.t.Helper()
	var events []Event
	for {
		e := r.next()
		events = append(events, e)
		if stop(e) {
			return events
		}
	}
}

func isA[T Event](e Event) bool { _, ok := e.(T); return ok }

// run runs a cell to its end and returns the transcript.
func (r *rig) run(script string) string {
	r.t.Helper()
	r.start(script)
	return transcript(r.until(isA[Done]))
}

// check runs a cell and compares its transcript.
func (r *rig) check(script, want string) {
	r.t.Helper()
	if got := r.run(script); got != want {
		r.t.Errorf("cell %q:\n got %s\nwant %s", script, short(got), short(want))
	}
}

// transcript writes events in one line, output that follows output of the same stream joined.
func transcript(events []Event) string {
	var parts []string
	for i := 0; i < len(events); i++ {
		switch e := events[i].(type) {
		case Output:
			for i+1 < len(events) {
				o, ok := events[i+1].(Output)
				if !ok || o.Cell != e.Cell || o.Stream != e.Stream {
					break
				}
				e.Text += o.Text
				i++
			}
			parts = append(parts, fmt.Sprintf("%d %s %q", e.Cell, e.Stream, e.Text))
		case Display:
			parts = append(parts, fmt.Sprintf("%d display %s", e.Cell, e.Data["text/plain"]))
		case Clear:
			parts = append(parts, fmt.Sprintf("%d clear", e.Cell))
		case Input:
			parts = append(parts, fmt.Sprintf("%d input %q", e.Cell, e.Prompt))
		case Failed:
			parts = append(parts, fmt.Sprintf("%d failed %s: %s", e.Cell, e.Name, e.Value))
		case Restarted:
			parts = append(parts, fmt.Sprintf("%d restarted (%s) lost %v failed %q", e.Cell, e.Reason, e.Lost, e.Failed))
		case Done:
			s := fmt.Sprintf("%d done", e.Cell)
			if e.OK {
				s += " ok"
			}
			if e.Interrupted {
				s += " interrupted"
			}
			parts = append(parts, s)
		case Comm:
			if e.Op == CommHandled {
				parts = append(parts, fmt.Sprintf("handled %d", e.Re))
				break
			}
			parts = append(parts, fmt.Sprintf("comm %d %s %d %s %q", e.Re, e.ID, e.Op, e.Data, e.Buffers))
		case Answered:
			s := fmt.Sprintf("answer %d", e.ID)
			for _, m := range e.Completion.Matches {
				s += fmt.Sprintf(" %d-%d %s %s%s", e.Completion.Start, e.Completion.End, m.Type, m.Text, m.Signature)
			}
			if e.Inspection.Found {
				s += fmt.Sprintf(" %s", e.Inspection.Data["text/plain"])
			}
			parts = append(parts, s)
		default:
			parts = append(parts, fmt.Sprintf("%T", e))
		}
	}
	return strings.Join(parts, " | ")
}

func short(s string) string {
	if len(s) > 1500 {
		return s[:1000] + " … " + s[len(s)-400:]
	}
	return s
}

func TestCells(t *testing.T) {
	r := newRig(t, nil)
	r.check("", `1 done ok`)
	r.check(`print a\n`, `2 stdout "a\n" | 2 done ok`)
	r.check("print a\neprint b\nprint c", `3 stdout "a" | 3 stderr "b" | 3 stdout "c" | 3 done ok`)
	r.check("print a\ndisplay x\nprint b", `4 stdout "a" | 4 display "x" | 4 stdout "b" | 4 done ok`)
	r.check("nonsense", `5 failed error: unknown command "nonsense" | 5 done`)
	r.check("set x 5", `6 done ok`)
	r.check("get x", `7 stdout "x=5\n" | 7 done ok`)
	r.check("bug\nprint never", `8 failed internal error: evaluator bug | 8 done`)
	if runtime.GOOS != "windows" {
		r.check("sigint\nprint alive", `9 stdout "alive" | 9 done ok`)
	}
	if r.PID() == 0 || r.PID() == os.Getpid() {
		t.Errorf("child has pid %d", r.PID())
	}
}

func TestOrder(t *testing.T) {
	r := newRig(t, nil)
	var want strings.Builder
	for i := range 300 {
		fmt.Fprintf(&want, ` | 1 stdout "o%d " | 1 stderr "e%d "`, i, i)
	}
	r.check("alternate 300", want.String()[3:]+" | 1 done ok")
	want.Reset()
	for i := range 20000 {
		fmt.Fprintln(&want, "line", i)
	}
	r.check("many 20000", fmt.Sprintf(`2 stdout %q | 2 done ok`, want.String()))
}

// What each goroutine writes to both streams stays in its order and in whole lines, and every display comes after what its goroutine
// wrote before it.
func TestOrderOfWriters(t *testing.T) {
	r := newRig(t, nil)
	const n = 2000
	r.start(fmt.Sprint("writers ", n))
	next := map[string]int{} // by goroutine, the number of writes
	rest, stream := "", Stdout
	for _, e := range r.until(isA[Done]) {
		switch e := e.(type) {
		case Output:
			if e.Stream != stream && rest != "" {
				t.Fatalf("%s comes in the middle of a line of %s: %q", e.Stream, stream, rest)
			}
			stream, rest = e.Stream, rest+e.Text
			for {
				l, more, ok := strings.Cut(rest, "\n")
				if !ok {
					break
				}
				rest = more
				who, _, _ := strings.Cut(l, ".")
				i := next[who]
				if want := fmt.Sprintf("%s.%d %c", who, i/2, "oe"[i%2]); l != want || stream != []Stream{Stdout, Stderr}[i%2] {
					t.Fatalf("%s: got %q, want %q", stream, l, want)
				}
				next[who]++
			}
		case Display:
			who, n, _ := strings.Cut(strings.Trim(string(e.Data["n"]), `"`), ".")
			if got := next[who]; got != 2*mustInt(t, n)+2 {
				t.Fatalf("display %s.%s came after %d writes", who, n, got)
			}
		}
	}
	for who := range 4 {
		if got := next[strconv.Itoa(who)]; got != 2*n {
			t.Errorf("of goroutine %d came %d writes, want %d", who, got, 2*n)
		}
	}
}

func mustInt(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestHostileOutput(t *testing.T) {
	r := newRig(t, nil)
	r.check("runes aé世🌍", `1 stdout "a" | 1 clear | 1 clear | 1 stdout "é" | 1 clear | 1 clear | 1 clear | 1 stdout "世" | 1 clear`+
		` | 1 clear | 1 clear | 1 clear | 1 stdout "🌍" | 1 clear | 1 done ok`)
	r.check(`print a\xe4\xb8`, `2 stdout "a`+"\uFFFD\uFFFD"+`" | 2 done ok`)
	r.check(`print \x96b`, `3 stdout "`+"\uFFFD"+`b" | 3 done ok`)
	if got := r.run("marker\nprint end"); !strings.HasSuffix(got, `end" | 4 done ok`) {
		t.Error(got)
	}
	script := "nonblock\nmany 3"
	if runtime.GOOS == "windows" {
		script = "many 3"
	}
	r.check(script, `5 stdout "line 0\nline 1\nline 2\n" | 5 done ok`)
	r.check("huge", `6 stderr "a session.Display of more than 256 MiB cannot be shown\n" | 6 done ok`)
	if got := r.run("close\ndisplay here"); got != `7 display  | 7 clear | 7 display "here" | 7 done ok` {
		t.Error(got)
	}
	r.check("display still", `8 display "still" | 8 done ok`)
	r.check("exit 4", `9 failed session died: exit status 4 | 9 restarted (the session process ended: exit status 4) lost [] failed [] | 9 done`)
	r.check("print back", `10 stdout "back" | 10 done ok`)
}

func TestUserSeesNoPipes(t *testing.T) {
	r := newRig(t, nil)
	if listFDs == "" {
		r.check("", "1 done ok")
	} else {
		b, err := exec.Command("/bin/sh", "-c", listFDs).Output()
		if err != nil {
			t.Fatal(err)
		}
		r.check("fds", fmt.Sprintf("1 stdout %q | 1 done ok", b))
	}
	r.check("again", fmt.Sprintf("2 stdout %q | 2 done ok", ErrNotChild.Error()+"\nexit status 1\n"))
	r.check("serve", "3 failed error: "+ErrNotChild.Error()+" | 3 done")
}

func TestServeNeedsClient(t *testing.T) {
	t.Parallel()
	b, err := command().CombinedOutput()
	if err == nil || strings.TrimSpace(string(b)) != ErrNotChild.Error() {
		t.Errorf("%s %v", b, err)
	}
}

func TestDeath(t *testing.T) {
	for _, test := range []struct{ script, cause, exit string }{
		{"exit 3", "exit status 3", "exit status 3"},
		{"exit 0", "it exited", "it exited"},
		{"kill", killed, killed},
		{"abort", "SIGABRT: abort", "exit status 2"},
		{"gopanic", "panic: in a goroutine", "exit status 2"},
		{"mapwrites", "fatal error: concurrent map writes", "exit status 2"},
		{"unlock", "fatal error: sync: unlock of unlocked mutex", "exit status 2"},
		{"overflow", "runtime: goroutine stack exceeds 64000000-byte limit", "exit status 2"},
		{"memory", "", "exit status 2"},
		{"exec", killed, killed},
		{"closefds", "", ""}, // we kill it, if the runtime does not notice first
		{`eprint panic: not really\n` + "\nexit 3", "exit status 3", "exit status 3"},
		{`eprint panic: not really\n` + "\nkill", killed, killed},
		{"child group\nexit 3", "exit status 3", "exit status 3"},
	} {
		t.Run(test.script, func(t *testing.T) {
			if runtime.GOOS == "windows" && slices.Contains([]string{"abort", "memory", "exec", "closefds"}, test.script) {
				t.Skip("this is how processes end on other systems")
			}
			deaths := make(chan Death, 1)
			r := newRig(t, func(c *Config) {
				c.Explain = func(d Death) Failed {
					deaths <- d
					return explainTest(d)
				}
				c.Command = func() *exec.Cmd {
					cmd := command()
					if test.script == "mapwrites" { // the race is the point
						cmd.Env = append(os.Environ(), "GORACE=log_path=/dev/null")
					}
					return cmd
				}
			})
			r.check("record var x\nrecord f\nset x 1\nrecord stale T", `1 done ok`)
			script := "print before\neprint also\n" + test.script
			r.start(script)
			events := r.until(isA[Done])
			if d := <-deaths; d.N != 2 || d.Line != strings.Count(script, "\n")+1 || d.Texts[d.N] != script {
				t.Errorf("died in cell[%d]:%d of %v", d.N, d.Line, d.Texts)
			} else if cut := test.script == "exec" || test.script == "closefds" && d.Err.Error() == killed; (d.Cut != nil) != cut {
				t.Errorf("its connection was cut: %v", d.Cut)
			}
			got := transcript(slices.DeleteFunc(events, isA[Display]))
			said := "also"
			if strings.Contains(test.script, "not really") {
				said += "panic: not really\n"
			}
			want := `2 stdout "before" | 2 stderr ` + strconv.Quote(said) + ` | 2 failed session died: ` + test.cause +
				` | 2 restarted (the session process ended: ` + test.exit + `) lost [x] failed ["T: cannot come back"] | 2 done`
			if test.cause == "" {
				if !strings.Contains(got, "failed session died: ") || strings.Count(got, "stderr") != 1 || !strings.Contains(got, "lost [x]") {
					t.Error(got)
				}
			} else if got != want {
				t.Errorf("\n got %s\nwant %s", short(got), short(want))
			}
			r.check("get x\ndeclared", `3 stdout "x=\nf\n" | 3 done ok`)
		})
	}
}

// What user code started dies with the session, unless it took care to leave; what left does not keep us waiting.
func TestDeathOfChildren(t *testing.T) {
	for _, how := range []string{"group", "setsid"} {
		t.Run(how, func(t *testing.T) {
			leaves := how == "setsid" && runtime.GOOS != "windows" // where no process leaves a job
			r := newRig(t, nil)
			r.start("child " + how)
			d := r.next().(Display)
			pid := mustInt(t, string(d.Data["pid"]))
			t.Cleanup(func() { kill(pid) })
			r.until(isA[Done])
			r.check("print bye\nexit 1", `2 stdout "bye" | 2 failed session died: exit status 1 | `+
				`2 restarted (the session process ended: exit status 1) lost [] failed [] | 2 done`)
			if alive := !gone(pid); alive != leaves {
				t.Errorf("alive: %v", alive)
			}
		})
	}
}

func TestDeathBetweenCells(t *testing.T) {
	r := newRig(t, nil)
	r.check("record f\nrecord var x", `1 done ok`)
	for i := range 3 {
		pid := r.PID()
		kill(pid)
		got := transcript(r.until(isA[Restarted]))
		if got != `0 restarted (the session process ended: `+killed+`) lost [x] failed []` {
			t.Fatal(got)
		}
		if i == 1 { // and without waiting for the news
			kill(r.PID())
			r.start("declared")
			if got := transcript(r.until(isA[Done])); !strings.HasSuffix(got, `lost [x] failed [] | 2 stdout "f\n" | 2 done ok`) {
				t.Error(got)
			}
		}
	}
	r.check("declared", `3 stdout "f\n" | 3 done ok`)
}

// What is forgotten is not brought back.
func TestForget(t *testing.T) {
	r := newRig(t, nil)
	r.check("record a\nrecord b\nforget\nrecord c", `1 done ok`)
	r.check("exit 1", `2 failed session died: exit status 1 | 2 restarted (the session process ended: exit status 1) lost [] failed [] | 2 done`)
	r.check("declared", `3 stdout "c\n" | 3 done ok`)
}

func TestDeadlyRecords(t *testing.T) {
	r := newRig(t, nil)
	r.check("record a", `1 done ok`)
	r.check("record crash one", `2 done ok`)
	r.check("record b\nrecord crash two\nrecord var x\nrecord c", `3 done ok`)
	died := func(n int, what string) string {
		return fmt.Sprintf(`"cell[%d]: the session process ended while it was brought back: panic: a record that crashes: %s"`, n, what)
	}
	got := r.run("exit 1")
	// The panic of Restore is reported on stderr, and is not shown a second time.
	want := `4 failed session died: exit status 1 | 4 restarted (the session process ended: exit status 1) lost [x] failed [` +
		died(2, "one") + " " + died(3, "two") + `] | 4 done`
	if got != want {
		t.Errorf("\n got %s\nwant %s", short(got), short(want))
	}
	r.check("declared", `5 stdout "a,b,c\n" | 5 done ok`)
	r.check("exit 1", `6 failed session died: exit status 1 | 6 restarted (the session process ended: exit status 1) lost [x] failed [] | 6 done`)
}

func TestTooManyDeadlyRecords(t *testing.T) {
	r := newRig(t, nil)
	r.check(strings.Repeat("record crash x\n", 20), `1 done ok`)
	got := r.run("exit 1")
	if n := strings.Count(got, "brought back: panic"); n != maxCulprits || !strings.Contains(got, "everything else") {
		t.Error(n, got)
	}
	r.check("declared", `3 stdout "\n" | 3 done ok`)
}

func TestHangingRecord(t *testing.T) {
	// Long enough for what does not hang, on a machine with much else to do.
	r := newRig(t, func(c *Config) { c.StartTimeout = 4 * time.Second })
	r.check("record a\nrecord hang\nrecord b", `1 done ok`)
	if got := r.run("exit 1"); !strings.Contains(got, "it had not brought everything back after 4 s") {
		t.Error(got)
	}
	r.check("declared", `3 stdout "a,b\n" | 3 done ok`)
}

// A declaration may start what ends the process a little later: no loop.
func TestRecordDeadlyLater(t *testing.T) {
	r := newRig(t, nil)
	r.check("record a\nrecord later", `1 done ok`)
	r.start("exit 1")
	named, done := false, false
	got := transcript(r.until(func(e Event) bool {
		d, ok := e.(Restarted)
		named = named || ok && len(d.Failed) > 0
		done = done || isA[Done](e)
		return named && done
	}))
	if !strings.Contains(got, "everything that was declared: the session process ended 3 times soon after it was brought back") &&
		!strings.Contains(got, "the session process ended while it was brought back") {
		t.Error(got)
	}
	if got := r.run("print fine"); !strings.HasSuffix(got, `3 stdout "fine" | 3 done ok`) {
		t.Error(got)
	}
}

func TestReplace(t *testing.T) {
	r := newRig(t, nil)
	r.check("record f\nrecord var x", `1 done ok`)
	pid := r.PID()
	r.check("print a\nreplace a goroutine burns", `2 stdout "a" | 2 restarted (a goroutine burns) lost [x] failed [] | 2 done`)
	if !gone(pid) || r.PID() == pid {
		t.Error("the old process lives")
	}
	r.check("declared", `3 stdout "f\n" | 3 done ok`)
}

func TestInterrupt(t *testing.T) {
	r := newRig(t, nil)
	r.Interrupt() // nothing runs
	r.start("block")
	r.until(isA[Clear])
	pid := r.PID()
	r.Interrupt()
	if got := transcript(r.until(isA[Done])); got != "1 failed error: interrupted | 1 done interrupted" {
		t.Error(got)
	}
	r.Interrupt() // it does not hit the next cell
	r.check("print next", `2 stdout "next" | 2 done ok`)
	if r.PID() != pid {
		t.Error("the process was replaced")
	}
}

// What user code writes is shown at once, also when it looks like a crash.
func TestLooksLikeACrash(t *testing.T) {
	r := newRig(t, nil)
	began := time.Now()
	r.start("log runtime: 3 s\nwait")
	if got := transcript(r.until(isA[Output])); got != `1 stderr "runtime: 3 s"` {
		t.Error(got)
	}
	if d := time.Since(began); d > reportTime/2 {
		t.Errorf("it was shown after %v", d)
	}
	r.Interrupt()
	r.until(isA[Done])
	r.check(`log panic: no\n`+"\ngopanic", `2 stderr "panic: no\n" | 2 failed session died: panic: in a goroutine`+
		` | 2 restarted (the session process ended: exit status 2) lost [] failed [] | 2 done`)
}

func TestInterruptAtOnce(t *testing.T) {
	r := newRig(t, nil)
	r.start("block") // before the process is up
	r.Interrupt()
	if got := transcript(r.until(isA[Done])); got != "1 clear | 1 failed error: interrupted | 1 done interrupted" {
		t.Error(got)
	}
}

func TestInterruptOfTheDeaf(t *testing.T) {
	for _, script := range []string{"deaf", "burn", "stopped\ndeaf"} {
		t.Run(script, func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.KillAfter = 300 * time.Millisecond })
			r.check("record f\nrecord var x", `1 done ok`)
			r.start("print a\n" + script)
			r.until(isA[Clear])
			r.Interrupt()
			r.Interrupt()
			got := transcript(slices.DeleteFunc(r.until(isA[Done]), isA[Clear]))
			if got != "2 failed interrupted: the cell did not stop within 300 ms, so its session process was replaced"+
				" | 2 restarted (did not stop) lost [x] failed [] | 2 done interrupted" {
				t.Error(got)
			}
			r.check("declared", `3 stdout "f\n" | 3 done ok`)
		})
	}
}

func TestInput(t *testing.T) {
	r := newRig(t, nil)
	if r.Answer("too early") == nil {
		t.Error("an answer to nothing")
	}
	r.start("input name?\nprint x")
	if got := transcript([]Event{r.next()}); got != `1 input "name?"` {
		t.Fatal(got)
	}
	if err := r.Answer("Grüße"); err != nil {
		t.Fatal(err)
	}
	if got := transcript(r.until(isA[Done])); got != `1 stdout "got \"Grüße\"\nx" | 1 done ok` {
		t.Error(got)
	}
	r.start("input again?")
	r.until(isA[Input])
	r.Interrupt()
	if got := transcript(r.until(isA[Done])); got != `2 failed error: interrupted | 2 done interrupted` {
		t.Error(got)
	}
	if r.Answer("too late") == nil {
		t.Error("an answer to a cell that ended")
	}
	r.cells++
	r.Run(Cell{ID: 3, Code: "input x"})
	if got := transcript(r.until(isA[Done])); got != `3 failed error: `+ErrNoStdin.Error()+` | 3 done` {
		t.Error(got)
	}
}

func TestOutlivingGoroutine(t *testing.T) {
	r := newRig(t, nil)
	r.start("outlive 100")
	var late, next int
	for done := 0; done < 2 || late < 100; {
		switch e := r.next().(type) {
		case Output:
			if e.Cell == 1 {
				late += strings.Count(e.Text, "late\n")
			} else {
				next++
			}
		case Done:
			if done++; done == 1 {
				r.start("many 1")
			}
		}
	}
	if late != 100 || next != 1 {
		t.Error(late, next)
	}
}

func TestBusy(t *testing.T) {
	r := newRig(t, nil)
	r.start("block")
	if err := r.Run(Cell{ID: 9}); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	r.Interrupt()
	r.until(isA[Done])
	r.Close()
	if err := r.Run(Cell{ID: 9}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestCommandMissing(t *testing.T) {
	missing := true
	r := newRig(t, func(c *Config) {
		c.Command = func() *exec.Cmd {
			if missing {
				return exec.Command("/nonexistent/interleave")
			}
			return command()
		}
	})
	r.check("print x", "1 failed session did not start: start session: "+noFile+" | 1 done")
	missing = false
	r.check("print x", `2 stdout "x" | 2 done ok`)
}

func TestCommandDies(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Command = func() *exec.Cmd { return exec.Command(os.Args[0], failArg) }
	})
	got := r.run("print x")
	if !strings.HasSuffix(got, "1 failed session did not start: start session: the process ended before it was ready: exit status 5 | 1 done") ||
		!strings.Contains(got, `0 stderr "cannot\n`) {
		t.Error(got)
	}
}

func TestCommandSilent(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Command = func() *exec.Cmd { return exec.Command(os.Args[0], sleepArg) }
		c.StartTimeout = 100 * time.Millisecond
	})
	r.check("print x", "1 failed session did not start: start session: the process ended before it was ready: it was not ready after 100 ms | 1 done")
}

func TestClose(t *testing.T) {
	for _, script := range []string{"", "block", "deaf", "burn", "stopped\ndeaf", "child group", "flood 64"} {
		t.Run(script, func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.Grace = 200 * time.Millisecond })
			r.check("", "1 done ok")
			pid := r.PID()
			r.start(script)
			var child int
			if script == "child group" {
				child = mustInt(t, string(r.next().(Display).Data["pid"]))
			}
			if script != "flood 64" { // nobody takes that
				r.until(func(e Event) bool { return isA[Clear](e) || isA[Done](e) })
			}
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				r.Close()
				r.Close()
			}()
			<-closed
			done := 0
			for e := range r.Events() {
				if isA[Done](e) {
					done++
				}
			}
			if want := 1; (script == "block" || script == "deaf" || script == "burn") && done != want {
				t.Errorf("%d Done", done)
			}
			if !gone(pid) || child != 0 && !gone(child) {
				t.Error("it lives")
			}
		})
	}
}

func TestContextCloses(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	c, err := Start(ctx, Config{Command: command})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range c.Events() {
	}
	c.Close()
}

// Nobody takes events: the child stands still, and memory does not grow.
func TestBackPressure(t *testing.T) {
	r := newRig(t, nil)
	r.start("flood 64")
	r.next()
	for range 50 { // methods work all the while
		if err := r.Run(Cell{}); !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
	}
	var n int
	for _, e := range r.until(isA[Done]) {
		if o, ok := e.(Output); ok {
			n += len(o.Text)
		}
	}
	if n <= 32<<20 || n > 64<<20 {
		t.Error(n)
	}
}

// The kernel is killed: nothing of the session stays.
func TestNoOrphans(t *testing.T) {
	if os.Getenv("SESSION_TEST_KERNEL") != "" {
		c, _ := Start(context.Background(), Config{Command: command})
		c.Run(Cell{ID: 1, Code: "child group\n" + os.Getenv("SESSION_TEST_KERNEL")})
		for e := range c.Events() {
			if d, ok := e.(Display); ok {
				fmt.Println(c.PID(), string(d.Data["pid"]))
			}
		}
		return
	}
	for _, script := range []string{"", "block", "burn"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			kernel := exec.Command(os.Args[0], "-test.run=^TestNoOrphans$")
			kernel.Env = append(os.Environ(), "SESSION_TEST_KERNEL="+cmp.Or(script, "print x"))
			out, err := kernel.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := kernel.Start(); err != nil {
				t.Fatal(err)
			}
			var session, child int
			if _, err := fmt.Fscan(out, &session, &child); err != nil {
				t.Fatal(err)
			}
			kernel.Process.Kill()
			kernel.Wait()
			for end := time.Now().Add(patience); !gone(session) || !gone(child); {
				if time.Now().After(end) {
					t.Fatal("orphans")
				}
			}
		})
	}
}
