package lab

import (
	"context"
	"iter"
	"slices"
	"sync"
)

// A WaitMode determines what [Wait] waits for.
type WaitMode int

const (
	FirstCompleted WaitMode = iota // until one task has ended
	FirstError                     // until one task has failed, or all have ended
	AllCompleted                   // until all have ended
)

// Wait waits for tasks and sorts them into those that have ended and those that have not, both in the order
// of the arguments; a task that is given twice is listed once. The pending ones keep running. err is that of
// ctx when it ended first; how a task ended is its Result. A cancelled task is no error for [FirstError]. It
// is asyncio.wait, with one difference: it may be called without tasks.
func Wait[T any](ctx context.Context, mode WaitMode, tasks ...*Task[T]) (done, pending []*Task[T], err error) {
	cores := make([]*task, len(tasks))
	for i, t := range tasks {
		if t == nil {
			return nil, tasks, misuse("lab.Wait", "task %d of %d is nil", i, len(tasks))
		}
		cores[i] = &t.task
	}
	tasks, cores = unique(tasks, cores)
	err = waitTasks(ctx, "lab.Wait", mode, cores)
	done, pending = sorted(tasks, cores)
	return done, pending, err
}

// WaitTasks is [Wait] for tasks of several types.
func WaitTasks(ctx context.Context, mode WaitMode, tasks ...TaskAny) (done, pending []TaskAny, err error) {
	cores := make([]*task, len(tasks))
	for i, t := range tasks {
		if t == nil || t.core() == nil {
			return nil, tasks, misuse("lab.WaitTasks", "task %d of %d is nil", i, len(tasks))
		}
		cores[i] = t.core()
	}
	tasks, cores = unique(tasks, cores)
	err = waitTasks(ctx, "lab.WaitTasks", mode, cores)
	done, pending = sorted(tasks, cores)
	return done, pending, err
}

// unique leaves the first of equal tasks. cores are the tasks without their types.
func unique[T any](tasks []T, cores []*task) ([]T, []*task) {
	if len(cores) < 2 {
		return tasks, cores
	}
	seen := make(map[*task]bool, len(cores))
	for _, t := range cores {
		seen[t] = true
	}
	if len(seen) == len(cores) {
		return tasks, cores
	}
	clear(seen)
	var ts []T
	var cs []*task
	for i, t := range cores {
		if !seen[t] {
			seen[t] = true
			ts, cs = append(ts, tasks[i]), append(cs, t)
		}
	}
	return ts, cs
}

// sorted parts tasks into those that have ended and the others.
func sorted[T any](tasks []T, cores []*task) (done, pending []T) {
	for i, t := range cores {
		if t.State().Ended() {
			done = append(done, tasks[i])
		} else {
			pending = append(pending, tasks[i])
		}
	}
	return done, pending
}

func waitTasks(ctx context.Context, call string, mode WaitMode, ts []*task) error {
	if err := checkContext(call, ctx); err != nil {
		return err
	}
	if mode < FirstCompleted || mode > AllCompleted {
		return misuse(call, "mode %d: need FirstCompleted, FirstError or AllCompleted", int(mode))
	}
	if len(ts) == 0 {
		return nil
	}
	for _, t := range ts {
		if t.done == nil {
			return zero(call, "task", "lab.Go")
		}
		if (mode == AllCompleted || len(ts) == 1) && t.waitsForItself(ctx) {
			return misuse(call, "%s waits for itself", t.Name())
		}
	}
	var mu sync.Mutex
	left := len(ts)
	ready := make(chan struct{})
	for _, t := range ts {
		t.claim.waiting.Add(1)
		defer t.claim.waiting.Add(-1)
		defer t.subscribe(func() {
			mu.Lock()
			defer mu.Unlock()
			before := left
			switch left--; {
			case mode == FirstCompleted, mode == FirstError && (t.State() == Failed || t.State() == Panicked):
				left = 0
			}
			if before > 0 && left <= 0 {
				close(ready)
			}
		})()
	}
	return waitOrHelp(ctx, ready, ts...)
}

// Completed yields the results of tasks as they come; a task that is given twice is yielded once. When ctx
// ends first, what has ended is still yielded, then the error of ctx; the other tasks keep running. It is
// asyncio.as_completed:
//
//	for page, err := range lab.Completed(ctx, tasks...) { … }
func Completed[T any](ctx context.Context, tasks ...*Task[T]) iter.Seq2[T, error] {
	tasks, cores := completing("lab.Completed", ctx, tasks)
	return func(yield func(T, error) bool) {
		var mu sync.Mutex
		var ended []*Task[T] // that were not yielded yet
		more := make(chan struct{}, 1)
		for _, t := range tasks {
			if t.waitsForItself(ctx) {
				panic(misuse("lab.Completed", "%s waits for itself", t.Name()))
			}
			t.claim.waiting.Add(1)
			defer t.claim.waiting.Add(-1)
			defer t.subscribe(func() {
				mu.Lock()
				ended = append(ended, t)
				mu.Unlock()
				select {
				case more <- struct{}{}:
				default: // it is known already that there are some
				}
			})()
		}
		next := func() (t *Task[T]) {
			mu.Lock()
			defer mu.Unlock()
			if len(ended) > 0 {
				t, ended = ended[0], ended[1:]
			}
			return t
		}
		help := helping(ctx, cores)
		threads := slices.DeleteFunc(slices.Clone(cores), func(t *task) bool { return t.gil == nil })
		for range tasks {
			t := next()
			for t == nil {
				if err := await(ctx, more, threads, &help); err != nil {
					if t = next(); t == nil {
						var zero T
						yield(zero, err)
						return
					}
				} else {
					t = next()
				}
			}
			if !yield(t.Result()) {
				return
			}
		}
	}
}

// await waits until more reports that a task has ended, or until a pending one was given the caller's place.
// threads are those of the tasks that run under a GIL.
func await(ctx context.Context, more <-chan struct{}, threads []*task, help *helper) (err error) {
	defer letGo(threads, &err)()
	select {
	case <-more:
	case help.next() <- struct{}{}:
		help.lend()
	case <-ctx.Done():
		return canceled(ctx)
	}
	return nil
}

// completing checks the arguments of Completed and CompletedChan and leaves the first of equal tasks.
func completing[T any](call string, ctx context.Context, tasks []*Task[T]) ([]*Task[T], []*task) {
	must(checkContext(call, ctx))
	cores := make([]*task, len(tasks))
	for i, t := range tasks {
		if t == nil {
			panic(misuse(call, "task %d of %d is nil", i, len(tasks)))
		}
		if t.done == nil {
			panic(zero(call, "task", "lab.Go"))
		}
		cores[i] = &t.task
	}
	return unique(tasks, cores)
}

// CompletedChan is [Completed] as a channel, to select on. It has room for all results and is closed after
// the last, or when ctx ends; then the error of ctx is the last result. A job that calls it for pending jobs
// of its own pool gives its place to them at once, as if it waited.
func CompletedChan[T any](ctx context.Context, tasks ...*Task[T]) <-chan Result[T] {
	tasks, cores := completing("lab.CompletedChan", ctx, tasks)
	results := make(chan Result[T], len(tasks)+1)
	if len(tasks) == 0 {
		close(results)
		return results
	}
	var mu sync.Mutex
	var stop func() bool
	left := map[*Task[T]]bool{} // not delivered yet; nil when results is closed
	for _, t := range tasks {
		left[t] = true
	}
	deliver := func(t *Task[T]) { // mu is held
		if left[t] {
			delete(left, t)
			v, err := t.Result()
			results <- Result[T]{v, err, t.ended.Sub(t.created)}
		}
	}
	over := make(chan struct{})
	finish := func() { // mu is held
		left = nil
		close(results)
		close(over)
		if stop != nil {
			stop()
		}
	}
	for _, t := range tasks {
		t.subscribe(func() {
			mu.Lock()
			defer mu.Unlock()
			if deliver(t); left != nil && len(left) == 0 {
				finish()
			}
		})
	}
	if help := helping(ctx, cores); help != nil {
		go help.all(over)
	}
	mu.Lock()
	defer mu.Unlock()
	if left == nil {
		return results
	}
	stop = context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if left == nil {
			return
		}
		for _, t := range tasks { // what has ended is finished work, even if it has not reported yet
			if t.State().Ended() {
				deliver(t)
			}
		}
		if len(left) > 0 {
			results <- Result[T]{Err: canceled(ctx)}
		}
		finish()
	})
	return results
}
