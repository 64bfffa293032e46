package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkStream is the whole way of output: JSON, header, signature, frames.
func BenchmarkStream(b *testing.B) {
	for _, c := range []struct{ name, line string }{
		{"ascii", "the quick brown fox jumps over the lazy dog 0123456789\n"},
		{"ansi", "\x1b[31merror\x1b[0m \"quoted\"\t\x1b[1mbold\x1b[0m\n"},
		{"utf8", "Grüße, 世界: größer als – nichts\n"},
	} {
		for _, size := range []int{64 << 10, 256 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%dkB", c.name, size>>10), func(b *testing.B) {
				encode(b, StreamText{"stdout", strings.Repeat(c.line, size/len(c.line))}, size)
			})
		}
	}
}

// BenchmarkDisplay is a picture.
func BenchmarkDisplay(b *testing.B) {
	const size = 1 << 20
	png, err := json.Marshal(base64.StdEncoding.EncodeToString(make([]byte, size*3/4)))
	if err != nil {
		b.Fatal(err)
	}
	encode(b, DisplayData{Data: Bundle{"image/png": png, "text/plain": json.RawMessage(`"picture"`)}}, size)
}

func encode(b *testing.B, c Content, size int) {
	s := signer(b, "hmac-sha256", "a key of some length")
	author, parent := NewAuthor("kernel"), &Message{Header: Header{MsgID: "1", MsgType: "execute_request"}}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		m, err := author.New(parent, c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Encode(m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode is a cell that comes in.
func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{100, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := signer(b, "hmac-sha256", "a key of some length")
			m, err := NewAuthor("client").New(nil, ExecuteRequest{Code: strings.Repeat("x := 1 // \"a\"\n", size/14)})
			if err != nil {
				b.Fatal(err)
			}
			frames, err := s.Encode(m)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				m, err := s.Decode(frames)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Parse(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReplays is what remembering signatures adds to a small message, and what a full window takes in memory.
func BenchmarkReplays(b *testing.B) {
	const window = 1 << 16
	client := signer(b, "hmac-sha256", "key")
	for _, n := range []int{0, window} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := signer(b, "hmac-sha256", "key")
			m := &Message{}
			decode := func(i int) {
				m.Header.MsgID = fmt.Sprint(i)
				f, err := client.Encode(m)
				if err == nil {
					_, err = s.Decode(f)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			var memory float64
			if n > 0 {
				before := heap()
				s.RefuseReplays(n)
				for i := range 2 * n {
					decode(-i)
				}
				memory = float64(heap()-before) / float64(n)
			}
			for i := 0; b.Loop(); i++ {
				decode(i + 1)
			}
			b.ReportMetric(memory, "B/signature")
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
