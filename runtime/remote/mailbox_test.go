package remote

import (
	"bytes"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A frame reaches an owner that looks, or is refused; none is lost or comes twice.
func TestMailbox(t *testing.T) {
	if !canLook() {
		t.Skip("one core: nothing looks")
	}
	m := mailbox{make([]byte, boxSize)}
	if m.post('R', 1, []byte("x")) {
		t.Error("a closed mailbox took a frame")
	}
	m.open()
	if m.post('R', 1, make([]byte, boxSize-boxHead+1)) {
		t.Error("a frame that is too long was taken")
	}
	if _, ok := m.look(never, never); ok {
		t.Error("a frame from nowhere")
	}
	if m.post('R', 1, []byte("x")) {
		t.Error("a mailbox took a frame after its owner had given up")
	}
	m.open()
	if _, ok := m.look(func() bool { return true }, never); ok || *m.state() != boxClosed {
		t.Error("stop does not stop")
	}
	m.open()
	*m.state() = boxFilling
	if _, ok := m.look(never, func() bool { return true }); ok {
		t.Error("a frame that was never filled in")
	}
	*m.state() = boxClosed

	const rounds = 20_000
	posted, received := map[uint64]int{}, map[uint64]int{}
	var all sync.WaitGroup
	var opened, tried sync.Mutex // in turn: the mailbox is open, and one frame was posted or refused
	tried.Lock()
	opened.Lock()
	all.Go(func() {
		for id := range uint64(rounds) {
			opened.Lock()
			if id%3 == 0 {
				runtime.Gosched()
			}
			n := int(id) % (boxSize - boxHead + 1)
			if m.post('R', id, bytes.Repeat([]byte{byte(id)}, n/2), bytes.Repeat([]byte{byte(id)}, n-n/2)) {
				posted[id] = n
			}
			tried.Unlock()
		}
	})
	for id := range uint64(rounds) {
		m.open()
		opened.Unlock()
		f, ok := m.look(func() bool { return id%7 == 0 }, never)
		if ok {
			received[f.id] = len(f.payload)
			if f.kind != 'R' || f.id != id || strings.Trim(string(f.payload), string([]byte{byte(id)})) != "" {
				t.Errorf("frame %d: %c %d %.20q", id, f.kind, f.id, f.payload)
			}
		}
		tried.Lock()
	}
	all.Wait()
	if len(posted) < rounds/10 || len(received) != len(posted) {
		t.Errorf("%d of %d frames were posted, and %d received", len(posted), rounds, len(received))
	}
	for id, n := range posted {
		if got, ok := received[id]; !ok || got != n {
			t.Errorf("frame %d has %d bytes, not %d", id, got, n)
		}
	}
}
