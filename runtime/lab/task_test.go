package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// nap is a function that sleeps for d and returns it.
func nap(d time.Duration) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) { return d, lab.Sleep(ctx, d) }
}

// However a task ends, its state, result, callbacks and the list of tasks agree.
func TestTaskEnds(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	why := errors.New("no more need")
	for _, c := range []struct {
		name   string
		fn     func(context.Context) (time.Duration, error)
		cancel bool
		state  lab.State
		err    error
	}{
		{"returns", nap(time.Second), false, lab.Succeeded, nil},
		{"fails", func(context.Context) (time.Duration, error) { return 0, own }, false, lab.Failed, own},
		{"panics", func(context.Context) (time.Duration, error) { panic(own) }, false, lab.Panicked, own},
		{"exits", func(context.Context) (time.Duration, error) { runtime.Goexit(); return 0, nil }, false, lab.Panicked, lab.ErrGoexit},
		{"is cancelled", nap(time.Hour), true, lab.Canceled, why},
		{"is cancelled and says so shortly", func(ctx context.Context) (time.Duration, error) { <-ctx.Done(); return 0, ctx.Err() }, true, lab.Canceled, why},
		{"is cancelled and does not care", func(context.Context) (time.Duration, error) { time.Sleep(time.Minute); return time.Second, nil }, true, lab.Succeeded, nil},
		{"is cancelled and fails", func(ctx context.Context) (time.Duration, error) { <-ctx.Done(); return 0, own }, true, lab.Failed, own},
	} {
		synctest.Test(t, func(t *testing.T) {
			task := lab.Go(t.Context(), c.fn, lab.Named(c.name))
			var called []string
			task.OnDone(func(x *lab.Task[time.Duration]) {
				if x != task || !x.State().Ended() {
					t.Errorf("%s: callback saw another task or a living one", c.name)
				}
				_, err := x.Await(t.Context()) // must not wait for itself
				called = append(called, fmt.Sprint(err))
			})
			if _, err := task.Result(); err != lab.ErrNotDone && task.State() == lab.Running {
				t.Errorf("%s: the result of a running task is %v", c.name, err)
			}
			if c.cancel {
				synctest.Wait()
				task.Cancel(why)
				task.Cancel(own)
			}
			v, err := task.Await(t.Context())
			if !errors.Is(err, c.err) || c.err != nil && v != 0 || c.err == nil && v != time.Second {
				t.Errorf("%s: got %v, %v", c.name, v, err)
			}
			if task.State() != c.state || task.Name() != c.name {
				t.Errorf("%s: %s is %v, want %v", c.name, task.Name(), task.State(), c.state)
			}
			<-task.Done()
			task.OnDone(func(*lab.Task[time.Duration]) { called = append(called, "late") })
			if want := []string{fmt.Sprint(err), "late"}; !slices.Equal(called, want) {
				t.Errorf("%s: callbacks %q, want %q", c.name, called, want)
			}
			if info := task.Info(); info.Err != err || info.State != c.state || !strings.Contains(info.Spawn, "task_test.go:") {
				t.Errorf("%s: info %+v", c.name, info)
			}
			for _, other := range lab.Tasks() {
				if other.ID == task.ID() {
					t.Errorf("%s: still listed", c.name)
				}
			}
		})
	}
}

// When the context of Await ends, the task ends with it, and Await has waited for that; Shield leaves it alone.
func TestAwaitTakesTheTaskWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		slow := lab.Go(t.Context(), func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // cleaning up
			return 0, ctx.Err()
		})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := lab.Shield(short, slow); err != context.DeadlineExceeded || slow.State() != lab.Running {
			t.Errorf("Shield gave %v and left the task %v", err, slow.State())
		}
		if _, err := slow.Await(short); !errors.Is(err, context.DeadlineExceeded) || slow.State() != lab.Canceled {
			t.Errorf("Await gave %v and left the task %v", err, slow.State())
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
		if v, err := lab.Shield(t.Context(), lab.Go(t.Context(), trivial)); v != 1 || err != nil {
			t.Errorf("Shield gave %v, %v", v, err)
		}
	})
}

func TestTasksAndTaskFrom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if _, ok := lab.TaskFrom(t.Context()); ok {
			t.Error("the test is no task")
		}
		var mine []uint64
		for i := range 5 {
			task := lab.Go(t.Context(), func(ctx context.Context) (int, error) {
				inner, cancel := context.WithCancel(ctx)
				defer cancel()
				info, ok := lab.TaskFrom(inner)
				if !ok || info.Name != fmt.Sprint("worker ", i) || info.State != lab.Running {
					t.Errorf("inside, the task is %+v, %v", info, ok)
				}
				return 0, lab.Sleep(ctx, time.Hour)
			}, lab.Named(fmt.Sprint("worker ", i)))
			mine = append(mine, task.ID())
		}
		time.Sleep(time.Minute)
		var listed []uint64
		for _, info := range lab.Tasks() {
			if slices.Contains(mine, info.ID) {
				listed = append(listed, info.ID)
				if info.Age != time.Minute || info.Err != nil {
					t.Errorf("listed as %+v", info)
				}
				info.Cancel(nil)
			}
		}
		if !slices.Equal(listed, mine) {
			t.Errorf("listed %v, want %v", listed, mine)
		}
	})
}

// A task list under any order of endings holds exactly the living.
func TestTaskListProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		delays := rapid.SliceOfN(rapid.IntRange(1, 20), 1, 15).Draw(rt, "delays")
		synctest.Test(t, func(t *testing.T) {
			ids := map[uint64]int{}
			for _, d := range delays {
				ids[lab.Go(t.Context(), nap(time.Duration(d)*time.Second)).ID()] = d
			}
			time.Sleep(time.Second / 2)
			for now := range 21 {
				living := 0
				for _, d := range delays {
					if d > now {
						living++
					}
				}
				for _, info := range lab.Tasks() {
					if d, ok := ids[info.ID]; ok {
						if living--; d <= now {
							t.Errorf("a task of %d s is listed after %d.5 s", d, now)
						}
					}
				}
				if living != 0 {
					t.Errorf("%d tasks too few after %d.5 s", living, now)
				}
				time.Sleep(time.Second)
			}
		})
	})
}

func TestSelfAwait(t *testing.T) {
	t.Parallel()
	self := make(chan *lab.Task[int], 1)
	task := lab.Go(t.Context(), func(ctx context.Context) (int, error) { return (<-self).Await(ctx) }, lab.Named("narcissus"))
	self <- task
	_, err := task.Await(t.Context())
	wantUsage(t, err, "lab.Task.Await: narcissus waits for itself")
}

func TestCallbackPanic(t *testing.T) {
	t.Parallel()
	value := new(int)
	var seen atomic.Int32
	defer lab.OnPanic(func(p *lab.PanicError) {
		if p.Value == value {
			seen.Add(1)
		}
	})()
	gate := make(chan struct{})
	task := lab.Go(t.Context(), func(context.Context) (int, error) { <-gate; return 7, nil })
	task.OnDone(func(*lab.Task[int]) { panic(value) })
	close(gate)
	if v, err := task.Await(t.Context()); v != 7 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
	<-task.Done()
	if seen.Load() != 1 {
		t.Errorf("the hook saw %d panics", seen.Load())
	}
}

func TestThread(t *testing.T) {
	t.Parallel()
	ran := false
	th := lab.Thread(t.Context(), "reader", func(ctx context.Context) { ran = true })
	if _, err := th.Await(t.Context()); err != nil || !ran || th.Name() != "reader" {
		t.Errorf("%s ran: %v, %v", th.Name(), ran, err)
	}
}

func TestTaskMisuse(t *testing.T) {
	t.Parallel()
	var none *lab.Task[int]
	_, err := none.Await(t.Context())
	wantUsage(t, err, "lab.Task.Await: nil task")
	_, err = none.Result()
	wantUsage(t, err, "lab.Task.Result: nil task")
	_, err = lab.Shield(t.Context(), none)
	wantUsage(t, err, "lab.Shield: nil task")
	task := lab.Go(t.Context(), nap(time.Hour))
	defer task.Await(t.Context())
	defer task.Cancel(nil)
	_, err = task.Await(nil)
	wantUsage(t, err, "lab.Task.Await: nil context: pass ctx, or context.Background()")
	wantMisuse(t, func() { task.OnDone(nil) }, "lab.Task.OnDone: nil function")
	wantMisuse(t, func() { lab.Go[int](t.Context(), nil) }, "lab.Go: nil function")
	wantMisuse(t, func() { lab.Go(nil, trivial) }, "lab.Go: nil context: pass ctx, or context.Background()")
	wantMisuse(t, func() { lab.Go(t.Context(), trivial, nil) }, "lab.Go: nil option")
	wantMisuse(t, func() { lab.Thread(t.Context(), "x", nil) }, "lab.Thread: nil function")
	wantMisuse(t, func() { lab.TaskFrom(nil) }, "lab.TaskFrom: nil context: pass ctx, or context.Background()")
}
