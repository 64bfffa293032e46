package remote

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// A mailbox is a part of a page through which one end gives the other a short frame while that one looks for it.
// To wake a thread takes longer than most short functions, so that the ends look for a while before they wait
// for the socket: the program when it has called a function that was short before, and no other goroutine calls one;
// the worker when the program has looked for its result. A mailbox that is not looked at takes no frame.
//
// It begins with its state, followed by the length of the payload, the kind of frame and the number of the call.
type mailbox struct{ mem []byte }

// The states of a mailbox. Its owner opens it and takes frames out; the other end fills it.
const (
	boxClosed  uint32 = iota // the owner does not look
	boxOpen                  // the owner looks
	boxFilling               // the other end writes a frame
	boxFull
)

const (
	boxHead = 24
	boxSize = 1536
	// where the mailboxes are in a page
	callsAt   = 1024
	resultsAt = callsAt + boxSize
)

// lookTurns is how often a mailbox is looked at before the clock is read: for about a microsecond.
const lookTurns = 512

// How long the ends look, and how long a call may take for the next one to be looked for.
const (
	lookTime  = 100 * time.Microsecond
	shortCall = 300 * time.Microsecond
)

// calls is where the worker looks for calls.
func (p *page) calls() mailbox { return mailbox{p.mem[callsAt:resultsAt]} }

// results is where the program looks for results.
func (p *page) results() mailbox { return mailbox{p.mem[resultsAt : resultsAt+boxSize]} }

func (m mailbox) state() *uint32 { return (*uint32)(unsafe.Pointer(unsafe.SliceData(m.mem))) }

// open begins to look. The mailbox must be closed.
func (m mailbox) open() { atomic.StoreUint32(m.state(), boxOpen) }

// post puts a frame into the mailbox, unless it is too long or its owner does not look.
func (m mailbox) post(k kind, id uint64, payload ...[]byte) bool {
	n := 0
	for _, p := range payload {
		n += len(p)
	}
	if n > len(m.mem)-boxHead || !atomic.CompareAndSwapUint32(m.state(), boxOpen, boxFilling) {
		return false
	}
	binary.LittleEndian.PutUint32(m.mem[4:], uint32(n))
	m.mem[8] = byte(k)
	binary.LittleEndian.PutUint64(m.mem[16:], id)
	at := boxHead
	for _, p := range payload {
		at += copy(m.mem[at:], p)
	}
	atomic.StoreUint32(m.state(), boxFull)
	return true
}

// look waits for a frame, without giving up its core, and closes the mailbox. It gives up after lookTime, and
// when stop reports that there is something else to do. While the other end fills the mailbox it waits on, unless
// gone reports that the other end has ended.
func (m mailbox) look(stop, gone func() bool) (f frame, ok bool) {
	begin := monotonic()
	for i := 1; atomic.LoadUint32(m.state()) != boxFull; i++ {
		if i%lookTurns != 0 || !stop() && monotonic()-begin < int64(lookTime) {
			continue
		}
		if atomic.CompareAndSwapUint32(m.state(), boxOpen, boxClosed) {
			return frame{}, false
		}
		if gone() && atomic.LoadUint32(m.state()) != boxFull {
			return frame{}, false
		}
		runtime.Gosched()
	}
	n := min(int(binary.LittleEndian.Uint32(m.mem[4:])), len(m.mem)-boxHead)
	f = frame{kind: kind(m.mem[8]), id: binary.LittleEndian.Uint64(m.mem[16:])}
	f.payload = append([]byte(nil), m.mem[boxHead:boxHead+n]...)
	atomic.StoreUint32(m.state(), boxClosed)
	return f, true
}

func never() bool { return false }

// canLook reports whether this process may look: another thread can run meanwhile.
func canLook() bool { return runtime.NumCPU() > 1 && runtime.GOMAXPROCS(0) > 1 && monotonic() != 0 }
