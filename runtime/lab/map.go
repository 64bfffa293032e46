package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Map calls fn for every item of xs on the workers of ex and returns the results in the order of xs. It is
// executor.map, and with [Progress] it is joblib.Parallel. A nil ex means a pool for this call with a worker
// for each core. With a [ProcPool] fn runs in other processes: one line changes goroutines for processes.
//
// The first error cancels the rest and is returned, without results: executor.map yields those before it, and
// multiprocessing.Pool.map lets the others finish. Items are handed out in batches, whose size follows from
// how long items take, so that a million small items cost little more than a loop. See [Chunk], [Static] and
// [Dynamic] for other ways.
//
// Map may be called from a task of the same pool: its worker then does a part of the work itself.
func Map[T, U any](ctx context.Context, ex Executor, xs []T, fn func(context.Context, T) (U, error), opts ...MapOption) ([]U, error) {
	if fn == nil {
		return nil, misuse("lab.Map", "nil function")
	}
	if pp := processesOf(ex); pp != nil {
		return remoteMap(ctx, pp, xs, fn, opts)
	}
	out := make([]U, len(xs))
	if err := threadsOf(ex).ranges(ctx, "lab.Map", len(xs), func(ctx context.Context, lo, hi int) (err error) {
		in, out := xs[lo:hi], out[lo:hi]
		for i, x := range in {
			if out[i], err = fn(ctx, x); err != nil {
				return err
			}
		}
		return nil
	}, opts); err != nil {
		return nil, err
	}
	return out, nil
}

// Ranges calls fn for ranges lo ≤ i < hi that together are 0 ≤ i < n, each once, on the workers of p. It is
// the core of [Map]; fn stores what it finds itself.
func (p *Pool) Ranges(ctx context.Context, n int, fn func(ctx context.Context, lo, hi int) error, opts ...MapOption) error {
	if fn == nil {
		return misuse("lab.Pool.Ranges", "nil function")
	}
	return p.ranges(ctx, "lab.Pool.Ranges", n, fn, opts)
}

// A MapOption determines how Map distributes its items.
type MapOption func(*mapping)

// Chunk hands items out k at a time instead of in batches that follow from how long they take: chunksize. Those
// that Map hands out to a [ProcPool] travel to a process several at a time when they take less than two
// milliseconds.
func Chunk(k int) MapOption {
	if k < 1 {
		panic(misuse("lab.Chunk", "%d: need at least 1", k))
	}
	return func(m *mapping) { m.chunk = k }
}

// Static divides the items beforehand: each worker gets one share of equal length. That costs nothing while
// it runs, and is slow when some shares take longer than others.
func Static() MapOption { return func(m *mapping) { m.static = true } }

// Dynamic has workers fetch their next items when they are done with the last, so that all end at about the
// same time. That is the default.
func Dynamic() MapOption { return func(m *mapping) { m.static = false } }

// Progress shows a bar during the work; see [NewProgress]. That of [MapSeq] shows how many items are done, without
// a part of the whole.
func Progress(label string) MapOption { return func(m *mapping) { m.label = label } }

// A mapping is one call of Map.
type mapping struct {
	n      int
	fn     func(context.Context, int, int) error
	chunk  int // fixed size of a batch, or 0
	static bool
	label  string
	// results may come in any order; for MapSeq
	unordered bool
	least     time.Duration // that a batch should take; 0: shortBatch
	many      bool          // a batch may be several chunks

	shares int // parts that workers take: as many as there are workers
	taken  atomic.Int64
	next   atomic.Int64 // the first item that was not taken yet, when not static
	bar    *Bar
}

// A batch should take about this long: much more than handing it out, much less than a blink.
const shortBatch = 50 * time.Microsecond

// longBatch is how many times longer it may take.
const longBatch = 4

func (p *Pool) ranges(ctx context.Context, call string, n int, fn func(context.Context, int, int) error, opts []MapOption) error {
	if err := checkContext(call, ctx); err != nil {
		return err
	}
	if n < 0 {
		return misuse(call, "count %d: need zero or more", n)
	}
	m := &mapping{n: n, fn: fn}
	for _, opt := range opts {
		if opt == nil {
			return misuse(call, "nil option")
		}
		opt(m)
	}
	if m.unordered {
		return misuse(call, "Unordered is for lab.MapSeq, which yields results as they come: leave it out, or call MapSeq")
	}
	if p = p.orCores(); p.size == 0 {
		return zero(call, "pool", "lab.NewPool")
	}
	m.shares = min(p.size, n)
	if m.chunk > 0 {
		m.shares = min(m.shares, (n+m.chunk-1)/m.chunk)
	}
	if n == 0 {
		return nil
	}
	if m.label != "" {
		m.bar = NewProgress(m.label, n)
		defer m.bar.Close()
	}
	return p.runMapping(ctx, call, m)
}

func (p *Pool) runMapping(ctx context.Context, call string, m *mapping) error {
	caller := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var once sync.Once
	var first error
	fail := func(err error) {
		once.Do(func() {
			first = err
			cancel(err)
		})
	}
	helpers := m.shares
	helping := p.place(ctx) != nil
	if helping {
		helpers--
	}
	done := make(chan struct{}) // closed when a worker found no items left: those that have not begun are not needed
	var allTaken sync.Once
	finished := func() { allTaken.Do(func() { close(done) }) }
	tasks := make([]*Task[struct{}], helpers)
	items := make([]int, m.shares) // that each has worked off
	for i := range tasks {
		t := new(Task[struct{}])
		t.claim.taken.Store(true) // Map returns its error
		p.submit(ctx, call, &t.task, t, []TaskOption{Named(fmt.Sprintf("%s %d", call, i))}, &items[i], func(ctx context.Context) error {
			return m.work(ctx, &items[i])
		})
		t.subscribe(func() {
			if t.err == nil {
				finished()
			} else if !errors.Is(t.err, errMapDone) {
				fail(t.err)
			}
		})
		tasks[i] = t
	}
	if helping {
		from := here(2)
		if err := guard(&from, func() error { return m.work(ctx, &items[helpers]) }); err != nil {
			fail(err)
		}
		finished()
	}
	for _, t := range tasks {
		select {
		case <-t.done:
			continue
		case <-done:
			t.dismiss(errMapDone)
		case <-ctx.Done():
		}
		select {
		case <-t.done:
		case <-ctx.Done():
			t.Cancel(context.Cause(ctx)) // ends it if it still waits for a worker
			<-t.done
		}
	}
	left := m.n
	for _, k := range items {
		left -= k
	}
	switch {
	case left == 0: // all items are done, even if ctx has ended meanwhile
		return nil
	case first == nil:
		return canceled(caller)
	}
	return first
}

// errMapDone is why helpers were sent away that came too late.
var errMapDone = errors.New("the work is done")

// done is how many items have been handed out.
func (m *mapping) done() int {
	if m.static {
		return m.share(int(min(m.taken.Load(), int64(m.shares))))
	}
	return int(min(m.next.Load(), int64(m.n)))
}

// share is where share i of a static division begins.
func (m *mapping) share(i int) int { return int(int64(m.n) * int64(i) / int64(m.shares)) }

// work takes items until all are taken, and counts those it did.
func (m *mapping) work(ctx context.Context, items *int) error {
	if !m.static {
		b := m.batcher()
		for {
			size := b.size(func() int { return (m.n - m.done()) / (2 * m.shares) })
			lo := int(m.next.Add(int64(size))) - size
			if lo >= m.n {
				return nil
			}
			if err := m.batch(ctx, &b, lo, min(lo+size, m.n), items); err != nil {
				return err
			}
		}
	}
	for {
		s := int(m.taken.Add(1)) - 1
		if s >= m.shares {
			return nil
		}
		b := m.batcher()
		lo, end := m.share(s), m.share(s+1)
		for lo < end {
			hi := lo + b.size(func() int { return end - lo })
			hi = min(hi, end)
			if err := m.batch(ctx, &b, lo, hi, items); err != nil {
				return err
			}
			lo = hi
		}
	}
}

func (m *mapping) batch(ctx context.Context, b *batcher, lo, hi int, items *int) error {
	if err := canceled(ctx); err != nil {
		return err
	}
	begin := b.clock()
	if err := m.fn(ctx, lo, hi); err != nil {
		return err
	}
	b.took(begin)
	*items += hi - lo
	if m.bar != nil {
		m.bar.Add(hi - lo)
	}
	return nil
}

// fastest is by how much a batch may be longer than the one before.
const fastest = 8

// A batcher chooses how many items to take at once: it takes more while batches are short, at least twice as
// many, and half as many when they get long.
type batcher struct {
	fixed, now int
	last       int           // how many were taken last, which may be fewer than now
	floor      int           // about how many take half as long as a batch should: what is left is not divided further
	unit       int           // a batch is so many items, or a multiple of that
	least      time.Duration // that a batch should take
}

// batcher returns a batcher for one worker.
func (m *mapping) batcher() batcher {
	b := batcher{fixed: m.chunk, unit: 1, least: cmp.Or(m.least, shortBatch)}
	if m.many && m.chunk > 0 {
		b.fixed, b.unit = 0, m.chunk
	}
	return b
}

func (b *batcher) size(most func() int) int {
	if b.fixed > 0 {
		return b.fixed
	}
	b.last = 1
	if b.now > 1 {
		b.last = max(1, min(b.now, max(b.floor, most()/b.unit)))
	}
	return b.last * b.unit
}

func (b *batcher) clock() (begin time.Time) {
	if b.fixed == 0 {
		begin = time.Now()
	}
	return begin
}

func (b *batcher) took(begin time.Time) {
	if b.fixed > 0 {
		return
	}
	b.adapt(b.last, time.Since(begin))
}

// adapt changes the size because a batch of n took d.
func (b *batcher) adapt(n int, d time.Duration) {
	switch {
	case d < b.least:
		b.now = n * int(max(2, min(b.least/max(d, 1), fastest)))
	case d > longBatch*b.least:
		b.now = n / 2
	default:
		b.now = n
	}
	b.floor = int(min(b.least/2*time.Duration(n)/max(d, 1), 1<<30))
}
