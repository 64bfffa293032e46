package lab_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"interleave/runtime/lab"
)

// A party is one goroutine that has come to a barrier.
type party struct {
	index int
	err   error
	ended bool
}

// come starts a goroutine that comes to b.
func come(t *testing.T, b *lab.Barrier) *party {
	p := new(party)
	start(func() { p.index, p.err = b.Wait(t.Context()); p.ended = true })
	return p
}

var cpythonBarrier = []behaviour{
	{"test_asyncio.test_locks.BarrierTests.test_barrier_parties", "a barrier for fewer than one is a ValueError", "it panics with a usage error", func(t *testing.T) {
		wantMisuse(t, func() { lab.NewBarrier(0, nil) }, "lab.NewBarrier: 0 parties: need at least 1")
	}},
	{"lock_tests.BarrierTests.test_barrier", "no party passes before all have come", "", func(t *testing.T) {
		b := lab.NewBarrier(3, nil)
		first, second := come(t, b), come(t, b)
		gives(t, "false false", first.ended, second.ended)
		third := come(t, b)
		gives(t, "true true true", first.ended, second.ended, third.ended)
	}},
	{"lock_tests.BarrierTests.test_barrier_10", "a barrier may be used again and again, and no party is a round ahead", "", func(t *testing.T) {
		b := lab.NewBarrier(5, nil)
		var mu sync.Mutex
		var wg sync.WaitGroup
		rounds := make([]int, 5)
		for i := range rounds {
			wg.Go(func() {
				for range 10 {
					b.Wait(t.Context())
					mu.Lock()
					rounds[i]++
					for _, r := range rounds {
						if r < rounds[i]-1 {
							t.Errorf("rounds %v", rounds)
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		gives(t, "[10 10 10 10 10]", rounds)
	}},
	{"lock_tests.BarrierTests.test_wait_return", "wait returns a different number to each party", "", func(t *testing.T) {
		b := lab.NewBarrier(3, nil)
		ps := []*party{come(t, b), come(t, b), come(t, b)}
		gives(t, "0 1 2", ps[0].index, ps[1].index, ps[2].index)
	}},
	{"lock_tests.BarrierTests.test_action", "the action is called once a round, before any party passes", "", func(t *testing.T) {
		calls := 0
		b := lab.NewBarrier(2, func() { calls++ })
		for round := 1; round <= 3; round++ {
			come(t, b)
			before := calls
			come(t, b)
			gives(t, fmt.Sprint(round-1, round), before, calls)
		}
	}},
	{"lock_tests.BarrierTests.test_abort", "abort breaks the barrier for parties that wait and for later ones", "", func(t *testing.T) {
		b := lab.NewBarrier(3, nil)
		first := come(t, b)
		b.Abort()
		synctest.Wait()
		second := come(t, b)
		gives(t, "true true true", first.err == lab.ErrBrokenBarrier, second.err == lab.ErrBrokenBarrier, b.Broken())
	}},
	{"lock_tests.BarrierTests.test_reset", "waiting parties get BrokenBarrierError from reset, and the barrier can be used", "", func(t *testing.T) {
		b := lab.NewBarrier(2, nil)
		first := come(t, b)
		b.Reset()
		synctest.Wait()
		second, third := come(t, b), come(t, b)
		gives(t, "the barrier is broken false <nil> <nil>", first.err, b.Broken(), second.err, third.err)
	}},
	{"test_asyncio.test_locks.BarrierTests.test_reset_barrier", "reset of an empty barrier changes nothing", "", func(t *testing.T) {
		b := lab.NewBarrier(2, nil)
		b.Reset()
		first, second := come(t, b), come(t, b)
		gives(t, "false <nil> <nil>", b.Broken(), first.err, second.err)
	}},
	{"lock_tests.BarrierTests.test_abort_and_reset", "an aborted barrier can be used after reset", "", func(t *testing.T) {
		b := lab.NewBarrier(2, nil)
		first := come(t, b)
		b.Abort()
		synctest.Wait()
		b.Reset()
		second, third := come(t, b), come(t, b)
		gives(t, "true <nil> <nil>", errors.Is(first.err, lab.ErrBrokenBarrier), second.err, third.err)
	}},
	{"lock_tests.BarrierTests.test_timeout", "a party whose time is up breaks the barrier for all", "its own error is that of its context", func(t *testing.T) {
		b := lab.NewBarrier(3, nil)
		first := come(t, b)
		_, err := b.Wait(within(t, sec))
		synctest.Wait()
		gives(t, "context deadline exceeded the barrier is broken true", err, first.err, b.Broken())
	}},
	{"test_asyncio.test_locks.BarrierTests.test_filling_tasks_cancel_one", "in asyncio a party that is cancelled does not break the barrier: another may come in its place", "it breaks the barrier, as a timeout does in threading", func(t *testing.T) {
		b := lab.NewBarrier(3, nil)
		first := come(t, b)
		ctx, cancel := cancelable(t)
		var err error
		start(func() { _, err = b.Wait(ctx) })
		cancel()
		synctest.Wait()
		gives(t, "context canceled the barrier is broken", err, first.err)
	}},
	{"lock_tests.BarrierTests.test_single_thread", "a barrier for one never waits", "", func(t *testing.T) {
		b := lab.NewBarrier(1, nil)
		for range 3 {
			index, err := b.Wait(t.Context())
			gives(t, "0 <nil>", index, err)
		}
	}},
	{"test_asyncio.test_locks.BarrierTests.test_filling_task_by_task", "n_waiting, parties and broken show the state", "they are Waiting, Parties and Broken", func(t *testing.T) {
		b := lab.NewBarrier(3, nil)
		at := []any{b.Parties(), b.Waiting()}
		come(t, b)
		at = append(at, b.Waiting())
		come(t, b)
		at = append(at, b.Waiting())
		come(t, b)
		gives(t, "3 0 1 2 0 false", append(at, b.Waiting(), b.Broken())...)
	}},
	{"test_asyncio.test_locks.BarrierTests.test_abort_barrier_when_exception", "an action that fails breaks the barrier, and its exception is the error of the last party", "it is a PanicError", func(t *testing.T) {
		b := lab.NewBarrier(2, func() { panic(errBoom) })
		first, second := come(t, b), come(t, b)
		gives(t, "the barrier is broken true true", first.err, errors.Is(second.err, errBoom), b.Broken())
	}},
	{"lock_tests.BarrierTests.test_action", "the action may look at the barrier", "", func(t *testing.T) {
		var b *lab.Barrier
		var seen string
		b = lab.NewBarrier(2, func() { seen = fmt.Sprint(b.Waiting(), b.Broken()) })
		come(t, b)
		come(t, b)
		gives(t, "2 false", seen)
	}},
	{"test_asyncio.test_locks.BarrierTests.test_blocking_tasks_while_draining", "a party that comes before the others have left waits for the next round", "a party that comes while the action runs does", func(t *testing.T) {
		gate := make(chan struct{})
		b := lab.NewBarrier(2, func() { <-gate })
		first, second, third := come(t, b), come(t, b), come(t, b)
		close(gate)
		synctest.Wait()
		gives(t, "true true false 1", first.ended, second.ended, third.ended, b.Waiting())
		fourth := come(t, b)
		gives(t, "true <nil> true <nil>", third.ended, third.err, fourth.ended, fourth.err)
	}},
	{"test_asyncio.test_locks.BarrierTests.test_repr", "the text of a barrier has its state", "", func(t *testing.T) {
		b := lab.NewBarrier(3, nil)
		come(t, b)
		filling := b.String()
		b.Abort()
		gives(t, "barrier, 1 of 3 waiting barrier, broken", filling, b)
	}},
}
