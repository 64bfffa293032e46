package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"interleave/runtime/lab"
	"interleave/runtime/proc"
)

// What processes do here.

func same(_ context.Context, b []byte) ([]byte, error) { return b, nil }

// burn is called as it is from everywhere: inlined, its sum could be left out.
//
//go:noinline
func burn(_ context.Context, turns int) (int, error) {
	s := 0
	for i := range turns {
		s += i * i % 7
	}
	return s, nil
}

// warm gives f a pool of two processes that have worked.
func warm(ctx context.Context, f func(*lab.ProcPool) error) error {
	pool, err := lab.NewProcPool(ctx, 2)
	if err != nil {
		return err
	}
	_, err = lab.Map(ctx, pool, []int{0, 1, 2, 3}, small, lab.Chunk(1))
	if err == nil {
		err = f(pool)
	}
	return errors.Join(err, pool.Close())
}

// took returns the nanoseconds since begin.
func took(begin time.Time) []float64 { return []float64{float64(time.Since(begin))} }

func coldPool(ctx context.Context, _ int) ([]float64, error) {
	begin := time.Now()
	pool, err := lab.NewProcPool(ctx, 2)
	if err != nil {
		return nil, err
	}
	_, err = lab.Map(ctx, pool, []int{0, 1}, small, lab.Chunk(1))
	ns := took(begin)
	return ns, errors.Join(err, pool.Close())
}

func oneProcess(ctx context.Context, _ int) ([]float64, error) {
	begin := time.Now()
	p, err := lab.Spawn(ctx, small, 6)
	if err != nil {
		return nil, err
	}
	var x int
	err = p.Wait(ctx, &x)
	return took(begin), err
}

func roundTrips(ctx context.Context, n int) (ns []float64, err error) {
	err = warm(ctx, func(pool *lab.ProcPool) error {
		trips := make([]float64, n)
		for i := range trips {
			begin := time.Now()
			if _, err := lab.SubmitWith(ctx, pool, small, i).Await(ctx); err != nil {
				return err
			}
			trips[i] = float64(time.Since(begin))
		}
		slices.Sort(trips)
		ns = []float64{trips[n/2], trips[n*95/100]}
		return nil
	})
	return ns, err
}

func tinyTasks(opts ...lab.MapOption) func(context.Context, int) ([]float64, error) {
	return func(ctx context.Context, n int) (ns []float64, err error) {
		xs := make([]int, n)
		for i := range xs {
			xs[i] = i
		}
		err = warm(ctx, func(pool *lab.ProcPool) error {
			begin := time.Now()
			_, err := lab.Map(ctx, pool, xs, small, opts...)
			ns = took(begin)
			return err
		})
		return ns, err
	}
}

func submits(ctx context.Context, n int) (ns []float64, err error) {
	tasks := make([]*lab.Task[int], n)
	err = warm(ctx, func(pool *lab.ProcPool) error {
		begin := time.Now()
		for i := range tasks {
			tasks[i] = lab.SubmitWith(ctx, pool, small, i)
		}
		for _, t := range tasks {
			if _, err := t.Await(ctx); err != nil {
				return err
			}
		}
		ns = took(begin)
		return nil
	})
	return ns, err
}

func thereAndBack(ctx context.Context, n int) (ns []float64, err error) {
	err = warm(ctx, func(pool *lab.ProcPool) error {
		sent := bytes.Repeat([]byte("x"), n)
		begin := time.Now()
		got, err := lab.SubmitWith(ctx, pool, same, sent).Await(ctx)
		ns = took(begin)
		if err == nil && len(got) != n {
			err = fmt.Errorf("%d of %d bytes came back", len(got), n)
		}
		return err
	})
	return ns, err
}

func speedup(ctx context.Context, turns int) (factor []float64, err error) {
	err = warm(ctx, func(pool *lab.ProcPool) error {
		factor, err = speedupOn(ctx, pool, turns)
		return err
	})
	return factor, err
}

func speedupOfGoroutines(ctx context.Context, turns int) ([]float64, error) {
	pool := lab.NewPool(2)
	defer pool.Close()
	return speedupOn(ctx, pool, turns)
}

// speedupOn returns how many times faster an executor does two calls together than they take one after the
// other.
func speedupOn(ctx context.Context, ex lab.Executor, turns int) ([]float64, error) {
	begin := time.Now()
	for range 2 {
		if _, err := burn(ctx, turns); err != nil {
			return nil, err
		}
	}
	alone := time.Since(begin)
	begin = time.Now()
	_, err := lab.Map(ctx, ex, []int{turns, turns}, burn, lab.Chunk(1))
	return []float64{float64(alone) / float64(time.Since(begin))}, err
}

func increment(ctx context.Context, l *proc.Lock, s *proc.Shared[int], n int) error {
	for range n {
		if err := l.Lock(ctx); err != nil {
			return err
		}
		s.Slice()[0]++
		l.Unlock()
	}
	return nil
}

// lockAndAdd returns what n locks and increments take each, first in one process, then in two at a time, their
// starts included.
func lockAndAdd(ctx context.Context, n int) (ns []float64, err error) {
	l := proc.NewLock()
	s, err := proc.NewShared[int](1)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	begin := time.Now()
	if err := increment(ctx, l, s, n); err != nil {
		return nil, err
	}
	ns = append(ns, float64(time.Since(begin))/float64(n))
	begin = time.Now()
	var ps [2]*lab.Process
	for i := range ps {
		if ps[i], err = lab.Spawn(ctx, increment, l, s, n); err != nil {
			return nil, err
		}
	}
	for _, p := range ps {
		if err := p.Wait(ctx); err != nil {
			return nil, err
		}
	}
	return append(ns, float64(time.Since(begin))/float64(2*n)), nil
}
