package lab

import (
	"context"
	"iter"
	"sync"
)

// A WaitMode says what [Wait] waits for.
type WaitMode int

const (
	FirstCompleted WaitMode = iota // until one task has ended
	FirstError                     // until one task has failed, or all have ended
	AllCompleted                   // until all have ended
)

// Wait waits for tasks and sorts them into those that have ended and those that have not, both in the order of the arguments. The
// pending ones go on running. err is that of ctx when it ended first; how tasks ended their Result tells. It is asyncio.wait.
func Wait[T any](ctx context.Context, mode WaitMode, tasks ...*Task[T]) (done, pending []*Task[T], err error) {
	cores := make([]*task, len(tasks))
	for i, t := range tasks {
		if t == nil {
			return nil, tasks, misuse("lab.Wait", "task %d of %d is nil", i, len(tasks))
		}
		cores[i] = &t.task
	}
	err = waitTasks(ctx, "lab.Wait", mode, cores)
	for i, t := range cores {
		if t.State().Ended() {
			done = append(done, tasks[i])
		} else {
			pending = append(pending, tasks[i])
		}
	}
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
	err = waitTasks(ctx, "lab.WaitTasks", mode, cores)
	for i, t := range cores {
		if t.State().Ended() {
			done = append(done, tasks[i])
		} else {
			pending = append(pending, tasks[i])
		}
	}
	return done, pending, err
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
			case mode == FirstCompleted, mode == FirstError && t.err != nil:
				left = 0
			}
			if before > 0 && left <= 0 {
				close(ready)
			}
		})()
	}
	select {
	case <-ready:
		return nil
	default:
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return canceled(ctx)
	}
}

// Completed yields the results of tasks as they come. When ctx ends first, its error is the last thing yielded; the tasks go on.
// It is asyncio.as_completed:
//
//	for page, err := range lab.Completed(ctx, tasks...) { … }
func Completed[T any](ctx context.Context, tasks ...*Task[T]) iter.Seq2[T, error] {
	must(checkContext("lab.Completed", ctx))
	for i, t := range tasks {
		if t == nil {
			panic(misuse("lab.Completed", "task %d of %d is nil", i, len(tasks)))
		}
	}
	return func(yield func(T, error) bool) {
		ended := make(chan *Task[T], len(tasks)) // room for all: a task that ends never waits here
		for _, t := range tasks {
			t.claim.waiting.Add(1)
			defer t.claim.waiting.Add(-1)
			defer t.subscribe(func() { ended <- t })()
		}
		for range tasks {
			select {
			case t := <-ended:
				if !yield(t.Result()) {
					return
				}
			case <-ctx.Done():
				var zero T
				yield(zero, canceled(ctx))
				return
			}
		}
	}
}

// CompletedChan is [Completed] as a channel, to select on. It has room for all results and is closed after the last, or when ctx
// ends; then the error of ctx is the last result.
func CompletedChan[T any](ctx context.Context, tasks ...*Task[T]) <-chan Result[T] {
	must(checkContext("lab.CompletedChan", ctx))
	for i, t := range tasks {
		if t == nil {
			panic(misuse("lab.CompletedChan", "task %d of %d is nil", i, len(tasks)))
		}
	}
	results := make(chan Result[T], len(tasks)+1)
	if len(tasks) == 0 {
		close(results)
		return results
	}
	var mu sync.Mutex
	left := len(tasks) // 0: closed
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if left > 0 {
			left = 0
			results <- Result[T]{Err: canceled(ctx)}
			close(results)
		}
	})
	for _, t := range tasks {
		t.subscribe(func() {
			mu.Lock()
			defer mu.Unlock()
			if left == 0 {
				return
			}
			v, err := t.Result()
			results <- Result[T]{v, err, t.ended.Sub(t.created)}
			if left--; left == 0 {
				close(results)
				stop()
			}
		})
	}
	return results
}
