package session

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"
	"time"
)

func benchClient(b *testing.B) *Client {
	b.Helper()
	c, err := Start(context.Background(), Config{Command: command})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	runCell(b, c, "")
	return c
}

// runCell runs a cell and returns how many bytes it printed and how many events it had.
func runCell(b *testing.B, c *Client, script string) (n, events int) {
	if err := c.Run(Cell{ID: 1, Code: script}); err != nil {
		b.Fatal(err)
	}
	for e := range c.Events() {
		switch e := e.(type) {
		case Output:
			n += len(e.Text)
		case Done:
			if !e.OK {
				b.Fatal("the cell failed")
			}
			return n, events
		}
		events++
	}
	b.Fatal("closed")
	return
}

func reportMedian(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

// An empty cell, there and back.
func BenchmarkRoundTrip(b *testing.B) {
	c := benchClient(b)
	var times []time.Duration
	for b.Loop() {
		begin := time.Now()
		runCell(b, c, "")
		times = append(times, time.Since(begin))
	}
	reportMedian(b, times)
}

// 50 MB of output through the pipe, the merger and the events.
func BenchmarkThroughput(b *testing.B) {
	c := benchClient(b)
	const mb = 50
	b.SetBytes(mb << 20)
	for b.Loop() {
		if n, _ := runCell(b, c, "flood 50"); n != mb<<20 {
			b.Fatalf("%d bytes", n)
		}
	}
}

// Small lines, one write each.
func BenchmarkLines(b *testing.B) {
	c := benchClient(b)
	b.SetBytes(100_000 * 10)
	for b.Loop() {
		runCell(b, c, "many 100000")
	}
}

// Small events, one after the other, each in its place between the streams.
func BenchmarkEvent(b *testing.B) {
	c := benchClient(b)
	for b.Loop() {
		if _, n := runCell(b, c, "clears 1000"); n != 1000 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

// A new process, from the call to the first Done.
func BenchmarkStart(b *testing.B) {
	var times []time.Duration
	for b.Loop() {
		begin := time.Now()
		c, err := Start(context.Background(), Config{Command: command})
		if err != nil {
			b.Fatal(err)
		}
		runCell(b, c, "")
		times = append(times, time.Since(begin))
		c.Close()
	}
	reportMedian(b, times)
}

func BenchmarkSplit(b *testing.B) {
	data := bytes.Repeat([]byte("Füchse und Hunde, and the quick brown fox jumps\n"), 1<<14)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s := splitter{nonce: []byte(newNonce())}
		s.stream(bytes.NewReader(data), func(segment) bool { return true })
	}
}

func BenchmarkFrame(b *testing.B) {
	f := frame{seq: 1, msg: Output{Cell: 1, Stream: Stdout, Text: "hello\n"}}
	var buf []byte
	r := new(bytes.Reader)
	fr := &frameReader{r: r}
	for b.Loop() {
		buf, _ = appendFrame(buf[:0], f)
		r.Reset(buf)
		if _, err := fr.next(); err != nil && err != io.EOF {
			b.Fatal(err)
		}
	}
}
