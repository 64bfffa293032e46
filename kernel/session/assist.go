package session

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
)

// A Question is about the code of a cell that is being written, or about the session's variables. Ask it with
// Client.Ask; it ends with exactly one Answered event.
type Question struct {
	ID        uint64 // unique in a client's life
	Inspect   bool   // what is the name under the cursor
	Variables bool   // which variables are there, or, when Code is the path of a value, which parts has that
	Code      string // without Inspect and Variables: how can the text before the cursor continue
	Cursor    int    // in code points, Jupyter's cursor_pos
	Detail    int    // of an inspection, Jupyter's detail_level
}

// completes reports whether a question is about how code can continue.
func (q Question) completes() bool { return !q.Inspect && !q.Variables }

// A Variable is a variable of the session or a part of a value, with the value in short.
type Variable struct {
	Name, Type, Value string
	Path              string // for a Question about its parts; empty: it has none
}

// A Match is one completion.
type Match struct {
	Text      string
	Type      string // "function", "instance", "module", "keyword", "class", "path", "magic", "statement" and the like
	Signature string // may be empty
}

// A Completion answers a Question: the code points from Start to End are to be replaced by the text of one of
// Matches, best first.
type Completion struct {
	Start, End int
	Matches    []Match
}

// An Inspection answers a Question with Inspect. When Found is false, nothing is known.
type Inspection struct {
	Found bool
	Data  Bundle
}

// Answered ends a Question. Without an answer all values are zero: the process ended, took too long, or a
// newer question took the place of this one. It has no place in the order of other events and overtakes those
// that were not received yet.
type Answered struct {
	ID         uint64
	Completion Completion
	Inspection Inspection
	Variables  []Variable
}

func (Answered) event() {}

// answered is an Answered on its way from the child.
type answered struct {
	Answered
	Bug string // the panic of the evaluator, or empty
}

// maxAnswering is how many questions the evaluator works on at the same time.
const maxAnswering = 2

// An answerer answers questions in the child, beside its cells. It has a pipe of its own, so that answers do
// not wait for output. It owns at most maxAnswering goroutines that call the evaluator and one that writes,
// which end when there is nothing to do.
type answerer struct {
	ev    Evaluator
	pipe  io.Writer // nil: answers go nowhere
	tasks sync.WaitGroup

	mu      sync.Mutex
	ended   bool       // no question is begun any longer
	waiting []Question // at most one of them completes
	working int        // goroutines that call the evaluator
	written []answered // to be written
	writing bool       // a goroutine writes
}

// ask takes a question and never waits.
func (a *answerer) ask(q Question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return
	}
	if q.completes() {
		a.waiting = slices.DeleteFunc(a.waiting, func(old Question) bool {
			if old.completes() {
				a.put(answered{Answered: Answered{ID: old.ID}})
			}
			return old.completes()
		})
	}
	a.waiting = append(a.waiting, q)
	if a.working < maxAnswering {
		a.working++
		a.tasks.Go(a.work)
	}
}

// work answers questions until none waits.
func (a *answerer) work() {
	for {
		a.mu.Lock()
		if len(a.waiting) == 0 {
			a.working--
			a.mu.Unlock()
			return
		}
		q := a.waiting[0]
		a.waiting = slices.Delete(a.waiting, 0, 1)
		a.mu.Unlock()
		a.answer(q)
	}
}

func (a *answerer) answer(q Question) {
	r := answered{Answered: Answered{ID: q.ID}}
	defer func() {
		if v := recover(); v != nil {
			r = answered{Answered{ID: q.ID}, fmt.Sprintf("%v\n%s", v, debug.Stack())}
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.put(r)
	}()
	switch {
	case q.Variables:
		r.Variables = a.ev.Variables(q.Code)
	case q.Inspect:
		r.Inspection = a.ev.Inspect(q.Code, q.Cursor, q.Detail)
	default:
		r.Completion = a.ev.Complete(q.Code, q.Cursor)
	}
}

// put has an answer written, for callers that hold mu.
func (a *answerer) put(r answered) {
	a.written = append(a.written, r)
	if !a.writing {
		a.writing = true
		a.tasks.Go(a.write)
	}
}

// write writes answers until none is left.
func (a *answerer) write() {
	for {
		a.mu.Lock()
		batch := a.written
		a.written = nil
		if len(batch) == 0 {
			a.writing = false
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		var b []byte
		for _, r := range batch {
			var err error
			if b, err = appendFrame(b, frame{msg: r}); err != nil { // too large
				b, _ = appendFrame(b, frame{msg: answered{Answered: Answered{ID: r.ID}}})
			}
		}
		if a.pipe != nil {
			if _, err := a.pipe.Write(b); err != nil {
				a.pipe = nil // the supervisor is gone, or user code closed the descriptor
			}
		}
	}
}

// end drops the questions that wait. The client answers them.
func (a *answerer) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended, a.waiting = true, nil
}
