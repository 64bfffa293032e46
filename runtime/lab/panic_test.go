package lab_test

//lint:file-ignore SA5000 the panic is what is tried

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

// heard collects the panics with one value that OnPanic hears of, and whether each was awaited then.
type heard struct {
	mu      sync.Mutex
	panics  []*lab.PanicError
	awaited []bool
}

func listen(t testing.TB, value any) *heard {
	h := new(heard)
	t.Cleanup(lab.OnPanic(func(p *lab.PanicError) {
		if p.Value == value {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.panics, h.awaited = append(h.panics, p), append(h.awaited, p.Awaited())
		}
	}))
	return h
}

func (h *heard) want(t *testing.T, what string, awaited, afterwards bool) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.panics) != 1 {
		t.Fatalf("%s: OnPanic heard of %d panics, want 1", what, len(h.panics))
	}
	if h.awaited[0] != awaited {
		t.Errorf("%s: awaited when it happened: %v, want %v", what, h.awaited[0], awaited)
	}
	if got := h.panics[0].Awaited(); got != afterwards {
		t.Errorf("%s: awaited afterwards: %v, want %v", what, got, afterwards)
	}
}

// What waits for a task, or asks for its result, makes the panic its own; what merely starts one does not.
func TestPanicAwaited(t *testing.T) {
	type task = *lab.Task[int]
	for what, c := range map[string]struct {
		wait                func(ctx context.Context, task task)
		awaited, afterwards bool
	}{
		"nobody":      {func(context.Context, task) {}, false, false},
		"Done":        {func(_ context.Context, t task) { <-t.Done() }, false, false},
		"Await":       {func(ctx context.Context, t task) { t.Await(ctx) }, true, true},
		"Shield":      {func(ctx context.Context, t task) { lab.Shield(ctx, t) }, true, true},
		"Await late":  {func(ctx context.Context, t task) { <-t.Done(); t.Await(ctx) }, false, true},
		"Result late": {func(_ context.Context, t task) { <-t.Done(); t.Result() }, false, true},
		"Wait alone":  {func(ctx context.Context, t task) { lab.Wait(ctx, lab.AllCompleted, t) }, true, false},
		"WaitTasks":   {func(ctx context.Context, t task) { lab.WaitTasks(ctx, lab.AllCompleted, t) }, true, false},
		"Completed": {func(ctx context.Context, t task) {
			for range lab.Completed(ctx, t) {
			}
		}, true, true},
		"CompletedChan": {func(ctx context.Context, t task) { <-lab.CompletedChan(ctx, t) }, true, true},
		"OnDone":        {func(_ context.Context, t task) { t.OnDone(func(task) {}) }, false, false},
		"OnDone asks":   {func(_ context.Context, t task) { t.OnDone(func(t task) { t.Result() }) }, true, true},
		"gave up": {func(ctx context.Context, t task) {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			lab.Shield(ctx, t)
		}, false, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := listen(t, what)
				task := lab.Go(t.Context(), func(context.Context) (int, error) { time.Sleep(time.Second); panic(what) }, lab.Named("the task"))
				c.wait(t.Context(), task)
				<-task.Done()
				synctest.Wait()
				h.want(t, what, c.awaited, c.afterwards)
				if h.panics[0].Task != "the task" {
					t.Errorf("the panic is of %q", h.panics[0].Task)
				}
			})
		})
	}
}

// Who waited when the task ended has the panic, also when it has gone on by the time that OnPanic hears of it.
func TestPanicAwaitedByTheQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := listen(t, "quick")
		gate, returned := make(chan struct{}), make(chan struct{})
		task := lab.Go(t.Context(), func(context.Context) (int, error) { <-gate; panic("quick") })
		go func() {
			lab.Wait(t.Context(), lab.AllCompleted, task)
			close(returned)
		}()
		synctest.Wait()
		task.OnDone(func(*lab.Task[int]) { <-returned }) // called after what Wait listens with
		close(gate)
		<-task.Done()
		h.want(t, "quick", true, false)
	})
}

func TestPanicAwaitedElsewhere(t *testing.T) {
	t.Parallel()
	pool := lab.NewPool(2)
	for what, f := range map[string]func(ctx context.Context, boom func()){
		"Gather": func(ctx context.Context, boom func()) {
			lab.Gather(ctx, func(context.Context) (int, error) { boom(); return 0, nil })
		},
		"Map": func(ctx context.Context, boom func()) {
			lab.Map(ctx, pool, []int{1}, func(context.Context, int) (int, error) { boom(); return 0, nil })
		},
		"Loop": func(ctx context.Context, boom func()) {
			lab.NewLoop().Run(ctx, func(*lab.Coro) error { boom(); return nil })
		},
		"LoopTask.Await": func(ctx context.Context, boom func()) {
			lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
				lab.LoopGo(co, "x", func(*lab.Coro) (int, error) { boom(); return 0, nil }).Await(co)
				return nil
			})
		},
		"LoopGather": func(ctx context.Context, boom func()) {
			lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
				lab.LoopGather(co, func(*lab.Coro) (int, error) { boom(); return 0, nil })
				return nil
			})
		},
	} {
		h := listen(t, what)
		f(t.Context(), func() { panic(what) })
		h.want(t, what, true, true)
	}
	synctest.Test(t, func(t *testing.T) {
		h := listen(t, "Group")
		g := lab.NewGroup(t.Context())
		g.Go(func(context.Context) error { time.Sleep(time.Second); panic("Group") })
		g.Wait()
		h.want(t, "Group", true, true)
	})
	g := lab.NewGroup(t.Context())
	unwaited := listen(t, "unwaited")
	g.Go(func(context.Context) error { panic("unwaited") })
	<-g.Context().Done()
	unwaited.want(t, "a group before its Wait", false, false)
	g.Wait()
	unwaited.want(t, "a group after its Wait", false, true)
	h := listen(t, "forgotten")
	lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
		lab.LoopGo(co, "forgotten", func(*lab.Coro) (int, error) { panic("forgotten") })
		return co.Sleep(0)
	})
	h.want(t, "LoopGo", false, false)
}

// The error names the line that panicked, also when the standard library did on the user's behalf.
func TestPanicPlace(t *testing.T) {
	t.Parallel()
	for what, f := range map[string]func(){
		"panic":      func() { panic(1) },
		"nil map":    func() { map[string]int(nil)["a"]++ },
		"library":    func() { _ = strings.Repeat("a", -len(t.Name())) },
		"repeated":   func() { defer func() { panic(recover()) }(); panic(2) },
		"wait group": func() { new(sync.WaitGroup).Done() },
	} {
		_, err := lab.Go(t.Context(), func(context.Context) (int, error) { f(); return 0, nil }).Await(t.Context())
		if p := wantPanic(t, err, err.(*lab.PanicError).Value, "panic_test.go"); !regexp.MustCompile(`/panic_test.go:\d+$`).MatchString(p.Where) {
			t.Errorf("%s: the panic was at %q", what, p.Where)
		}
	}
}
