package session

import (
	"strings"
	"testing"
	"time"
)

// A cell that writes without end is ended by an interrupt though no client reads. What it wrote meanwhile is bounded; its beginning and its
// end are there, and a note says how much is not.
func TestFloodIsCut(t *testing.T) {
	r := newRig(t, nil)
	r.start("gush")
	for n := 0; n < 8<<20; {
		n += len(r.next().(Output).Text)
	}
	r.Interrupt()
	// No event is taken, and yet the cell ends: then there is room for the next one.
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		err := r.Run(Cell{ID: 2, N: 2, Code: "print fine"})
		if err == nil {
			break
		}
		if err != ErrBusy || time.Now().After(deadline) {
			t.Fatal("the cell does not end: ", err)
		}
	}
	text, note := "", ""
	for _, e := range r.until(isA[Done]) {
		switch e := e.(type) {
		case Output:
			if e.Stream == Stderr {
				note += e.Text
			}
			text += e.Text
		case Done:
			if !e.Interrupted || e.OK {
				t.Errorf("%+v", e)
			}
		}
	}
	if !strings.HasSuffix(text, "last words\n") {
		t.Errorf("the end is %q", text[max(0, len(text)-100):])
	}
	if most := 16*128<<10 + 128<<10 + floodHead + floodTail + 256<<10; len(text) > most {
		t.Errorf("%d bytes came after the interrupt, want %d at most", len(text), most)
	}
	if !strings.Contains(note, "of output that came after the interrupt were dropped") {
		t.Errorf("the note is %q", note)
	}
	if got, want := transcript(r.until(isA[Done])), `2 stdout "fine" | 2 done ok`; got != want {
		t.Errorf("the next cell: %s, want %s", got, want)
	}
}

// The parts of a flood: all of a small one, head and tail of a large one.
func TestFlood(t *testing.T) {
	t.Parallel()
	var f flood
	out := func(n int, c string) Output { return Output{Cell: 3, Stream: Stdout, Text: strings.Repeat(c, n)} }
	for range 10 {
		if !f.take(out(1000, "a")) {
			t.Error("a small output is held back")
		}
	}
	if got := f.flush(); len(got) != 0 {
		t.Errorf("kept %v", got)
	}
	for range 3 {
		f.take(out(100<<10, "b"))
	}
	f.take(out(10, "c"))
	got := f.flush()
	if len(got) != 2 || got[0].(Output) != (Output{3, Stderr, "\n… 102 kB of output that came after the interrupt were dropped …\n"}) || got[1].(Output).Text != "cccccccccc" {
		t.Errorf("got %.200q", got)
	}
	if f.take(out(10, "d")); len(f.flush()) != 0 {
		t.Error("what comes later is not the head again") // the head has room
	}
}
