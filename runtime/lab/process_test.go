package lab_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"interleave/runtime/lab"
)

var manyKills = flag.Int("kills", 0, "how many processes TestKills kills")

type ledger struct {
	rows []int
	next *ledger
}

func (l *ledger) total() (n int) {
	for ; l != nil; l = l.next {
		for _, r := range l.rows {
			n += r
		}
	}
	return n
}

type customErr struct {
	code int
	f    func()
}

func (e *customErr) Error() string { return fmt.Sprint("code ", e.code) }
func (e *customErr) Unwrap() error { return io.ErrUnexpectedEOF }

func squareOf(_ context.Context, x int) (int, error)      { return x * x, nil }
func twice(x float64) float64                             { return 2 * x }
func reverse(s []string) ([]string, error)                { slices.Reverse(s); return s, nil }
func sumOf(_ context.Context, xs []float64) (s float64)   { return float64(len(xs)) }
func exitWith(_ context.Context, status int) (int, error) { os.Exit(status); return 0, nil }
func panicWith(_ context.Context, x int) (int, error)     { panic(fmt.Sprint("no ", x)) }
func goexits()                                            { runtime.Goexit() }
func waitForEnd(ctx context.Context) error                { <-ctx.Done(); return ctx.Err() }
func deaf()                                               { time.Sleep(time.Hour) }
func wrapsEOF(context.Context, int) (int, error)          { return 0, fmt.Errorf("read: %w", io.EOF) }
func customError(context.Context) (int, error)            { return 0, &customErr{7, func() {}} }
func half[T any](xs []T) []T                              { return xs[:len(xs)/2] }
func variadic(sep string, xs ...string) string            { return strings.Join(xs, sep) }
func grid(m map[string][]any) (map[string][]any, error)   { return m, nil }
func shares(a, b *ledger) bool                            { return a == b }

// fills takes so many bytes of memory and writes to them.
func fills(_ context.Context, bytes int) (int, error) {
	b := make([]byte, bytes)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return len(b), nil
}

func overflows(n int) int {
	if n == 0 {
		debug.SetMaxStack(1 << 20)
	}
	if n < 0 { // it never is
		return 0
	}
	return 1 + overflows(n+1)
}

func writeBoth(context.Context, int) (int, error) {
	fmt.Println("to standard output")
	fmt.Fprint(os.Stderr, "to standard error")
	return 0, nil
}

func burn(_ context.Context, x int) (int, error) {
	end := time.Now().Add(2 * time.Millisecond)
	for time.Now().Before(end) {
	}
	return x + 1, nil
}

func TestSpawn(t *testing.T) {
	ctx := t.Context()
	list := &ledger{rows: []int{1, 2}, next: &ledger{rows: []int{3}}}
	for _, c := range []struct {
		fn   any
		args []any
		want any
	}{
		{squareOf, []any{7}, 49},
		{twice, []any{1.5}, 3.0},
		{reverse, []any{[]string{"a", "b"}}, []string{"b", "a"}},
		{sumOf, []any{make([]float64, 3<<20)}, float64(3 << 20)},
		{(*ledger).total, []any{list}, 6},
		{half[int], []any{[]int{1, 2, 3, 4}}, []int{1, 2}},
		{half[string], []any{[]string{"x", "y"}}, []string{"x"}},
		{strings.ToUpper, []any{"up"}, "UP"},
		{func(x int) int { return -x }, []any{4}, -4},
		{variadic, []any{"-", []string{"a", "b"}}, "a-b"},
		{grid, []any{map[string][]any{"k": {1, "x", nil, time.Second}}}, map[string][]any{"k": {1, "x", nil, time.Second}}},
		{grid, []any{nil}, map[string][]any(nil)},
		{shares, []any{list, list}, true},
	} {
		p, err := lab.Spawn(ctx, c.fn, c.args...)
		if err != nil {
			t.Errorf("%T: %v", c.fn, err)
			continue
		}
		got := reflect.New(reflect.TypeOf(c.want))
		if err := p.Wait(ctx, got.Interface()); err != nil || !reflect.DeepEqual(got.Elem().Interface(), c.want) {
			t.Errorf("%v: %v, %v; want %v", p, got.Elem(), err, c.want)
		}
		if code, ended := p.ExitCode(); code != 0 || !ended {
			t.Errorf("%v: status %d, ended: %v", p, code, ended)
		}
	}
}

func TestSpawnFails(t *testing.T) {
	ctx := t.Context()
	start := func(fn any, args ...any) *lab.Process {
		t.Helper()
		p, err := lab.Spawn(ctx, fn, args...)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var w *lab.WorkerError
	p := start(exitWith, 3)
	if err := p.Wait(ctx); !errors.As(err, &w) || w.Code != 3 || !strings.Contains(err.Error(), "ended with status 3 while it ran lab_test.exitWith") {
		t.Errorf("%v", err)
	}
	if code, _ := p.ExitCode(); code != 3 {
		t.Errorf("status %d", code)
	}
	p = start(overflows, 0)
	if err := p.Wait(ctx); !errors.As(err, &w) || w.Code != 2 || !strings.HasSuffix(err.Error(), "while it ran lab_test.overflows: fatal error: stack overflow") {
		t.Errorf("%v", err)
	}
	p = start(deaf)
	p.Kill()
	if err := p.Wait(ctx); !errors.As(err, &w) || w.Signal != syscall.SIGKILL {
		t.Errorf("%v", err)
	}
	if code, _ := p.ExitCode(); code != -9 {
		t.Errorf("status %d", code)
	}
	var pe *lab.PanicError
	p = start(panicWith, 4)
	if err := p.Wait(ctx); !errors.As(err, &pe) || pe.Value != "no 4" || !strings.Contains(string(pe.Stack), "lab_test.panicWith") || !strings.Contains(pe.Where, "process_test.go:") {
		t.Errorf("%v", err)
	}
	if err := start(goexits).Wait(ctx); err != lab.ErrGoexit {
		t.Errorf("%v", err)
	}
	if err := start(wrapsEOF, 1).Wait(ctx); !errors.Is(err, io.EOF) || err.Error() != "read: EOF" {
		t.Errorf("%v", err)
	}
	if err := start(customError).Wait(ctx); err == nil || err.Error() != "code 7" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	stop := errors.New("stop")
	cctx, cancel := context.WithCancelCause(ctx)
	p, err := lab.Spawn(cctx, waitForEnd)
	if err != nil {
		t.Fatal(err)
	}
	cancel(stop)
	if err := p.Wait(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	p = start(deaf)
	p.Cancel(stop)
	if err := p.Wait(ctx); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	short, cancelShort := context.WithTimeout(ctx, time.Millisecond)
	defer cancelShort()
	p = start(deaf)
	if err := p.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	p.Kill()
	<-p.Done()
}

func TestSpawnRefuses(t *testing.T) {
	ctx := t.Context()
	var nilContext context.Context
	list := &ledger{}
	_, _, here, _ := runtime.Caller(0)
	for _, c := range []struct {
		ctx  context.Context
		fn   any
		args []any
		want string
	}{
		{nilContext, twice, []any{1.0}, "lab.Spawn: nil context: pass ctx, or context.Background()"},
		{ctx, 3, nil, "lab.Spawn: need a function, got a value of type int"},
		{ctx, (func())(nil), nil, "lab.Spawn: nil function"},
		{ctx, twice, nil, "lab.Spawn: lab_test.twice needs 1 argument, got 0"},
		{ctx, twice, []any{1}, "lab.Spawn: argument 1 of lab_test.twice is of type int: need float64"},
		{ctx, twice, []any{nil}, "lab.Spawn: argument 1 of lab_test.twice is nil: need a value of type float64"},
		{ctx, list.total, nil, "lab.Spawn: lab_test.(*ledger).total is bound to a value: use the method expression (*ledger).total and pass the value as the first argument"},
		{ctx, func() int { return len(list.rows) }, nil, fmt.Sprintf("lab.Spawn: the function literal at process_test.go:%d captures variables, which another process does not have: pass them as arguments", here+14)},
		{ctx, grid, []any{map[string][]any{"k": {make(chan int)}}}, `lab.Spawn: argument 1 of lab_test.grid cannot be sent to another process: element ["k"][0] is a chan int. Pass values and return results: a channel connects goroutines of one process`},
	} {
		_, err := lab.Spawn(c.ctx, c.fn, c.args...)
		wantUsage(t, err, c.want)
	}
}

func TestProcPool(t *testing.T) {
	ctx := t.Context()
	pool, err := lab.NewProcPool(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	xs := make([]int, 5000)
	for i := range xs {
		xs[i] = i
	}
	threads := lab.NewPool(2)
	defer threads.Close()
	for _, opts := range [][]lab.MapOption{nil, {lab.Chunk(1)}, {lab.Chunk(700)}, {lab.Static()}} {
		var got [2][]int
		for i, ex := range []lab.Executor{threads, pool} {
			if got[i], err = lab.Map(ctx, ex, xs, squareOf, opts...); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("processes and goroutines return different results")
		}
	}
	if _, err := lab.Map(ctx, pool, xs, wrapsEOF); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	if got, err := lab.Map(ctx, pool, []int(nil), squareOf); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if v, err := lab.Submit(ctx, pool, customError).Await(ctx); v != 0 || err == nil {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := lab.SubmitWith(ctx, pool, squareOf, 9).Await(ctx); v != 81 || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := lab.SubmitWith(ctx, threads, squareOf, 9).Await(ctx); v != 81 || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	_, _, here, _ := runtime.Caller(0)
	wantMisuse(t, func() {
		lab.Submit(ctx, pool, func(context.Context) (int, error) { return len(xs), nil })
	}, fmt.Sprintf("lab.Submit: the function literal at process_test.go:%d captures variables, which another process does not have: pass them as arguments", here+2))
	if len(pool.Pids()) != 2 || pool.Size() != 2 {
		t.Errorf("%v", pool.Pids())
	}
	pids := pool.Pids()
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	if _, err := lab.Map(ctx, pool, xs, squareOf); !errors.Is(err, lab.ErrPoolClosed) {
		t.Errorf("%v", err)
	}
}

// A process that ends fails its own task, and is replaced.
func TestProcPoolReplaces(t *testing.T) {
	ctx := t.Context()
	pool, err := lab.NewProcPool(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for i := range 5 {
		bad := lab.SubmitWith(ctx, pool, exitWith, 3)
		good := lab.SubmitWith(ctx, pool, squareOf, i)
		var w *lab.WorkerError
		if _, err := bad.Await(ctx); !errors.As(err, &w) || w.Code != 3 {
			t.Errorf("%v", err)
		}
		if v, err := good.Await(ctx); v != i*i || err != nil {
			t.Errorf("%v, %v", v, err)
		}
		if _, err := lab.SubmitWith(ctx, pool, panicWith, 1).Await(ctx); err == nil || err.Error() == "" {
			t.Errorf("%v", err)
		}
	}
	// one that ends while it is idle fails no task
	for _, pid := range pool.Pids() {
		kill(pid)
	}
	for i := range 4 {
		if v, err := lab.SubmitWith(ctx, pool, squareOf, i).Await(ctx); v != i*i || err != nil {
			t.Errorf("%v, %v", v, err)
		}
	}
}

// TestKills kills busy processes at random moments. The caller submits failed tasks again.
func TestKills(t *testing.T) {
	kills := 40
	if testing.Short() {
		kills = 10
	}
	if *manyKills > 0 {
		kills = *manyKills
	}
	ctx := t.Context()
	before := descriptors(t)
	pool, err := lab.NewProcPool(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	var killed, again atomic.Int64
	var done sync.WaitGroup
	for g := range 6 {
		done.Go(func() {
			for i := 0; killed.Load() < int64(kills) || i < 50; i++ {
				x := g*1_000_000 + i
				for {
					v, err := lab.SubmitWith(ctx, pool, burn, x).Await(ctx)
					if w := (*lab.WorkerError)(nil); errors.As(err, &w) {
						again.Add(1)
						continue
					}
					if v != x+1 || err != nil {
						t.Errorf("%d: %v, %v", x, v, err)
					}
					break
				}
			}
		})
	}
	for killed.Load() < int64(kills) {
		pids := pool.Pids()
		if len(pids) > 0 && kill(pids[rand.IntN(len(pids))]) == nil { // else all have just been killed
			killed.Add(1)
		}
		lab.Sleep(ctx, time.Duration(rand.IntN(40))*time.Millisecond)
	}
	done.Wait()
	pids := pool.Pids()
	pool.Close()
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
	t.Logf("%d kills, %d tasks submitted again", killed.Load(), again.Load())
}

// descriptors counts those of this process. The memory that it shares with processes is one of them, from the
// first start on.
func descriptors(t *testing.T) int {
	p, err := lab.Spawn(t.Context(), twice, 1.0)
	if err == nil {
		err = p.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(d)
}

// A pool that is no longer used lets its processes go.
func TestForgottenProcPool(t *testing.T) {
	pids := func() []int {
		pool, err := lab.NewProcPool(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return pool.Pids()
	}()
	for i := 0; alive(pids[0]); i++ {
		if i == 1000 {
			t.Fatal("the process is left")
		}
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
}

func TestProcessOutput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	p, err := lab.Spawn(t.Context(), writeBoth, 1)
	if err == nil {
		err = p.Wait(t.Context())
	}
	os.Stdout, os.Stderr = out, stderr
	w.Close()
	b, _ := io.ReadAll(r)
	r.Close()
	lines := strings.Split(string(b), "\n")
	slices.Sort(lines)
	if want := []string{"", "process: to standard error", "process: to standard output"}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestProcessMisuse(t *testing.T) {
	ctx := t.Context()
	var nilContext context.Context
	_, err := lab.NewProcPool(nilContext, 1)
	wantUsage(t, err, "lab.NewProcPool: nil context: pass ctx, or context.Background()")
	_, err = lab.NewProcPool(ctx, 0)
	wantUsage(t, err, "lab.NewProcPool: size 0: need at least 1")
	wantUsage(t, new(lab.ProcPool).Close(), "lab.ProcPool.Shutdown: the pool was never made: lab.NewProcPool makes one")
	wantUsage(t, new(lab.Process).Wait(ctx), "lab.Process.Wait: the process was never made: lab.Spawn makes one")
	p, err := lab.Spawn(ctx, twice, 1.0)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var x, y float64
	wantUsage(t, p.Wait(ctx, &n), "lab.Process.Wait: result 1 of lab_test.twice is of type float64: need a *float64, got a value of type *int")
	wantUsage(t, p.Wait(ctx, &x, &y), "lab.Process.Wait: lab_test.twice has 1 result besides an error, got 2 pointers")
	if err := p.Wait(ctx, &x); x != 2 || err != nil {
		t.Errorf("%v, %v", x, err)
	}
	var none func(context.Context, int) (int, error)
	wantMisuse(t, func() { lab.SubmitWith(ctx, nil, none, 1) }, "lab.SubmitWith: nil function")
	wantMisuse(t, func() { lab.SubmitWith(ctx, new(lab.ProcPool), squareOf, 1) }, "lab.SubmitWith: the pool was never made: lab.NewProcPool makes one")
	wantMisuse(t, func() { lab.Submit(ctx, (*lab.ProcPool)(nil), customError) }, "lab.Submit: the pool was never made: lab.NewProcPool makes one")
	_, err = lab.Map(ctx, (*lab.ProcPool)(nil), []int{1}, squareOf)
	wantUsage(t, err, "lab.Map: the pool was never made: lab.NewProcPool makes one")
	_, err = lab.Map(ctx, new(lab.ProcPool), []int{1}, squareOf)
	wantUsage(t, err, "lab.Map: the pool was never made: lab.NewProcPool makes one")
}
