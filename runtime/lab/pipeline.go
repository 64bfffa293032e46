package lab

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"
	"time"
)

// Pipelines are channels with functions between them. A [Group] owns the goroutines: the first error cancels
// them all, and its Wait, to be called when the last channel has been read, returns it. The group must have
// no limit, because its stages wait for each other.
//
//	g := lab.NewGroup(ctx)
//	pages := lab.Stage(g, lab.Source(g, slices.Values(urls)), 8, fetch)
//	titles, err := lab.Collect(g, lab.Stage(g, pages, 2, title))
//
// Each function closes the channels that it returns when its input is closed and empty, or when the group's
// context ends; when both are so, the work is done and there is no error. A reader that stops early must
// cancel the context that the group was made with.

// Source sends what seq yields.
func Source[T any](g *Group, seq iter.Seq[T]) <-chan T {
	checkPipe("lab.Source", g, seq == nil, "sequence")
	out := make(chan T)
	g.Go(func(ctx context.Context) error {
		defer close(out)
		for v := range seq {
			if !send(ctx, out, v) {
				return canceled(ctx)
			}
		}
		return nil
	})
	return out
}

// Stage calls fn for each value from in, on so many workers, and sends the results as they come: with one
// worker in the order of in, with more in any. [OrderedStage] keeps the order.
func Stage[T, U any](g *Group, in <-chan T, workers int, fn func(context.Context, T) (U, error)) <-chan U {
	checkPipe("lab.Stage", g, in == nil, "channel")
	checkWorkers("lab.Stage", workers, fn == nil)
	out := make(chan U)
	g.several(workers, func() { close(out) }, func(ctx context.Context) error {
		for {
			v, ok, err := receive(ctx, in)
			if !ok {
				return err
			}
			u, err := fn(ctx, v)
			if err != nil {
				return err
			}
			if !send(ctx, out, u) {
				return canceled(ctx)
			}
		}
	})
	return out
}

// OrderedStage is [Stage] with the results in the order of in. At most workers values are between its input
// and its output.
func OrderedStage[T, U any](g *Group, in <-chan T, workers int, fn func(context.Context, T) (U, error)) <-chan U {
	checkPipe("lab.OrderedStage", g, in == nil, "channel")
	checkWorkers("lab.OrderedStage", workers, fn == nil)
	out := make(chan U)
	// One slot for each value on its way, in order: the reader below holds one, the others fit in here.
	slots := make(chan chan U, workers-1)
	g.Go(func(ctx context.Context) error {
		defer close(slots)
		for {
			v, ok, err := receive(ctx, in)
			if !ok {
				return err
			}
			slot := make(chan U, 1)
			if !send(ctx, slots, slot) {
				return canceled(ctx)
			}
			g.Go(func(ctx context.Context) error {
				defer close(slot)
				u, err := fn(ctx, v)
				if err == nil {
					slot <- u
				}
				return err
			})
		}
	})
	g.Go(func(ctx context.Context) error {
		defer close(out)
		for slot := range slots {
			u, ok := <-slot
			if !ok || !send(ctx, out, u) {
				return canceled(ctx)
			}
		}
		return nil
	})
	return out
}

// FanOut shares the values of in among n channels: each value goes to one of them, to whichever is read first.
func FanOut[T any](g *Group, in <-chan T, n int) []<-chan T {
	checkPipe("lab.FanOut", g, in == nil, "channel")
	checkCount("lab.FanOut", n)
	outs := make([]<-chan T, n)
	for i := range outs {
		out := make(chan T)
		outs[i] = out
		g.Go(func(ctx context.Context) error { return pump(ctx, in, out) })
	}
	return outs
}

// FanIn sends the values of all channels to one, as they come.
func FanIn[T any](g *Group, ins ...<-chan T) <-chan T {
	checkPipe("lab.FanIn", g, slices.Contains(ins, nil), "channel")
	out := make(chan T)
	var next atomic.Int32
	g.several(len(ins), func() { close(out) }, func(ctx context.Context) error {
		in := ins[next.Add(1)-1]
		for {
			v, ok, err := receive(ctx, in)
			if !ok {
				return err
			}
			if !send(ctx, out, v) {
				return canceled(ctx)
			}
		}
	})
	return out
}

// Tee sends each value of in to all of n channels. The slowest reader sets the pace.
func Tee[T any](g *Group, in <-chan T, n int) []<-chan T {
	checkPipe("lab.Tee", g, in == nil, "channel")
	checkCount("lab.Tee", n)
	outs, ends := make([]<-chan T, n), make([]chan T, n)
	for i := range outs {
		ends[i] = make(chan T, 1) // one value of slack, so that readers may take turns in any order
		outs[i] = ends[i]
	}
	g.Go(func(ctx context.Context) error {
		for _, out := range ends {
			defer close(out)
		}
		for {
			v, ok, err := receive(ctx, in)
			if !ok {
				return err
			}
			for _, out := range ends {
				if !send(ctx, out, v) {
					return canceled(ctx)
				}
			}
		}
	})
	return outs
}

// Batch collects values into slices of the given size. A slice that is not full is sent when its first value
// has waited for atMost, or when in is closed; with atMost zero it waits without a limit.
func Batch[T any](g *Group, in <-chan T, size int, atMost time.Duration) <-chan []T {
	checkPipe("lab.Batch", g, in == nil, "channel")
	checkCount("lab.Batch", size)
	must(checkDuration("lab.Batch", "wait", atMost))
	out := make(chan []T)
	g.Go(func(ctx context.Context) error {
		defer close(out)
		var batch []T
		var late <-chan time.Time // nil: no time is running
		for {
			open := true
			select {
			case v, ok := <-in:
				if open = ok; !ok {
					break
				}
				if batch = append(batch, v); len(batch) == 1 && atMost > 0 {
					late = time.After(atMost)
				}
				if len(batch) < size {
					continue
				}
			case <-late:
			case <-ctx.Done():
				if !finished(in) {
					return canceled(ctx)
				}
				open = false
			}
			if len(batch) > 0 && !send(ctx, out, batch) {
				return canceled(ctx)
			}
			if !open {
				return nil
			}
			batch, late = nil, nil
		}
	})
	return out
}

// Merge joins channels whose values are in the order of compare into one that is, too.
func Merge[T any](g *Group, compare func(a, b T) int, ins ...<-chan T) <-chan T {
	checkPipe("lab.Merge", g, slices.Contains(ins, nil), "channel")
	if compare == nil {
		panic(misuse("lab.Merge", "nil function"))
	}
	out := make(chan T)
	g.Go(func(ctx context.Context) error {
		defer close(out)
		type head struct {
			v  T
			in <-chan T
		}
		var heads []head
		for _, in := range ins {
			v, ok, err := receive(ctx, in)
			if err != nil {
				return err
			}
			if ok {
				heads = append(heads, head{v, in})
			}
		}
		for len(heads) > 0 {
			least := 0
			for i := range heads {
				if compare(heads[i].v, heads[least].v) < 0 {
					least = i
				}
			}
			if !send(ctx, out, heads[least].v) {
				return canceled(ctx)
			}
			v, ok, err := receive(ctx, heads[least].in)
			if err != nil {
				return err
			}
			if ok {
				heads[least].v = v
			} else {
				heads = slices.Delete(heads, least, least+1)
			}
		}
		return nil
	})
	return out
}

// Collect reads in to its end, waits for the group and returns what came, and the group's error.
func Collect[T any](g *Group, in <-chan T) ([]T, error) {
	if g == nil || in == nil {
		return nil, misuse("lab.Collect", "nil group or channel")
	}
	var all []T
	for v := range in {
		all = append(all, v)
	}
	return all, g.Wait()
}

// several runs fn n times in the group, and last when all have returned.
func (g *Group) several(n int, last func(), fn func(context.Context) error) {
	if n == 0 {
		last()
		return
	}
	var left atomic.Int32
	left.Store(int32(n))
	for range n {
		g.Go(func(ctx context.Context) error {
			defer func() {
				if left.Add(-1) == 0 {
					last()
				}
			}()
			return fn(ctx)
		})
	}
}

// receive takes a value from in. ok is false when in is closed, and when ctx has ended, which alone is an
// error.
func receive[T any](ctx context.Context, in <-chan T) (v T, ok bool, err error) {
	if ctx.Err() == nil {
		select {
		case v, ok = <-in:
			return v, ok, nil
		case <-ctx.Done():
		}
	}
	if finished(in) {
		return v, false, nil
	}
	return v, false, canceled(ctx)
}

// finished reports whether in is closed and empty. If not, it may take a value and drop it, so it is for
// callers that will not read again.
func finished[T any](in <-chan T) bool {
	select {
	case _, open := <-in:
		return !open
	default:
		return false
	}
}

// send sends v unless ctx ends first. A reader that is ready gets v even when ctx has ended.
func send[T any](ctx context.Context, out chan<- T, v T) bool {
	select {
	case out <- v:
		return true
	default:
	}
	select {
	case out <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

// pump copies in to out and closes it.
func pump[T any](ctx context.Context, in <-chan T, out chan<- T) error {
	defer close(out)
	for {
		v, ok, err := receive(ctx, in)
		if !ok {
			return err
		}
		if !send(ctx, out, v) {
			return canceled(ctx)
		}
	}
}

func checkPipe(call string, g *Group, missing bool, what string) {
	switch {
	case g == nil:
		panic(misuse(call, "nil group: make one with lab.NewGroup(ctx)"))
	case g.limit > 0:
		panic(misuse(call, "the group runs at most %d at a time, but stages wait for each other: make it without lab.Limit", g.limit))
	case missing:
		panic(misuse(call, "nil %s", what))
	}
}

func checkWorkers(call string, workers int, nilFunc bool) {
	switch {
	case workers < 1:
		panic(misuse(call, "%d workers: need at least 1", workers))
	case nilFunc:
		panic(misuse(call, "nil function"))
	}
}

func checkCount(call string, n int) {
	if n < 1 {
		panic(misuse(call, "%d: need at least 1", n))
	}
}
