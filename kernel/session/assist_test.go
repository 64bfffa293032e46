package session

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// asked asks questions about the given codes, with IDs from first, and returns the transcript up to the last answer.
func (r *rig) asked(first uint64, codes ...string) string {
	r.t.Helper()
	for i, code := range codes {
		r.Ask(question(first+uint64(i), code))
	}
	left := len(codes)
	return transcript(r.until(func(e Event) bool {
		if isA[Answered](e) {
			left--
		}
		return left == 0
	}))
}

// question is an inspection when the code begins with a question mark.
func question(id uint64, code string) Question {
	code, inspect := strings.CutPrefix(code, "?")
	return Question{ID: id, Inspect: inspect, Code: code, Cursor: 2, Detail: 1}
}

func TestAsk(t *testing.T) {
	r := newRig(t, nil)
	for i, c := range []struct{ code, want string }{ // the first one waits for the process
		{"né", " 1-2 function né()"},
		{"?né", ` "né2 1"`},
		{"nothing", ""},
		{"panic x", ""},
		{"?panic x", ""},
		{"né", " 1-2 function né()"},
	} {
		if got, want := r.asked(uint64(i+1), c.code), fmt.Sprintf("answer %d%s", i+1, c.want); got != want {
			t.Errorf("%s: got %s, want %s", c.code, got, want)
		}
	}
	r.check("print a", `1 stdout "a" | 1 done ok`)
}

// A panic of the evaluator is logged with its place.
func TestAskPanicLogged(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	r.asked(1, "panic at this place")
	r.Close()
	if got := log.String(); !strings.Contains(got, "at this place") || !strings.Contains(got, "evaluator).Complete") {
		t.Error(got)
	}
}

// A cell is not waited for, whether it waits, ignores its context, burns all cores, or prints without end.
func TestAskBesideCell(t *testing.T) {
	for _, script := range []string{"block", "deaf", "burn", "gush"} {
		t.Run(script, func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.KillAfter = 300 * time.Millisecond })
			r.start(script)
			r.until(func(e Event) bool { return isA[Clear](e) || isA[Output](e) })
			for id := range uint64(20) {
				if got := r.asked(id+1, "x"); !strings.HasSuffix(got, fmt.Sprintf("answer %d 1-2 function x()", id+1)) {
					t.Error(short(got))
				}
			}
			r.Interrupt()
			if got := transcript(r.until(isA[Done])); strings.Contains(got, "answer") || !strings.HasSuffix(got, "1 done interrupted") {
				t.Error(short(got))
			}
		})
	}
}

// The process dies with open questions, which do not wait for the next process.
func TestAskDeath(t *testing.T) {
	r := newRig(t, nil)
	r.check("", "1 done ok")
	r.start("block")
	r.until(isA[Clear])
	r.Ask(question(1, "hang"))
	r.Ask(question(2, "?hang"))
	r.Ask(question(3, "?x")) // both goroutines hang
	r.Ask(question(4, "x"))
	kill(r.PID())
	events := r.until(isA[Done])
	if got := transcript(events); got != "answer 1 | answer 2 | answer 3 | answer 4 | 2 failed session died: "+killed+
		" | 2 restarted (the session process ended: "+killed+") lost [] failed [] | 2 done" {
		t.Error(got)
	}
	if got := r.asked(5, "x"); got != "answer 5 1-2 function x()" {
		t.Error(got)
	}
	if got := r.asked(6, "exit 3"); got != "answer 6" { // by the question itself
		t.Error(got)
	}
	if got := transcript(r.until(isA[Restarted])); got != "0 restarted (the session process ended: exit status 3) lost [] failed []" {
		t.Error(got)
	}
}

// While the process is replaced questions are answered, each once, whichever process they reach.
func TestAskRestart(t *testing.T) {
	r := newRig(t, nil)
	r.check("record f", "1 done ok")
	const n = 200
	var asked sync.WaitGroup
	r.start("replace worn out")
	asked.Go(func() {
		for id := range uint64(n) {
			r.Ask(question(id+1, "?x"))
		}
	})
	answers, done := make(map[uint64]int), false
	r.until(func(e Event) bool {
		switch e := e.(type) {
		case Answered:
			answers[e.ID]++
		case Done:
			done = true
		}
		return done && len(answers) == n
	})
	asked.Wait()
	r.checkOnce(answers, n)
	if got := r.asked(n+1, "x"); got != fmt.Sprintf("answer %d 1-2 function x()", n+1) {
		t.Error(got)
	}
}

// checkOnce checks that each of n questions was answered once, and that no answer is on its way.
func (r *rig) checkOnce(answers map[uint64]int, n int) {
	r.t.Helper()
	r.start("")
	for _, e := range r.until(isA[Done]) {
		if a, ok := e.(Answered); ok {
			answers[a.ID]++
		}
	}
	for id := range uint64(n) {
		if answers[id+1] != 1 {
			r.t.Errorf("question %d was answered %d times", id+1, answers[id+1])
		}
	}
	if len(answers) != n {
		r.t.Errorf("%d questions were answered, want %d", len(answers), n)
	}
}

// Of many completions at once, those that a newer one replaces may be empty; the newest and all inspections are answered.
func TestAskBurst(t *testing.T) {
	r := newRig(t, nil)
	r.start("block")
	r.until(isA[Clear])
	const n = 1000
	var asked sync.WaitGroup
	asked.Go(func() {
		for id := range uint64(n) {
			code := "x"
			if id%10 == 0 {
				code = "?x"
			}
			r.Ask(question(id+1, code))
		}
	})
	answers, filled := make(map[uint64]int), make(map[uint64]bool)
	r.until(func(e Event) bool {
		if a, ok := e.(Answered); ok {
			answers[a.ID]++
			filled[a.ID] = len(a.Completion.Matches) > 0 || a.Inspection.Found
		}
		return len(answers) == n
	})
	asked.Wait()
	for id := range uint64(n) {
		if (id%10 == 0 || id == n-1) && !filled[id+1] {
			t.Errorf("question %d has no answer", id+1)
		}
	}
	r.Interrupt()
	r.until(isA[Done])
	r.checkOnce(answers, n)
}

// Where no process starts, every question is answered: those that wait for it, and later ones.
func TestAskWithoutProcess(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Command = func() *exec.Cmd { return exec.Command(os.Args[0], sleepArg) }
		c.StartTimeout = 100 * time.Millisecond
	})
	for id := range uint64(3) {
		if got := r.asked(2*id+1, "x", "?x"); got != fmt.Sprintf("answer %d | answer %d", 2*id+1, 2*id+2) {
			t.Error(got)
		}
	}
}

func TestAskClose(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Grace = 200 * time.Millisecond })
	r.check("", "1 done ok")
	r.start("deaf")
	r.until(isA[Clear])
	r.Ask(question(1, "hang"))
	r.Ask(question(2, "?hang"))
	r.Close()
	r.Ask(question(3, "x")) // returns
	var got []Event
	for e := range r.Events() {
		got = append(got, e)
	}
	if got := transcript(got); got != "answer 1 | answer 2 | 2 done interrupted" {
		t.Error(got)
	}
}

// An assistant is an evaluator of functions.
type assistant struct {
	evalFunc
	complete func(code string) Completion
}

func (a assistant) Complete(code string, _ int) Completion { return a.complete(code) }
func (a assistant) Inspect(code string, _, _ int) Inspection {
	a.complete(code)
	return Inspection{Found: true}
}

func (a assistant) Variables(path string) []Variable {
	a.complete(path)
	return []Variable{{Name: path}}
}

func found(text string) Completion { return Completion{Matches: []Match{{Text: text}}} }

// taken takes the events that have come, as a consumer that is quick.
func taken(c *Client) (events []Event) {
	for {
		synctest.Wait()
		select {
		case e := <-c.Events():
			events = append(events, e)
		default:
			return events
		}
	}
}

// Two questions at most are worked on; of the others a new completion replaces the old one.
func TestAskObsolete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := pipe(t.Context(), Config{}, func() Evaluator {
			return assistant{complete: func(code string) Completion {
				<-release
				return found(code)
			}}
		})
		defer c.Close()
		for i, code := range []string{"a", "b", "c", "?d", "e", "?f", "g"} {
			c.Ask(question(uint64(i+1), code))
			synctest.Wait()
		}
		if got := transcript(taken(c)); got != "answer 3 | answer 5" {
			t.Error(got)
		}
		release <- struct{}{}
		release <- struct{}{}
		if got := transcript(taken(c)); got != "answer 1 0-0  a | answer 2 0-0  b" && got != "answer 2 0-0  b | answer 1 0-0  a" {
			t.Error(got)
		}
		close(release)
		if got := taken(c); len(got) != 3 {
			t.Error(transcript(got))
		}
	})
}

// A question that takes too long gets an empty answer after 5 s, and a process that answers none of many gets no more, until
// it answers again.
func TestAskLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := pipe(t.Context(), Config{}, func() Evaluator {
			return assistant{complete: func(code string) Completion {
				<-release
				return found(code)
			}}
		})
		defer c.Close()
		synctest.Wait() // the process is ready
		id := uint64(0)
		ask := func(want time.Duration) {
			t.Helper()
			id++
			began := time.Now()
			c.Ask(question(id, "?x"))
			if got := transcript([]Event{<-c.Events()}); got != fmt.Sprint("answer ", id) || time.Since(began) != want {
				t.Errorf("%s after %v, want %v", got, time.Since(began), want)
			}
		}
		for range maxLate {
			ask(answerTime)
		}
		ask(0)
		close(release)
		if got := taken(c); len(got) != 0 { // the late answers
			t.Error(transcript(got))
		}
		id++
		c.Ask(question(id, "x"))
		if got := transcript(taken(c)); got != fmt.Sprintf("answer %d 0-0  x", id) {
			t.Error(got)
		}
		// Each question has its own 5 s.
		began := time.Now()
		release = make(chan struct{})
		for range 2 {
			id++
			c.Ask(question(id, "?x"))
			time.Sleep(2 * time.Second)
		}
		for i := range 2 {
			<-c.Events()
			if d := time.Since(began); d != answerTime+time.Duration(2*i)*time.Second {
				t.Errorf("answered after %v", d)
			}
		}
		close(release)
	})
}

// A consumer that has not received a cell's output gets an answer before the rest of it, and the output in its order.
func TestAnswerOvertakesOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := pipe(t.Context(), Config{}, func() Evaluator {
			return assistant{
				evalFunc: func(_ context.Context, c Cell, out *Out) Done {
					for i := range 1000 {
						out.Output(c.ID, Stdout, fmt.Appendln(nil, i))
					}
					return Done{OK: true}
				},
				complete: found,
			}
		})
		defer c.Close()
		c.Run(Cell{ID: 1})
		synctest.Wait() // nothing moves, since no goroutine receives
		c.Ask(question(1, "x"))
		synctest.Wait()
		var text, want strings.Builder
		at := -1
		for n := 0; ; n++ {
			switch e := (<-c.Events()).(type) {
			case Output:
				text.WriteString(e.Text)
				continue
			case Answered:
				at = n
				continue
			}
			break
		}
		for i := range 1000 {
			fmt.Fprintln(&want, i)
		}
		if at < 0 || at > cap(c.events)+1 || text.String() != want.String() {
			t.Errorf("the answer was event %d; output %q", at, short(text.String()))
		}
	})
}

// A question asked while the process starts or restores is sent as soon as the process takes requests.
func TestAskWhileRestoring(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		c := pipe(t.Context(), Config{}, func() Evaluator { return &restoring{hold: hold} })
		defer c.Close()
		r := &rig{Client: c, t: t}
		r.start("")
		r.until(isA[Done])
		r.start("worn out")
		synctest.Wait() // the second process restores
		c.Ask(question(1, "x"))
		if got := transcript(taken(c)); got != "answer 1 0-0  x" {
			t.Error(got)
		}
		close(hold)
		if got := transcript(r.until(isA[Done])); got != "2 restarted (worn out) lost [] failed [] | 2 done ok" {
			t.Error(got)
		}
	})
}

// A restoring evaluator records each cell, and restores only when hold is closed.
type restoring struct{ hold chan struct{} }

func (*restoring) Eval(_ context.Context, c Cell, out *Out) Done {
	out.Record(c.ID, []byte("x"))
	return Done{OK: true, Replace: c.Code}
}
func (ev *restoring) Comm(Comm, *Out) {}
func (ev *restoring) Interrupt()      {}

func (ev *restoring) Restore([][]byte) (lost, failed []string) {
	<-ev.hold
	return nil, nil
}
func (*restoring) Complete(code string, _ int) Completion { return found(code) }
func (*restoring) Inspect(string, int, int) Inspection    { return Inspection{} }
func (*restoring) Variables(string) []Variable            { return nil }
