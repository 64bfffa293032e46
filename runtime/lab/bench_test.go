package lab_test

import (
	"context"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"interleave/runtime/lab"
)

const many = 100_000

func trivial(context.Context) (int, error) { return 1, nil }

// The pairs to compare: each helper beside what one would write by hand.

func BenchmarkGather100k(b *testing.B) {
	fns := make([]func(context.Context) (int, error), many)
	for i := range fns {
		fns[i] = trivial
	}
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			values := make([]int, many)
			var wg sync.WaitGroup
			for i, fn := range fns {
				wg.Go(func() { values[i], _ = fn(b.Context()) })
			}
			wg.Wait()
		}
	})
	b.Run("errgroup", func(b *testing.B) {
		for b.Loop() {
			values := make([]int, many)
			g, ctx := errgroup.WithContext(b.Context())
			for i, fn := range fns {
				g.Go(func() (err error) { values[i], err = fn(ctx); return err })
			}
			if err := g.Wait(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("lab", func(b *testing.B) {
		for b.Loop() {
			if _, err := lab.Gather(b.Context(), fns...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("labAll", func(b *testing.B) {
		for b.Loop() {
			lab.GatherAll(b.Context(), fns...)
		}
	})
}

func BenchmarkTask(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			c := make(chan int, 1)
			go func() { v, _ := trivial(b.Context()); c <- v }()
			<-c
		}
	})
	b.Run("lab", func(b *testing.B) {
		for b.Loop() {
			if _, err := lab.Go(b.Context(), trivial).Await(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
