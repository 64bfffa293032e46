package zmq

import "net"

// A batch gathers frames for writing, so that many of them leave in one system call. Long pieces are kept as
// they are, short ones copied side by side: a vector of a thousand two-byte headers would be slower than
// copying.
type batch struct {
	pieces net.Buffers
	short  []byte // the current buffer of short pieces; filled up to its capacity, never grown
	size   int    // bytes in pieces
}

const (
	shortPiece  = 2 << 10  // bytes; up to this a piece is copied
	shortBuffer = 32 << 10 // bytes
)

func (b *batch) add(p []byte) {
	if len(p) == 0 {
		return
	}
	b.size += len(p)
	if len(p) > shortPiece {
		b.pieces = append(b.pieces, p)
		b.short = b.short[len(b.short):] // what comes next begins a piece of its own
		return
	}
	if cap(b.short)-len(b.short) < len(p) {
		b.short = make([]byte, 0, shortBuffer)
	}
	begun := len(b.short) > 0
	b.short = append(b.short, p...)
	if begun {
		b.pieces[len(b.pieces)-1] = b.short
	} else {
		b.pieces = append(b.pieces, b.short)
	}
}

// writeTo writes as much as conn takes. After an error the rest is kept, to be retried or discarded.
func (b *batch) writeTo(conn net.Conn) (int, error) {
	n, err := b.pieces.WriteTo(conn)
	if b.size -= int(n); b.size == 0 {
		b.pieces = nil
	}
	b.short = b.short[len(b.short):] // its piece may be half gone
	return int(n), err
}
