package proc_test

import (
	"context"
	"fmt"
	"testing"

	"interleave/runtime/proc"
)

// everything is one object of each type.
type everything struct {
	queue, bounded *proc.Queue[int]
	here, there    *proc.Conn[int]
	event          *proc.Event
	barrier        *proc.Barrier
	cond           *proc.Cond
	rlock          *proc.RLock
	semaphore, sig *proc.Semaphore
	manager        *proc.Manager
	dict           *proc.Dict[string, int]
	list           *proc.List[int]
	counter        *proc.Counter
	short          *proc.Shared[float64]
	long           *proc.Shared[int32]
}

func (e *everything) strings() (all []string) {
	for _, v := range []any{e.queue, e.bounded, e.here, e.there, e.event, e.barrier, e.cond, e.semaphore, e.sig, e.manager, e.dict, e.list,
		e.counter, e.short, e.long} {
		all = append(all, fmt.Sprint(v))
	}
	return all
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("they read %q, want %q", got, want)
		}
	}
}

func stringsThere(e *everything) []string {
	return append(e.strings(), e.rlock.String(), e.cond.L().String())
}

func arriveAt(ctx context.Context, b *proc.Barrier) (int, error) { return b.Wait(ctx) }

// The last expression of a cell is shown as text: all objects read well, in the program and in other processes.
func TestStrings(t *testing.T) {
	ctx := t.Context()
	e := &everything{queue: proc.NewQueue[int](0), bounded: proc.NewQueue[int](2), event: proc.NewEvent(), barrier: proc.NewBarrier(2),
		cond: proc.NewCond(proc.NewLock()), rlock: proc.NewRLock(), semaphore: proc.NewSemaphore(2), sig: proc.NewSemaphore(0), manager: proc.NewManager()}
	e.here, e.there = proc.NewPipe[int]()
	e.dict, e.list, e.counter = proc.DictOf[string, int](e.manager, "ages"), proc.ListOf[int](e.manager, "primes"), proc.CounterOf(e.manager, "hits")
	var err error
	if e.short, err = proc.NewShared[float64](3); err != nil {
		t.Fatal(err)
	}
	if e.long, err = proc.NewShared[int32](1000); err != nil {
		t.Fatal(err)
	}
	equal(t, e.strings(), "queue of processes: 0 waiting", "queue of processes: 0 of 2 waiting",
		"pipe: 0 to receive, 0 on the way to the other end", "pipe: 0 to receive, 0 on the way to the other end", "event, clear",
		"barrier, 0 of 2 waiting", "condition, 0 waiting", "0 of 2 permits held", "0 permits free", "manager, 0 dictionaries, 0 lists, 1 counter",
		`dictionary "ages", 0 keys`, `list "primes", 0 values`, "counter, 0", "shared array of 3 float64: 0 0 0",
		"shared array of 1\u2009000 int32: 0 0 0 0 0 0 0 0 …")

	e.bounded.TryPut(1)
	for range 2 {
		if err := e.here.Send(ctx, 1); err != nil {
			t.Fatal(err)
		}
		if err := e.rlock.Lock(ctx, "me"); err != nil {
			t.Fatal(err)
		}
	}
	e.event.Set()
	e.barrier.Abort()
	e.semaphore.TryAcquire(1)
	e.sig.Release(1)
	if err := e.dict.Set("gopher", 16); err != nil {
		t.Fatal(err)
	}
	if err := e.list.Append(2, 3); err != nil {
		t.Fatal(err)
	}
	e.counter.Add(12345)
	e.short.Set(1, 2.5)
	want := []string{"queue of processes: 0 waiting", "queue of processes: 1 of 2 waiting",
		"pipe: 0 to receive, 2 on the way to the other end", "pipe: 2 to receive, 0 on the way to the other end", "event, set",
		"barrier, broken", "condition, 0 waiting", "1 of 2 permits held", "1 permit free", "manager, 1 dictionary, 1 list, 1 counter",
		`dictionary "ages", 1 key`, `list "primes", 2 values`, "counter, 12\u2009345", "shared array of 3 float64: 0 2.5 0",
		"shared array of 1\u2009000 int32: 0 0 0 0 0 0 0 0 …"}
	equal(t, e.strings(), want...)
	equal(t, []string{e.rlock.String(), e.cond.L().String()}, "held by me, 2 times", "free")
	var there []string
	wait(t, spawn(t, stringsThere, e), &there)
	equal(t, there, append(want, "locked by another process", "free")...)

	e.barrier.Reset()
	p := spawn(t, arriveAt, e.barrier)
	for e.barrier.String() != "barrier, 1 of 2 waiting" {
		if _, ended := p.ExitCode(); ended {
			t.Fatal("it did not wait")
		}
	}
	e.queue.Shutdown(false)
	e.there.Close()
	e.long.Close()
	e.rlock.Unlock("me")
	e.rlock.Unlock("me")
	equal(t, []string{e.queue.String(), e.here.String(), e.long.String(), e.rlock.String()}, "queue of processes: 0 waiting, shut down",
		"pipe: 0 to receive, 2 on the way to the other end, closed", "shared array of 1\u2009000 int32: it was closed", "free")
}

// What was never made has a text, too.
func TestZeroStrings(t *testing.T) {
	e := &everything{new(proc.Queue[int]), new(proc.Queue[int]), new(proc.Conn[int]), new(proc.Conn[int]), new(proc.Event), new(proc.Barrier),
		new(proc.Cond), new(proc.RLock), new(proc.Semaphore), new(proc.Semaphore), new(proc.Manager), new(proc.Dict[string, int]),
		new(proc.List[int]), new(proc.Counter), new(proc.Shared[float64]), new(proc.Shared[int32])}
	equal(t, e.strings(), "queue, never made", "queue, never made", "pipe, never made", "pipe, never made", "event, never made",
		"barrier, never made", "condition, never made", "semaphore, never made", "semaphore, never made", "manager, never made",
		`dictionary "", never made`, `list "", never made`, "counter, never made",
		"shared array of 0 float64: it was never made: proc.NewShared makes one", "shared array of 0 int32: it was never made: proc.NewShared makes one")
	equal(t, []string{e.rlock.String(), new(proc.Lock).String()}, "lock, never made", "lock, never made")
}
