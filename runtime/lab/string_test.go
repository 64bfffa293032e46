package lab_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

// The last expression of a cell is shown as text: everything that lab hands out reads well, from the outside and while it is in use.
func TestStrings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		task := lab.Go(ctx, nap(2*time.Second), lab.Named("download"))
		failed := lab.Go(ctx, fail(errors.New("disk full")), lab.Named("upload"))
		pool := lab.NewPool(2)
		lab.Submit(ctx, pool, nap(time.Second))
		queue := lab.NewQueue[int](2).Named("jobs")
		queue.TryPut(1)
		lock, rlock, rw, sem := lab.NewLock().Named("till"), lab.NewRLock(), lab.NewRWLock(lab.PreferWriters), lab.NewSemaphore(2)
		lock.TryLock()
		rlock.TryLock("me")
		rw.TryRLock()
		barrier, cond, event := lab.NewBarrier(2, nil), lab.NewCond(nil), lab.NewEvent()
		go barrier.Wait(ctx)
		limiter := lab.NewLimiter(2, 1)
		limiter.Allow()
		memo := lab.NewMemo(func(context.Context, int) (int, error) { return 1, nil })
		for range 3 {
			if _, err := memo.Get(ctx, 1); err != nil {
				t.Error(err)
			}
		}
		news := lab.NewBroadcast[int](lab.DropOldest)
		sub := news.Subscribe(1)
		gil, loop := lab.NewGIL(0), lab.NewLoop()
		if err := loop.Run(ctx, func(co *lab.Coro) error {
			if s := fmt.Sprint(co, lab.LoopGo(co, "x", func(*lab.Coro) (int, error) { return 0, nil })); s != "main x" {
				t.Errorf("a coroutine and a task read %q", s)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		group := lab.NewGroup(ctx)
		time.Sleep(time.Second)
		synctest.Wait()
		for _, c := range []struct {
			v    any
			want string
		}{
			{task, `download: running for 1 s, started at .*string_test.go:\d+`},
			{failed, `upload: failed after 0 s, started at .*string_test.go:\d+: disk full`},
			{pool, `pool: 0 of 2 workers busy, 0 waiting \(at most 0\), 1 done, 0 of them failed`},
			{queue, `jobs: 1 of 2 waiting`},
			{lab.NewStack[int](0), `stack: 0 waiting`},
			{lock, `locked; till: taken 1 time, 0 after waiting \(0 s in all, at most 0 s\)`},
			{rlock, `held by me, 1 time`},
			{rw, `held by 1 reader`},
			{sem, `0 of 2 permits held`},
			{barrier, `barrier, 1 of 2 waiting`},
			{cond, `condition, 0 waiting`},
			{event, `event, clear`},
			{limiter, `limiter, 2 per second in bursts of 1: 1 passed, 0 refused, 0 s waited`},
			{memo, `1 call, 0 merged, 2 from memory`},
			{news, `broadcast to 1 subscriber`},
			{sub, `subscription, 0 unread, 0 dropped`},
			{gil, `GIL: 0 switches, 0 of them forced`},
			{loop, `event loop, 2 turns in 0 s, 0 of them slow`},
			{group, `group`},
			{lab.GILStats{Switches: 1}, `1 switch, 0 of them forced`},
			{lab.PoolStats{Size: 1, Running: 1}, `1 of 1 worker busy, 0 waiting \(at most 0\), 0 done, 0 of them failed`},
			{lab.NewSemaphore(1), `0 of 1 permit held`},
			{lab.Stats{Name: "x", Samples: []float64{2}, Calls: 1, Median: 2, Allocs: 1, Bytes: 16}, `x: 2 ns, 1 sample of 1 call, 1 allocation of 16 B`},
			{lab.Sample{Name: "x", Allocs: 1, Bytes: 8}, `x: 0 s, too short to measure cores, 1 allocation of 8 B`},
			{lab.Response{URL: "http://x/", Status: 200, Body: []byte("abc"), Took: time.Second}, `http://x/: 200, 3 B in 1 s`},
			{lab.Response{URL: "http://x/", Err: errors.New("no"), Tries: 2, Took: time.Second}, `http://x/: no \(2 requests, 1 s\)`},
			{lab.State(9), `State\(9\)`},
			{lab.Verdict(9), `Verdict\(9\)`},
			{lab.Way(9), `Way\(9\)`},
		} {
			if s := fmt.Sprint(c.v); !regexp.MustCompile("^" + c.want + "$").MatchString(s) {
				t.Errorf("%T reads %q, want %q", c.v, s, c.want)
			}
		}
		barrier.Abort()
		event.Set()
		news.Close()
		queue.Shutdown(false)
		rw.RUnlock()
		rw.TryLock()
		rlock.Unlock("me")
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
		got := []string{barrier.String(), event.String(), news.String(), queue.String(), rw.String(), rlock.String(), group.String()}
		want := []string{"barrier, broken", "event, set", "broadcast, closed", "jobs: 1 of 2 waiting, shut down", "held by a writer", "free", "group, over"}
		if !slices.Equal(got, want) {
			t.Errorf("afterwards they read %q, want %q", got, want)
		}
		task.Await(ctx)
	})
}
