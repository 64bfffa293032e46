package lab

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

// hooks is a list of functions that can be read without a lock.
type hooks[F any] struct {
	mu   sync.Mutex // taken to change the list
	list atomic.Pointer[[]*F]
}

func (h *hooks[F]) add(f F) (remove func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &f
	h.set(append(slices.Clone(h.all()), p))
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.set(slices.DeleteFunc(slices.Clone(h.all()), func(q *F) bool { return q == p }))
	}
}

func (h *hooks[F]) set(list []*F) {
	if len(list) == 0 {
		h.list.Store(nil)
		return
	}
	h.list.Store(&list)
}

func (h *hooks[F]) all() []*F {
	if p := h.list.Load(); p != nil {
		return *p
	}
	return nil
}

var panicHooks hooks[func(*PanicError)]

// OnPanic has f called for every panic that lab turns into an error, until remove is called: on a goroutine
// of its own, for which the one that panicked waits. The panic of a task is reported after the task's
// callbacks. It is threading.excepthook: a place to log panics that no caller awaits, see
// [PanicError.Awaited]. A panic of f itself is written to standard error.
func OnPanic(f func(*PanicError)) (remove func()) {
	if f == nil {
		panic(misuse("lab.OnPanic", "nil function"))
	}
	return panicHooks.add(f)
}

func reportPanic(err *PanicError) {
	for _, f := range panicHooks.all() {
		apart(func() {
			defer func() {
				if r := recover(); r != nil {
					fmt.Fprintf(os.Stderr, "lab.OnPanic: the function panicked (%v) when it was called for: %v\n", r, err)
				}
			}()
			(*f)(err)
		})
	}
}

var taskHooks hooks[func(TaskInfo)]

// OnTask has f called when a task begins to run and when it has ended, on the task's goroutine, until remove
// is called. It is threading.settrace for what lab starts; State distinguishes the two. A panic of f goes to
// [OnPanic] and no further.
func OnTask(f func(TaskInfo)) (remove func()) {
	if f == nil {
		panic(misuse("lab.OnTask", "nil function"))
	}
	return taskHooks.add(f)
}
