package lab_test

//lint:file-ignore SA2001 taking the lock is what is measured or waited for

import (
	"context"
	"runtime"
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

func BenchmarkMap1M(b *testing.B) {
	const n = 1_000_000
	xs := make([]int, n)
	for i := range xs {
		xs[i] = i
	}
	item := func(_ context.Context, x int) (int, error) { return x*x%7 + x, nil }
	workers := runtime.GOMAXPROCS(0)
	b.Run("loop", func(b *testing.B) { // one goroutine for each core, each with its share
		for b.Loop() {
			out := make([]int, n)
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					for i := n * w / workers; i < n*(w+1)/workers; i++ {
						v, err := item(b.Context(), xs[i])
						if err != nil {
							return
						}
						out[i] = v
					}
				})
			}
			wg.Wait()
		}
	})
	p := lab.NewPool(workers)
	defer p.Close()
	for name, opts := range map[string][]lab.MapOption{"lab": nil, "labStatic": {lab.Static()}, "labChunk1": {lab.Chunk(1)}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := lab.Map(b.Context(), p, xs, item, opts...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSubmit(b *testing.B) {
	p := lab.NewPool(2)
	defer p.Close()
	for b.Loop() {
		if _, err := lab.Submit(b.Context(), p, trivial).Await(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueue(b *testing.B) {
	run := func(name string, put func(int), get func()) {
		b.Run(name, func(b *testing.B) {
			var wg sync.WaitGroup
			wg.Go(func() {
				for range b.N {
					get()
				}
			})
			for i := range b.N {
				put(i)
			}
			wg.Wait()
		})
	}
	c, q := make(chan int, 64), lab.NewQueue[int](64)
	ctx := context.Background()
	run("chan", func(i int) { c <- i }, func() { <-c })
	run("lab", func(i int) { _ = q.Put(ctx, i) }, func() { _, _ = q.Get(ctx) })
}

func BenchmarkLock(b *testing.B) {
	b.Run("mutex", func(b *testing.B) {
		var mu sync.Mutex
		for b.Loop() {
			mu.Lock()
			mu.Unlock()
		}
	})
	for name, ctx := range map[string]context.Context{"lab": b.Context(), "labBackground": context.Background()} {
		b.Run(name, func(b *testing.B) {
			l := lab.NewLock()
			for b.Loop() {
				if err := l.Lock(ctx); err != nil {
					b.Fatal(err)
				}
				l.Unlock()
			}
		})
	}
	b.Run("labWatched", func(b *testing.B) {
		l := lab.NewLock().Watch()
		for b.Loop() {
			if err := l.Lock(b.Context()); err != nil {
				b.Fatal(err)
			}
			l.Unlock()
		}
	})
}

func BenchmarkLockContended(b *testing.B) {
	b.Run("mutex", func(b *testing.B) {
		var mu sync.Mutex
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				mu.Lock()
				mu.Unlock()
			}
		})
	})
	b.Run("lab", func(b *testing.B) {
		l, ctx := lab.NewLock(), context.Background()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.Lock(ctx)
				l.Unlock()
			}
		})
	})
}
