package proc_test

import (
	"testing"

	"interleave/runtime/lab"
	"interleave/runtime/proc"
)

func BenchmarkLock(b *testing.B) {
	ctx := b.Context()
	l, s := proc.NewLock(), shared(b, 1)
	for b.Loop() {
		if err := l.Lock(ctx); err != nil {
			b.Fatal(err)
		}
		s.Slice()[0]++
		l.Unlock()
	}
}

// Two processes take one lock in turn.
func BenchmarkLockOfTwo(b *testing.B) {
	l, s := proc.NewLock(), shared(b, 1)
	n := 2_000_000
	for b.Loop() {
		x, y := spawn(b, deposit, l, s, n/2), spawn(b, deposit, l, s, n/2)
		for _, p := range []*lab.Process{x, y} {
			if err := p.Wait(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/lock")
}

func BenchmarkSharedAdd(b *testing.B) {
	s := shared(b, 1)
	for b.Loop() {
		s.Add(0, 1)
	}
}

// A value there and back: two calls of the program in each round.
func BenchmarkPipe(b *testing.B) {
	ctx := b.Context()
	here, there := proc.NewPipe[string]()
	p := spawn(b, echo, there)
	for b.Loop() {
		if err := here.Send(ctx, "x"); err != nil {
			b.Fatal(err)
		}
		if _, err := here.Recv(ctx); err != nil {
			b.Fatal(err)
		}
	}
	here.Close()
	if err := p.Wait(ctx); err != nil {
		b.Fatal(err)
	}
}

func shared(b *testing.B, n int) *proc.Shared[int] {
	s, err := proc.NewShared[int](n)
	if err != nil {
		b.Fatal(err)
	}
	return s
}
