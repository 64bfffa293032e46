package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"unicode/utf8"
)

// The reasons for which Decode refuses frames. Its errors wrap one of these.
var (
	ErrFrames    = errors.New("malformed frames")
	ErrSignature = errors.New("wrong signature")
	ErrReplayed  = errors.New("signature seen before")
	ErrJSON      = errors.New("malformed JSON")
)

// delimiter ends the identities.
var delimiter = []byte("<IDS|MSG>")

// A Signer turns messages into signed frames and back. Its methods may overlap.
type Signer struct {
	macs sync.Pool // of hash.Hash; nil New: messages are not signed
	size int       // of a signature in hexadecimal

	window int // how many signatures are remembered; 0: replays are not refused

	mu   sync.Mutex
	seen map[digest]struct{}
	ring []digest // of seen, in the order they came once it has window elements
	next int      // the oldest in ring, then
}

// A digest is the start of a signature. 128 bits are enough: two messages of one key do not share them.
type digest [16]byte

// NewSigner makes a signer from a connection file's signature_scheme and key. With an empty key messages are
// not signed, and signatures are not checked, as in Jupyter. An empty scheme means hmac-sha256.
func NewSigner(scheme string, key []byte) (*Signer, error) {
	name, ok := strings.CutPrefix(scheme, "hmac-")
	var h func() hash.Hash
	switch {
	case scheme == "" || ok && name == "sha256":
		h = sha256.New
	case ok && name == "sha384":
		h = sha512.New384
	case ok && name == "sha512":
		h = sha512.New
	case ok && name == "sha1":
		h = sha1.New
	default:
		return nil, fmt.Errorf("unknown signature scheme %q", scheme)
	}
	s := new(Signer)
	if len(key) > 0 {
		key = bytes.Clone(key)
		s.macs.New = func() any { return hmac.New(h, key) }
		s.size = 2 * h().Size()
	}
	return s, nil
}

// RefuseReplays makes Decode refuse a signature that is among the last n it accepted. Each takes about 50
// bytes. It must be called before any message is decoded. Unsigned messages are not checked.
func (s *Signer) RefuseReplays(n int) {
	s.window, s.seen, s.ring, s.next = max(n, 1), make(map[digest]struct{}), nil, 0
}

// Encode returns a message's frames: identities, delimiter, signature, header, parent header, metadata,
// content, buffers. They share m's bytes. The error is ErrJSON: metadata or content that is not an object.
func (s *Signer) Encode(m *Message) ([][]byte, error) {
	head := make([]byte, 0, 512)
	head = appendHeader(head, m.Header, m.header)
	n := len(head)
	head = appendHeader(head, m.Parent, m.parent)
	parts := [4][]byte{head[:n:n], head[n:], m.Metadata, m.Content}
	for i := 2; i < 4; i++ {
		if len(parts[i]) == 0 {
			parts[i] = []byte("{}")
		} else if trimmed := bytes.TrimLeft(parts[i], space); len(trimmed) == 0 || trimmed[0] != '{' {
			return nil, fmt.Errorf("%w: %s of %s is not an object", ErrJSON, partNames[i], m.Header.MsgType)
		}
	}
	frames := make([][]byte, 0, len(m.Identities)+6+len(m.Buffers))
	frames = append(frames, m.Identities...)
	frames = append(frames, delimiter, s.sign(parts[:]))
	frames = append(frames, parts[:]...)
	return append(frames, m.Buffers...), nil
}

// Decode checks and decodes a message's frames, which it keeps and does not change. The header, parent,
// metadata and content of the message are valid JSON objects in valid UTF-8: as in Jupyter's own kernels,
// bytes that are not valid become U+FFFD. The signature is compared in constant time and before anything else
// is read.
func (s *Signer) Decode(frames [][]byte) (*Message, error) {
	at := 0
	for at < len(frames) && !bytes.Equal(frames[at], delimiter) {
		at++
	}
	if at == len(frames) {
		return nil, fmt.Errorf("%w: no delimiter in %d", ErrFrames, len(frames))
	}
	rest := frames[at+1:]
	if len(rest) < 5 {
		return nil, fmt.Errorf("%w: %d after the delimiter, 5 are needed", ErrFrames, len(rest))
	}
	if err := s.check(rest[0], rest[1:5]); err != nil {
		return nil, err
	}
	m := &Message{Identities: frames[:at:at], Buffers: rest[5:]}
	if len(m.Identities) == 0 {
		m.Identities = nil
	}
	if len(m.Buffers) == 0 {
		m.Buffers = nil
	}
	var parts [4]json.RawMessage
	for i, text := range rest[1:5] {
		if !utf8.Valid(text) {
			text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
		}
		if trimmed := bytes.TrimLeft(text, space); len(trimmed) == 0 || trimmed[0] != '{' || !valid(text) {
			return nil, fmt.Errorf("%w: %s is not an object: %.60q", ErrJSON, partNames[i], text)
		}
		parts[i] = text
	}
	for i, h := range []*Header{&m.Header, &m.Parent} {
		if err := json.Unmarshal(parts[i], h); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrJSON, partNames[i], err)
		}
	}
	m.header = spelling{m.Header, parts[0]}
	m.parent = spelling{m.Parent, parts[1]}
	m.Metadata, m.Content = parts[2], parts[3]
	return m, nil
}

const space = " \t\r\n"

var partNames = [4]string{"header", "parent header", "metadata", "content"}

// hashPiece is how many bytes are hashed at a time. The scheduler cannot preempt the assembly of a hash: 64
// MiB at once would hold up every other goroutine of a process with one thread for 50 ms.
const hashPiece = 64 << 10

// sign returns the signature of the four parts in hexadecimal; it is empty without a key.
func (s *Signer) sign(parts [][]byte) []byte {
	if s.size == 0 {
		return []byte{}
	}
	mac := s.macs.Get().(hash.Hash)
	mac.Reset()
	for _, p := range parts {
		for len(p) > hashPiece {
			mac.Write(p[:hashPiece])
			p = p[hashPiece:]
		}
		mac.Write(p)
	}
	var sum [sha512.Size]byte
	sig := hex.AppendEncode(make([]byte, 0, s.size), mac.Sum(sum[:0]))
	s.macs.Put(mac)
	return sig
}

func (s *Signer) check(signature []byte, parts [][]byte) error {
	if s.size == 0 {
		return nil
	}
	if !hmac.Equal(signature, s.sign(parts)) {
		return ErrSignature
	}
	if s.window == 0 {
		return nil
	}
	var d digest
	hex.Decode(d[:], signature[:2*len(d)]) // it equals the computed one, so it is hexadecimal and long enough
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.seen[d]; ok {
		return ErrReplayed
	}
	s.seen[d] = struct{}{}
	if len(s.ring) < s.window {
		s.ring = append(s.ring, d)
		return nil
	}
	delete(s.seen, s.ring[s.next])
	s.ring[s.next] = d
	s.next = (s.next + 1) % s.window
	return nil
}

// appendHeader writes a header with the bytes from which it was decoded, or else its six fields.
func appendHeader(b []byte, h Header, as spelling) []byte {
	switch {
	case as.text != nil && as.of == h:
		return append(b, as.text...)
	case h == Header{}:
		return append(b, "{}"...)
	}
	for _, f := range [...]struct{ key, value string }{
		{`{"msg_id":`, h.MsgID},
		{`,"session":`, h.Session},
		{`,"username":`, h.Username},
		{`,"date":`, h.Date},
		{`,"msg_type":`, h.MsgType},
		{`,"version":`, h.Version},
	} {
		b = append(b, f.key...)
		b = appendString(b, f.value)
	}
	return append(b, '}')
}
