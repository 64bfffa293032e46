package session

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func message(re uint64, data string) Comm {
	return Comm{Re: re, ID: "c", Op: CommMessage, Data: json.RawMessage(data), Buffers: [][]byte{{0, 255}}}
}

// handled reports whether an event ends a message.
func handled(e Event) bool {
	c, ok := e.(Comm)
	return ok && c.Op == CommHandled
}

// A cell knows all that was sent before it, in its order.
func TestCommBeforeCell(t *testing.T) {
	r := newRig(t, nil)
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprint(i))
		r.Comm(message(uint64(i), fmt.Sprint(i)))
	}
	r.start("comms")
	got := transcript(r.until(isA[Done]))
	if text := fmt.Sprintf("1 stdout %q | 1 done ok", strings.Join(want, ",")+"\n"); !strings.HasSuffix(got, text) {
		t.Error(short(got))
	}
	if n := strings.Count(got, `["\x00\xff"]`); n != 500 || !strings.HasPrefix(got, `comm 0 c 2 0 ["\x00\xff"] | handled 0 | comm 1 c`) {
		t.Errorf("%d answers: %s", n, short(got))
	}
}

// A cell that runs is not waited for.
func TestCommBesideCell(t *testing.T) {
	r := newRig(t, nil)
	r.start("block")
	r.until(isA[Clear])
	r.Comm(message(7, "{}"))
	if got := transcript(r.until(handled)); got != `comm 7 c 2 {} ["\x00\xff"] | handled 7` {
		t.Error(got)
	}
	r.Interrupt()
	r.until(isA[Done])
	r.check("interrupts 1", "2 done ok")
}

// An interrupt gets to code that runs beside cells, also when no cell runs.
func TestInterruptWithoutCell(t *testing.T) {
	r := newRig(t, nil)
	r.check("", "1 done ok")
	r.Interrupt()
	r.check("interrupts 1", "2 done ok")
}

func TestCommPanic(t *testing.T) {
	r := newRig(t, nil)
	r.Comm(Comm{ID: "c", Op: CommOpen, Target: "panic"})
	if got := transcript(r.until(isA[Failed])); got != "0 failed internal error: evaluator bug" {
		t.Error(got)
	}
	r.until(handled)
	r.check("print a", `1 stdout "a" | 1 done ok`)
}

// A comm that no process, or one that does not read, can get a message of is closed.
func TestCommWithoutProcess(t *testing.T) {
	r := newRig(t, nil)
	r.start("stopped")
	r.until(isA[Clear])
	large := message(1, "{}")
	large.Buffers = [][]byte{make([]byte, maxBacklog)}
	r.Comm(large)
	r.Comm(message(2, "{}"))
	if got := transcript(r.until(handled)); !strings.HasSuffix(got, "comm 2 c 3  [] | handled 2") {
		t.Error(got)
	}
	for r.PID() != 0 { // after some deaths there is no process until the next cell
		kill(r.PID())
		r.until(isA[Restarted])
	}
	r.Comm(Comm{Re: 3, ID: "d", Op: CommOpen, Target: "t"})
	if got := transcript(r.until(handled)); got != "comm 3 d 3  [] | handled 3" {
		t.Error(got)
	}
	r.Comm(Comm{Re: 4, ID: "d", Op: CommClose})
	if got := transcript(r.until(handled)); got != "handled 4" {
		t.Error(got)
	}
	r.check("comms", `2 stdout "\n" | 2 done ok`)
}
