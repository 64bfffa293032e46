package session

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A chopped reader returns what it has in pieces of at most n bytes.
type chopped struct {
	b []byte
	n func() int
}

func (c *chopped) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.b[:min(c.n(), len(c.b))])
	c.b = c.b[n:]
	return n, nil
}

// split returns the texts between the markers of a stream, joined.
func split(t *testing.T, nonce string, r io.Reader) []string {
	t.Helper()
	var texts []string
	var text strings.Builder
	s := splitter{nonce: []byte(nonce)}
	s.stream(r, func(seg segment) bool {
		if !utf8.ValidString(seg.text) {
			t.Errorf("%q", seg.text)
		}
		text.WriteString(seg.text)
		if seg.mark != 0 {
			texts = append(texts, text.String())
			text.Reset()
			if int(seg.mark) != len(texts) {
				t.Errorf("marker %d after %d texts", seg.mark, len(texts))
			}
		}
		return true
	})
	return append(texts, text.String())
}

func TestSplit(t *testing.T) {
	t.Parallel()
	nonce := newNonce()
	m := newMarker(nonce)
	mark := func(seq uint64, flush bool) string { return string(m.bytes(seq, flush)) }
	const bad = "\uFFFD"
	tests := []struct {
		in   string
		want []string
	}{
		{"", []string{""}},
		{"plain", []string{"plain"}},
		{"a" + mark(1, false) + "b" + mark(2, true) + "c", []string{"a", "b", "c"}},
		{mark(1, false) + mark(2, false), []string{"", "", ""}},
		{"\xe4" + mark(1, false) + "\xb8\x96", []string{"", "世"}},
		{"\xe4" + mark(1, true) + "\xb8\x96", []string{bad, bad + bad}},
		{"\xe4\xb8", []string{bad + bad}},
		{"\xe4\xb8x", []string{bad + bad + "x"}},
		{"\xf0\x9f\x8c", []string{bad + bad + bad}},
		{"\xf0\x9f\xe4\xb8\x96", []string{bad + bad + "世"}},
		{"\xff\xfe", []string{bad + bad}},
		{"x" + nonce[:5], []string{"x" + toText([]byte(nonce[:5]))}},
		{"x" + nonce[:5] + mark(1, true), []string{"x" + toText([]byte(nonce[:5])), ""}},
		{"wrong" + mark(7, false) + "number" + mark(1, false), []string{"wrong" + toText([]byte(mark(7, false))) + "number", ""}},
		{"cut" + nonce + mark(1, true) + "end", []string{"cut" + toText([]byte(nonce)), "end"}},
		{strings.Repeat("\xff", 300<<10), []string{strings.Repeat(bad, 300<<10)}},
		{strings.Repeat("世", 100<<10) + mark(1, false) + "x", []string{strings.Repeat("世", 100<<10), "x"}},
	}
	for _, test := range tests {
		cuts := []func() int{
			func() int { return 1 << 20 },
			func() int { return 1 },
			func() int { return 1 + rand.IntN(7) },
		}
		for _, n := range cuts {
			if got := split(t, nonce, &chopped{[]byte(test.in), n}); !slices.Equal(got, test.want) {
				t.Errorf("%.60q: got %.80q, want %.80q", test.in, got, test.want)
			}
		}
	}
}

// Text between markers comes out as a conversion through runes would have it, wherever reads cut it.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("hello\xe4\xb8\x96"), []byte("\xff\xff"), uint8(3))
	f.Add([]byte("\xf0\x9f"), []byte("\x8c\x8d"), uint8(1))
	f.Fuzz(func(t *testing.T, a, b []byte, cut uint8) {
		nonce := "\xff0123456789abcde"
		if bytes.Contains(a, []byte(nonce)) || bytes.Contains(b, []byte(nonce)) {
			return
		}
		m := newMarker(nonce)
		in := slices.Concat(a, m.bytes(1, true), b)
		got := split(t, nonce, &chopped{in, func() int { return int(cut) + 1 }})
		want := []string{string([]rune(string(a))), string([]rune(string(b)))}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestReport(t *testing.T) {
	t.Parallel()
	var r report
	if got := r.take("nothing special\n"); got != "nothing special\n" {
		t.Error(got)
	}
	if got := r.take("warn: fatal error: x\n") + "|" + r.take("goroutine 1\n"); got != "warn: |" {
		t.Error(got)
	}
	if got := r.release(); got != "fatal error: x\ngoroutine 1\n" || r.holds() {
		t.Error(got)
	}
	r.forget()
	r.take("panic: y\n")
	if text, rep := r.last(nil); text != "panic: y\n" || rep != nil {
		t.Error(text, rep)
	}
	// More than memory should hold is shown after all, and its beginning kept.
	r = report{}
	block := "panic: " + strings.Repeat("x", 1<<20)
	shown := 0
	for range 20 {
		shown += len(r.take(block))
	}
	if shown+r.waiting.Len() != 20*len(block) || r.kept.Len() != reportKept || r.waiting.Len() > reportMax+len(block) {
		t.Error(shown, r.waiting.Len(), r.kept.Len())
	}
}
