package lab

import (
	"context"
	"fmt"
	"iter"
)

// MapSeq calls fn for the items of xs on the workers of ex, and yields each result when it is there: in the
// order of xs, or with [Unordered] as they come. It is pool.imap and imap_unordered, and executor.map with a
// buffersize. With a [ProcPool] fn runs in other processes, and a nil ex means a pool for this loop with a
// worker for each core.
//
//	for page, err := range lab.MapSeq(ctx, pool, slices.Values(urls), fetch) { … }
//
// Nothing begins before the loop does, and each loop begins anew. xs may be endless: it is read on a goroutine
// of its own, which waits while four batches for each worker are on their way to the loop and one more is
// filled. Batches begin with one item and get as many as take 50 µs, in processes 2 ms, at most 4096; [Chunk]
// fixes their size. An item waits no longer than that for others, except with Chunk. A batch costs about 2 µs,
// in processes about 30 µs.
//
// The error of an item is yielded at the item's place, with a zero value, and ends the sequence: items after
// it are cancelled, and with Unordered all that run. executor.map does the same; after the error of an item of
// imap, next continues with the items that follow. A panic of fn, or of xs, is such an error, a [*PanicError].
// When ctx ends, the results that are there are still yielded, then why it has ended. A process that ends
// takes the results of its batch with it, and its [WorkerError] stands at the place of the first of them.
//
// A loop that is left cancels what runs and waits until it has returned. xs cannot be cancelled: a sequence
// that waits for its next value should return when ctx ends, or the loop waits for it.
//
// A job may call MapSeq with its own pool: while it waits, it gives its place to its batches. [Progress] shows
// how many are done.
func MapSeq[T, U any](ctx context.Context, ex Executor, xs iter.Seq[T], fn func(context.Context, T) (U, error), opts ...MapOption) iter.Seq2[U, error] {
	q := newSequence(ctx, ex, fn == nil, xs == nil, opts)
	if q.processes != nil {
		if _, err := q.processes.function(fn); err != nil {
			panic(misuse(q.call, "%v", err))
		}
	}
	return func(yield func(U, error) bool) {
		work := func(ctx context.Context, b *batch) error { return callEach(ctx, b, fn) }
		if q.processes != nil {
			work = remoteEach(q.processes, fn)
		}
		s := q.begin(work)
		defer s.close()
		s.feed(func(put func(func(*batch)) bool) {
			for x := range xs {
				if !put(func(b *batch) { packetOf[T, U](b).in = append(packetOf[T, U](b).in, x) }) {
					return
				}
			}
		})
		for {
			b, err := s.next()
			if b != nil {
				for _, u := range packetOf[T, U](b).out[:b.good] {
					if !yield(u, nil) {
						return
					}
				}
				err = b.err
			}
			if err != nil {
				var zero U
				yield(zero, err)
				return
			}
			if b == nil {
				return
			}
		}
	}
}

// Unordered has [MapSeq] yield results as they come, those of a batch together: pool.imap_unordered. A slow
// item then keeps no other back.
func Unordered() MapOption { return func(m *mapping) { m.unordered = true } }

// A packet is the items of a batch and their results.
type packet[T, U any] struct {
	in  []T
	out []U
}

func packetOf[T, U any](b *batch) *packet[T, U] {
	p, ok := b.packet.(*packet[T, U])
	if !ok {
		p = new(packet[T, U])
		b.packet = p
	}
	return p
}

// callEach calls fn for the items of a batch.
func callEach[T, U any](ctx context.Context, b *batch, fn func(context.Context, T) (U, error)) (err error) {
	p := packetOf[T, U](b)
	p.out = make([]U, len(p.in))
	for i, x := range p.in {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.out[i], err = fn(ctx, x); err != nil {
			return err
		}
		b.good = i + 1
	}
	return nil
}

// remoteEach returns what calls fn for the items of a batch in another process.
func remoteEach[T, U any](pp *ProcPool, fn func(context.Context, T) (U, error)) func(context.Context, *batch) error {
	f, refused := pp.function(fn) // with the variables that fn reads, as they are now
	return func(ctx context.Context, b *batch) error {
		if refused != nil {
			return misuse("lab.MapSeq", "%v", refused)
		}
		p := packetOf[T, U](b)
		in, bad := p.in, error(nil)
		args, err := f.Pack(true, &in)
		if err != nil {
			var i int
			if i, bad = cannotSend("lab.MapSeq", f, p.in, b.first, err); i == 0 {
				return bad
			}
			in = p.in[:i]
			if args, err = f.Pack(true, &in); err != nil {
				return misuse("lab.MapSeq", "%v", err)
			}
		}
		err = pp.call(ctx, args, &p.out)
		b.good = len(p.out)
		if err == nil && b.good != len(in) {
			err = fmt.Errorf("lab.MapSeq: a worker returned %d results for %d items", b.good, len(in))
		}
		if err == nil {
			err = bad
		}
		return err
	}
}
