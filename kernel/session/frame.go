package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A frame on a control pipe is
//
//	size  uint32  of everything after it
//	kind  uint8
//	marks uint8   bit 0: a marker with this number is in stdout; bit 1: in stderr
//	seq   uint64  counts the frames of one pipe, from 1
//	body
//
// big endian. The encoding of every frame is unique: a decoded frame encodes to the same bytes.
const (
	sizeLen   = 4
	headerLen = 1 + 1 + 8
	// maxFrame is the largest size of an event. No front end shows a display of this size.
	maxFrame = 256 << 20
)

const (
	markStdout = 1 << iota
	markStderr
	marksAll = markStdout | markStderr
)

// A frame is one message with its place in the order.
type frame struct {
	marks uint8
	seq   uint64
	msg   any
}

var (
	errFrameSize = errors.New("frame of impossible size")
	errFrameBody = errors.New("malformed frame")
)

// appendFrame encodes f. It fails only for a message of more than maxFrame bytes or of an unknown type.
func appendFrame(b []byte, f frame) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, f.marks)
	b = binary.BigEndian.AppendUint64(b, f.seq)
	b, k, ok := appendBody(b, f.msg)
	if !ok {
		return b[:start], fmt.Errorf("a %T is not a message", f.msg)
	}
	size := len(b) - start - sizeLen
	if size > maxFrame {
		return b[:start], errFrameSize
	}
	binary.BigEndian.PutUint32(b[start:], uint32(size))
	b[start+sizeLen] = byte(k)
	return b, nil
}

// A frameReader decodes the frames of one pipe. Memory grows with the bytes that arrive, not with the
// announced size.
type frameReader struct {
	r    io.Reader
	head [sizeLen]byte
	body bytes.Buffer
}

// next returns io.EOF only between two frames.
func (r *frameReader) next() (frame, error) {
	if _, err := io.ReadFull(r.r, r.head[:]); err != nil {
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(r.head[:])
	if size < headerLen || size > maxFrame {
		return frame{}, errFrameSize
	}
	if r.body.Cap() > 1<<20 {
		r.body = bytes.Buffer{} // do not keep the memory of one large frame for ever
	}
	r.body.Reset()
	if _, err := io.CopyN(&r.body, r.r, int64(size)); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	return decodeFrame(r.body.Bytes())
}

// decodeFrame decodes the bytes after the size. The result does not share memory with b.
func decodeFrame(b []byte) (frame, error) {
	if len(b) < headerLen || b[1]&^marksAll != 0 {
		return frame{}, errFrameBody
	}
	msg, ok := decodeBody(kind(b[0]), b[headerLen:])
	if !ok {
		return frame{}, fmt.Errorf("%w of kind %d", errFrameBody, b[0])
	}
	return frame{marks: b[1], seq: binary.BigEndian.Uint64(b[2:]), msg: msg}, nil
}
