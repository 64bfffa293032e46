package lab

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// A sequence is one call of MapSeq, from which loops begin.
type sequence struct {
	call      string
	ctx       context.Context
	pool      *Pool
	processes *ProcPool // or nil
	mapping   *mapping
	from      site
}

// newSequence checks the arguments of MapSeq. It panics with a mistake.
func newSequence(ctx context.Context, ex Executor, noFunction, noItems bool, opts []MapOption) *sequence {
	q := &sequence{call: "lab.MapSeq", ctx: ctx, processes: processesOf(ex), mapping: new(mapping), from: here(2)}
	must(checkContext(q.call, ctx))
	switch {
	case noFunction:
		panic(misuse(q.call, "nil function"))
	case noItems:
		panic(misuse(q.call, "nil sequence"))
	case q.processes != nil && q.processes.pool == nil:
		panic(zero(q.call, "pool", "lab.NewProcPool"))
	case q.processes != nil:
		q.mapping.least = remoteBatch
	}
	for _, opt := range opts {
		if opt == nil {
			panic(misuse(q.call, "nil option"))
		}
		opt(q.mapping)
	}
	if q.mapping.static {
		panic(misuse(q.call, "Static divides the items beforehand, and a sequence does not know how many it has: leave Static out"))
	}
	if q.pool = threadsOf(ex).orCores(); q.pool.size == 0 {
		panic(zero(q.call, "pool", "lab.NewPool"))
	}
	return q
}

const (
	batchesAhead = 4    // for each worker, on their way to the loop
	longestFill  = 4096 // items of a batch, without Chunk
)

// A batch is some items in a row, which one worker takes.
type batch struct {
	Task[struct{}]
	index  int       // among the batches
	first  int       // number of its first item
	n      int       // items
	since  time.Time // when the first came
	good   int       // results, from the first, that are there when the task has ended
	packet any       // the items and their results

	// guarded by stream.mu
	launched, ended bool
}

// A stream is one loop over a sequence. The feeder, a goroutine, and the loop's own goroutine hand batches out.
type stream struct {
	*sequence
	ctx    context.Context
	cancel context.CancelCauseFunc
	work   func(context.Context, *batch) error
	bar    *Bar          // or nil
	caller *worker       // of the pool, on which the loop runs, or nil
	fed    chan struct{} // closed when the feeder has ended
	room   chan struct{} // holds a token when the feeder should look again
	more   chan struct{} // holds a token when the loop should look again

	mu      sync.Mutex
	size    batcher
	filling *batch   // not handed out yet, or nil
	open    []*batch // handed out and not taken by the loop, in the order of xs
	ready   []*batch // of those, with Unordered, the ended ones, as they ended
	running int      // handed out and not ended
	batches int      // that were handed out
	items   int      // in them
	keep    int      // batches from this index on are cancelled
	over    bool     // the feeder has ended
	refused bool     // xs had another item when the stream was stopped
	broken  error    // xs has panicked
}

// begin begins a loop.
func (q *sequence) begin(work func(context.Context, *batch) error) *stream {
	s := &stream{sequence: q, work: work, keep: math.MaxInt, size: q.mapping.batcher(),
		fed: make(chan struct{}), room: make(chan struct{}, 1), more: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancelCause(q.ctx)
	s.caller = q.pool.place(q.ctx)
	if q.mapping.label != "" {
		s.bar = newBar(q.mapping.label, unknownTotal)
	}
	return s
}

// feed has the items of a sequence put into batches, on another goroutine. put returns false when the stream
// has been stopped.
func (s *stream) feed(items func(put func(func(*batch)) bool)) {
	if s.ctx.Err() != nil { // nothing begins
		s.over, s.refused = true, true
		close(s.fed)
		return
	}
	started()
	go func() {
		defer close(s.fed)
		normal := false
		defer func() {
			var broken error
			if !normal {
				broken = abnormal(recover(), &s.from)
			}
			s.mu.Lock()
			s.over, s.broken = true, broken
			s.mu.Unlock()
			wake(s.more)
		}()
		items(s.put)
		normal = true
	}()
}

// wake leaves a token, unless there is one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put adds an item to the batch that is filled, and hands the batch out when it is due.
func (s *stream) put(add func(*batch)) bool {
	s.mu.Lock()
	for s.full() && !s.stopped() {
		s.mu.Unlock()
		select {
		case <-s.room:
		case <-s.ctx.Done():
		}
		s.mu.Lock()
	}
	if s.stopped() {
		s.refused = true
		s.mu.Unlock()
		return false
	}
	fresh := s.filling == nil
	if fresh {
		s.filling = &batch{since: s.size.clock()}
	}
	add(s.filling)
	s.filling.n++
	b := s.handOut(false)
	s.mu.Unlock()
	switch {
	case b != nil:
		s.launch(b)
	case fresh: // the loop hands it out when it has waited long enough
		wake(s.more)
	}
	return true
}

// stopped reports whether the reading of items has to end. s.mu is held.
func (s *stream) stopped() bool { return s.keep < math.MaxInt || s.ctx.Err() != nil }

// full reports whether the batch that is filled has all items that it should have. s.mu is held.
func (s *stream) full() bool {
	return s.filling != nil && s.filling.n >= s.size.size(func() int { return longestFill })
}

// handOut returns the batch that was filled, to be launched, if it is due: if it is full, if no worker has
// anything to do or, when late is asked about, if its first item has waited long enough. s.mu is held.
func (s *stream) handOut(late bool) *batch {
	b := s.filling
	if b == nil || s.stopped() || len(s.open) >= batchesAhead*s.pool.size {
		return nil
	}
	if due := s.full() || s.over || s.size.fixed == 0 && (s.running == 0 || late && time.Since(b.since) >= s.size.least); !due {
		return nil
	}
	b.index, b.first = s.batches, s.items
	s.batches++
	s.items += b.n
	s.running++
	s.open = append(s.open, b)
	s.filling = nil
	wake(s.room)
	return b
}

// launch submits a batch that was handed out.
func (s *stream) launch(b *batch) {
	b.claim.taken.Store(true) // the loop yields its error
	from := func(t *task) { t.from = s.from }
	s.pool.submit(s.ctx, s.call, &b.task, b, []TaskOption{Named(fmt.Sprintf("%s %d", s.call, b.index)), from}, &b.good, func(ctx context.Context) error {
		begin := s.size.clock()
		if err := s.work(ctx, b); err != nil {
			return err
		}
		if s.size.fixed == 0 {
			s.took(b, time.Since(begin))
		}
		return nil
	})
	s.mu.Lock()
	b.launched = true
	late := b.index >= s.keep
	s.mu.Unlock()
	b.subscribe(func() { s.ended(b) })
	if late {
		b.Cancel(errMapDone)
	}
	if s.caller != nil { // the loop may have a place to give
		wake(s.more)
	}
}

// took adapts the size of batches to how long one took.
func (s *stream) took(b *batch, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := max(1, s.size.now)
	s.size.adapt(now, d*time.Duration(now)/time.Duration(b.n))
	s.size.now = max(1, min(s.size.now, longestFill))
}

// ended notes that the task of a batch has ended.
func (s *stream) ended(b *batch) {
	if s.bar != nil {
		s.bar.Add(b.good)
	}
	s.mu.Lock()
	b.ended = true
	s.running--
	if s.mapping.unordered {
		s.ready = append(s.ready, b)
	}
	s.mu.Unlock()
	wake(s.more)
	switch {
	case b.err == nil:
	case s.mapping.unordered:
		s.stop(0, b.err)
	default:
		s.stop(b.index+1, b.err)
	}
}

// stop ends the reading of xs and cancels the batches from an index on.
func (s *stream) stop(from int, cause error) {
	s.mu.Lock()
	var late []*batch
	if from < s.keep {
		s.keep = from
		for _, b := range s.open {
			if b.index >= from && b.launched && !b.ended {
				late = append(late, b)
			}
		}
	}
	s.mu.Unlock()
	wake(s.room)
	for _, b := range late {
		b.Cancel(cause)
	}
}

// take returns the next batch to be yielded, or nil. s.mu is held.
func (s *stream) take() (b *batch) {
	switch {
	case s.mapping.unordered && len(s.ready) > 0:
		b, s.ready = s.ready[0], s.ready[1:]
		s.open = slices.DeleteFunc(s.open, func(x *batch) bool { return x == b })
	case !s.mapping.unordered && len(s.open) > 0 && s.open[0].ended:
		b = s.open[0]
		s.open = slices.Delete(s.open, 0, 1)
	}
	return b
}

// next returns the next batch that has ended. After the last it returns nil, and why the sequence
// ends, if not because all are done.
func (s *stream) next() (*batch, error) {
	done := s.ctx.Done()
	for {
		s.mu.Lock()
		b := s.take()
		due := s.handOut(true)
		over, end := false, error(nil)
		if b == nil && due == nil && s.over && len(s.open) == 0 {
			if over, end = true, s.broken; end == nil && (s.refused || s.filling != nil) {
				end = canceled(s.sequence.ctx)
			}
		}
		var late <-chan time.Time
		if s.filling != nil && s.size.fixed == 0 && !s.full() {
			late = time.After(max(0, s.size.least-time.Since(s.filling.since)))
		}
		pending := s.pending()
		s.mu.Unlock()
		if due != nil {
			s.launch(due)
		}
		if b != nil {
			<-b.done // it has ended
		}
		if b != nil || over {
			return b, end
		}
		if due != nil {
			continue
		}
		var place chan struct{}
		if pending != nil {
			place = s.pool.token(s.caller)
		}
		select {
		case <-s.more:
		case <-late:
		case place <- struct{}{}:
			s.pool.lend(&pending.task, s.caller)
		case <-done:
			s.stop(0, context.Cause(s.ctx))
			done = nil
		}
	}
}

// pending returns a batch that the loop can give its place in the pool to, or nil. s.mu is held.
func (s *stream) pending() *batch {
	if s.caller == nil {
		return nil
	}
	for _, b := range s.open {
		if b.launched && b.State() == Pending {
			return b
		}
	}
	return nil
}

// close ends what still runs, and waits for it.
func (s *stream) close() {
	s.cancel(errMapDone)
	s.stop(0, errMapDone)
	<-s.fed
	s.mu.Lock()
	open := slices.Clone(s.open)
	s.mu.Unlock()
	for _, b := range open {
		<-b.done
	}
	if s.bar != nil {
		s.bar.Close()
	}
}
