package session

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"io"
	"unicode/utf8"
)

// The child writes a marker into the output streams to mark the place of a frame:
//
//	nonce [16]byte  random for every process; the first byte is 0xFF, which no text contains
//	seq   uint64    the frame's
//	flush uint8     1: nothing before the marker waits for what comes after it
//
// It is written in one piece of fewer than PIPE_BUF bytes, so that no other output comes between its parts.
type marker struct {
	buf [markerLen]byte
}

const (
	nonceLen  = 16
	markerLen = nonceLen + 8 + 1
)

func newNonce() string {
	var b [nonceLen]byte
	rand.Read(b[:])
	b[0] = 0xFF
	return string(b[:])
}

func newMarker(nonce string) *marker {
	m := new(marker)
	copy(m.buf[:], nonce)
	return m
}

// bytes is valid until the next call.
func (m *marker) bytes(seq uint64, flush bool) []byte {
	binary.BigEndian.PutUint64(m.buf[nonceLen:], seq)
	m.buf[markerLen-1] = 0
	if flush {
		m.buf[markerLen-1] = 1
	}
	return m.buf[:]
}

// A segment is a piece of an output stream: text, then a marker unless mark is 0. The text is valid UTF-8.
type segment struct {
	text string
	mark uint64
}

// A splitter takes an output stream apart. Only the nonce must be set.
type splitter struct {
	nonce []byte
	seq   uint64 // of the last marker; the next one has the next number, and any other number is text
	text  text
}

// stream reads r to its end and passes its segments to put, which returns false to stop early. It holds one
// buffer.
func (s *splitter) stream(r io.Reader, put func(segment) bool) {
	buf := make([]byte, 128<<10)
	n := 0 // bytes of buf that may be the beginning of a marker, and wait for more
	for {
		m, err := r.Read(buf[n:])
		n += m
		rest, ok := s.split(buf[:n], put)
		if !ok {
			return
		}
		if err != nil {
			last := s.text.take(rest) + s.text.flush()
			if last != "" {
				put(segment{text: last})
			}
			return
		}
		n = copy(buf, rest)
	}
}

// split passes the segments of b to put and returns the end of b that may be the beginning of a marker.
func (s *splitter) split(b []byte, put func(segment) bool) (rest []byte, ok bool) {
	for {
		i := bytes.Index(b, s.nonce)
		if i < 0 {
			i = len(b) - s.begun(b)
		}
		if len(b)-i < markerLen {
			if text := s.text.take(b[:i]); text != "" && !put(segment{text: text}) {
				return nil, false
			}
			return b[i:], true
		}
		text := s.text.take(b[:i])
		if binary.BigEndian.Uint64(b[i+nonceLen:]) != s.seq+1 {
			text += s.text.take(b[i : i+1])
			if !put(segment{text: text}) {
				return nil, false
			}
			b = b[i+1:]
			continue
		}
		s.seq++
		if b[i+markerLen-1] == 1 {
			text += s.text.flush()
		}
		if !put(segment{text, s.seq}) {
			return nil, false
		}
		b = b[i+markerLen:]
	}
}

// begun returns how many bytes at the end of b are the beginning of the nonce.
func (s *splitter) begun(b []byte) int {
	tail := b[max(0, len(b)-nonceLen+1):]
	for len(tail) > 0 {
		i := bytes.IndexByte(tail, s.nonce[0])
		if i < 0 {
			return 0
		}
		tail = tail[i:]
		if bytes.HasPrefix(s.nonce, tail) {
			return len(tail)
		}
		tail = tail[1:]
	}
	return 0
}

// text converts bytes that come in pieces to valid UTF-8: a sequence that is cut waits for its end, and every
// byte outside of a sequence becomes U+FFFD. The result does not depend on where the cuts are.
type text struct {
	held [utf8.UTFMax]byte
	n    int
}

func (t *text) take(p []byte) string {
	if len(p) == 0 {
		return ""
	}
	var head string
	for t.n > 0 && len(p) > 0 {
		t.held[t.n] = p[0]
		t.n, p = t.n+1, p[1:]
		if utf8.FullRune(t.held[:t.n]) {
			// A rune, or an invalid first byte; the bytes after it are decoded again.
			_, size := utf8.DecodeRune(t.held[:t.n])
			head += toText(t.held[:size])
			t.n = copy(t.held[:], t.held[size:t.n])
			for t.n > 0 && utf8.FullRune(t.held[:t.n]) {
				_, size = utf8.DecodeRune(t.held[:t.n])
				head += toText(t.held[:size])
				t.n = copy(t.held[:], t.held[size:t.n])
			}
		}
	}
	if len(p) == 0 {
		return head
	}
	end := len(p)
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if c := p[len(p)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(p[len(p)-i:]) {
				end = len(p) - i
			}
			break
		}
	}
	t.n = copy(t.held[:], p[end:])
	if head == "" {
		return toText(p[:end])
	}
	return head + toText(p[:end])
}

// flush returns the waiting bytes as text.
func (t *text) flush() string {
	s := toText(t.held[:t.n])
	t.n = 0
	return s
}

// toText is string(p) with U+FFFD for each invalid byte, as in a conversion to []rune.
func toText(p []byte) string {
	if utf8.Valid(p) {
		return string(p)
	}
	b := make([]byte, 0, len(p)+len(p)/8+8)
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		b = utf8.AppendRune(b, r)
		p = p[size:]
	}
	return string(b)
}
