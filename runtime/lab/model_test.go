package lab_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"interleave/runtime/lab"
)

// A modelCall is a call that may wait, made beside a model of what it calls: the model sets want as soon as the call should have
// returned, the call sets got when it does. Both are "" while it waits.
type modelCall struct {
	v         int // what the model wants to remember of it
	cancel    context.CancelFunc
	want, got string
	index     int
}

// modelCalls is the calls of one test in a synctest bubble.
type modelCalls struct {
	t   *testing.T
	mu  sync.Mutex
	all []*modelCall
}

// start makes a call in a goroutine of its own. An error stands for what it returned.
func (m *modelCalls) start(v int, call func(context.Context) (string, error)) *modelCall {
	ctx, cancel := context.WithCancel(m.t.Context())
	c := &modelCall{v: v, cancel: cancel, index: len(m.all)}
	m.all = append(m.all, c)
	go func() {
		got, err := call(ctx)
		m.mu.Lock()
		defer m.mu.Unlock()
		switch c.got = got; {
		case errors.Is(err, lab.ErrClosed):
			c.got = "closed"
		case errors.Is(err, lab.ErrBrokenBarrier):
			c.got = "broken"
		case errors.Is(err, context.Canceled):
			c.got = "cancelled"
		case err != nil:
			c.got = err.Error()
		}
	}()
	return c
}

// cancel cancels one of all calls; if it waits in one of the lists it is to return, and leaves the list.
func (m *modelCalls) cancel(pick int, lists ...*[]*modelCall) (waited bool) {
	if len(m.all) == 0 {
		return false
	}
	c := m.all[pick%len(m.all)]
	c.cancel()
	for _, list := range lists {
		if i := slices.Index(*list, c); i >= 0 {
			*list = slices.Delete(*list, i, i+1)
			c.want = "cancelled"
			return true
		}
	}
	return false
}

// check waits until nothing moves any more and compares every call with the model.
func (m *modelCalls) check(step string) {
	m.t.Helper()
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.all {
		if c.got != c.want {
			m.t.Fatalf("%s: call %d gave %q, want %q", step, c.index, c.got, c.want)
		}
	}
}

// end cancels what still waits.
func (m *modelCalls) end() {
	for _, c := range m.all {
		c.cancel()
	}
}
