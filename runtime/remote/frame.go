package remote

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"interleave/runtime/internal/pack"
)

// What the two ends send each other: frames of a kind, the number of the call that it is about, and a payload.
type kind byte

const (
	kindLoad   kind = 'L' // to the worker: what host.Code.Load takes
	kindPlace  kind = 'P' // to the worker: working directory and environment
	kindVars   kind = 'V' // to the worker: names of variables, and their values
	kindCall   kind = 'C' // to the worker: a function and its arguments
	kindCancel kind = 'X' // to the worker: end the context of a call
	kindAnswer kind = 'N' // to the worker: what a method of an object has returned
	kindReady  kind = 'S' // from the worker: it has begun to read
	kindResult kind = 'R' // from the worker: how a call has ended
	kindAsk    kind = 'A' // from the worker: an object of the program, a method, its arguments
	kindDrop   kind = 'D' // from the worker: end the context of what it has asked for

	kindWatched       kind = 'c' // to the worker: a call of which it takes notes
	kindPart          kind = 'n' // from the worker: notes of a call that it runs
	kindWatchedResult kind = 'r' // from the worker: the rest of the notes, and how the call has ended
)

const headerSize = 8 + 1 + 8

// send writes a frame.
func send(c io.Writer, k kind, id uint64, payload ...[]byte) error {
	n := 0
	for _, p := range payload {
		n += len(p)
	}
	h := make([]byte, 0, headerSize)
	h = binary.LittleEndian.AppendUint64(h, uint64(n))
	h = append(h, byte(k))
	h = binary.LittleEndian.AppendUint64(h, id)
	if n < 4096 { // one write of a copy is faster than a vector
		for _, p := range payload {
			h = append(h, p...)
		}
		_, err := c.Write(h)
		return err
	}
	b := append(net.Buffers{h}, payload...)
	_, err := b.WriteTo(c)
	return err
}

// A frame is one that was received.
type frame struct {
	kind    kind
	id      uint64
	payload []byte
}

// largestFrame is far beyond what a machine's memory holds, and keeps a damaged length from being used.
const largestFrame = 1 << 40

func receive(r io.Reader) (f frame, err error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	n := binary.LittleEndian.Uint64(h[:])
	if n > largestFrame {
		return frame{}, fmt.Errorf("a frame of %d bytes", n)
	}
	f = frame{kind: kind(h[8]), id: binary.LittleEndian.Uint64(h[9:])}
	// memory grows with what arrives, so that a wrong length cannot ask for all of it
	const step = 1 << 30
	for got := 0; got < int(n); {
		more := min(int(n)-got, max(step, got))
		if f.payload == nil {
			f.payload = make([]byte, more)
		} else {
			f.payload = append(f.payload, make([]byte, more)...)
		}
		pack.Huge(f.payload[got:])
		if _, err := io.ReadFull(r, f.payload[got:]); err != nil {
			return frame{}, err
		}
		got += more
	}
	return f, nil
}

// A reader reads what the functions below have written.
type reader struct {
	b   []byte
	bad bool
}

func appendBytes(b, x []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(x))), x...)
}

func (r *reader) uint() uint64 {
	n, k := binary.Uvarint(r.b)
	if k <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[k:]
	return n
}

func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	x := r.b[:n:n]
	r.b = r.b[n:]
	return x
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}
