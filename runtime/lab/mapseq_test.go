package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

// from yields first, first+1 and so on.
func from(first int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := first; yield(i); i++ {
		}
	}
}

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// yielded returns what a sequence yields: the results, and the error that ends it.
func yielded[U any](t *testing.T, seq iter.Seq2[U, error]) (us []U, err error) {
	t.Helper()
	for u, e := range seq {
		if err != nil {
			t.Error("more after an error")
		}
		if err = e; err == nil {
			us = append(us, u)
		}
	}
	return us, err
}

func failsAt5(_ context.Context, x int) (int, error) {
	if x == 5 {
		return 55, io.ErrUnexpectedEOF
	}
	return x * x, nil
}

func panicsAt5(_ context.Context, x int) (int, error) {
	if x == 5 {
		panic("five")
	}
	return x * x, nil
}

func leavesAt5(_ context.Context, x int) (int, error) {
	if x == 5 {
		runtime.Goexit()
	}
	return x * x, nil
}

func exitsAt5(_ context.Context, x int) (int, error) {
	if x == 5 {
		os.Exit(3)
	}
	return x * x, nil
}

func channelAt5(_ context.Context, x int) (any, error) {
	if x == 5 {
		return make(chan int), nil
	}
	return x * x, nil
}

func same(_ context.Context, x any) (any, error) { return x, nil }

// everyExecutor has one of each kind.
func everyExecutor(t *testing.T) map[string]lab.Executor {
	processes, err := lab.NewProcPool(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { processes.Close() })
	return map[string]lab.Executor{"nil": nil, "one": lab.NewPool(1), "three": lab.NewPool(3), "processes": processes}
}

func TestMapSeq(t *testing.T) {
	t.Parallel()
	for name, ex := range everyExecutor(t) {
		for _, n := range []int{0, 1, 2, 1000} {
			for way, opts := range map[string][]lab.MapOption{"auto": nil, "1": {lab.Chunk(1)}, "7": {lab.Chunk(7)}, "5000": {lab.Chunk(5000), lab.Dynamic()}} {
				seq := lab.MapSeq(t.Context(), ex, upTo(n), squareOf, opts...)
				for range 2 { // each loop begins anew
					got, err := yielded(t, seq)
					for i, x := range got {
						if x != i*i {
							t.Fatalf("%s, %d, %s: result %d is %d", name, n, way, i, x)
						}
					}
					if len(got) != n || err != nil {
						t.Errorf("%s, %d, %s: %d results, %v", name, n, way, len(got), err)
					}
				}
				got, err := yielded(t, lab.MapSeq(t.Context(), ex, upTo(n), squareOf, append(opts, lab.Unordered())...))
				slices.Sort(got)
				if len(slices.Compact(got)) != n || n > 0 && got[n-1] != (n-1)*(n-1) || err != nil {
					t.Errorf("%s, %d, %s, unordered: %d results, %v", name, n, way, len(got), err)
				}
			}
		}
	}
}

// The error of an item stands at the item's place, however many items are in its batch.
func TestMapSeqErrorsStandAtTheirPlaces(t *testing.T) {
	t.Parallel()
	squares := []int{0, 1, 4, 9, 16}
	for name, ex := range everyExecutor(t) {
		for way, opts := range map[string][]lab.MapOption{"auto": nil, "1": {lab.Chunk(1)}, "4": {lab.Chunk(4)}, "100": {lab.Chunk(100)}} {
			check := func(what string, seq iter.Seq2[int, error], ok func(error) bool) {
				t.Helper()
				if got, err := yielded(t, seq); !slices.Equal(got, squares) || !ok(err) {
					t.Errorf("%s, %s: %s: %v, %v", name, way, what, got, err)
				}
			}
			check("error", lab.MapSeq(t.Context(), ex, from(0), failsAt5, opts...), func(err error) bool { return err == io.ErrUnexpectedEOF })
			check("panic", lab.MapSeq(t.Context(), ex, from(0), panicsAt5, opts...), func(err error) bool {
				p := (*lab.PanicError)(nil)
				return errors.As(err, &p) && p.Value == "five" && strings.Contains(p.Where, "mapseq_test.go:") && strings.Contains(p.Spawn, "mapseq_test.go:")
			})
			check("Goexit", lab.MapSeq(t.Context(), ex, from(0), leavesAt5, opts...), func(err error) bool { return err == lab.ErrGoexit })
		}
	}
}

func TestMapSeqInProcesses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool, err := lab.NewProcPool(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	items := []any{0, "1", nil, &ledger{}, make(chan int), 5}
	for _, k := range []int{1, 2, 3, 100} {
		got, err := yielded(t, lab.MapSeq(ctx, pool, slices.Values(items), same, lab.Chunk(k)))
		wantUsage(t, err, "lab.MapSeq: item 4 cannot be sent to another process: it is a chan int. Pass values and return results: a channel connects goroutines of one process")
		if len(got) != 4 {
			t.Errorf("chunks of %d: %v before what cannot be sent", k, got)
		}
		got, err = yielded(t, lab.MapSeq(ctx, pool, from(0), channelAt5, lab.Chunk(k)))
		if len(got) != 5 || err == nil || !strings.Contains(err.Error(), "lab_test.channelAt5 cannot be copied from its process") {
			t.Errorf("chunks of %d: %v, %v", k, got, err)
		}
		squares, err := yielded(t, lab.MapSeq(ctx, pool, from(0), exitsAt5, lab.Chunk(k)))
		if w := (*lab.WorkerError)(nil); !errors.As(err, &w) || w.Code != 3 || len(squares) != 5/k*k {
			t.Errorf("chunks of %d: %v, %v", k, squares, err)
		}
	}
	n := 0
	line := lineOf(t) + 2
	wantMisuse(t, func() {
		lab.MapSeq(ctx, pool, from(0), func(_ context.Context, x int) (int, error) { return x + n, nil })
	}, fmt.Sprintf("lab.MapSeq: the function literal at mapseq_test.go:%d captures variables, which another process does not have: pass them as arguments", line))
	// a loop that is left ends what runs, with its process if it does not return
	for range lab.MapSeq(ctx, pool, from(0), func(ctx context.Context, x int) (int, error) {
		if x > 0 {
			<-ctx.Done()
		}
		return x, nil
	}, lab.Chunk(1)) {
		break
	}
	if stats := pool.Stats(); stats.Running != 0 || stats.Waiting != 0 {
		t.Errorf("after a loop that was left: %v", stats)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	if got, err := yielded(t, lab.MapSeq(ctx, pool, from(0), squareOf)); len(got) > 0 || !errors.Is(err, lab.ErrPoolClosed) {
		t.Errorf("%v, %v", got, err)
	}
}

// lineOf returns the line of its caller.
func lineOf(t *testing.T) int {
	_, _, line, ok := runtime.Caller(1)
	if !ok {
		t.Fatal("no line")
	}
	return line
}

// An endless sequence is read only so far ahead of the loop.
func TestMapSeqLooksAhead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ size, chunk, want int }{
		{1, 1, 4 + 1 + 1},       // four batches, one more that is full, and an item for the next
		{2, 3, 8*3 + 3 + 1 + 2}, // two of the batch that the loop has begun
		{3, 0, 12*4096 + 4096 + 1 + 4095},
	} {
		synctest.Test(t, func(t *testing.T) {
			pool := lab.NewPool(c.size)
			var opts []lab.MapOption
			if c.chunk > 0 {
				opts = append(opts, lab.Chunk(c.chunk))
			}
			read, taken := 0, 0
			for range lab.MapSeq(t.Context(), pool, func(yield func(int) bool) {
				for i := 0; yield(i); i++ {
					read++
				}
			}, squareOf, opts...) {
				taken++
				synctest.Wait()
				if ahead := read + 1 - taken; ahead > c.want {
					t.Fatalf("%d workers, chunks of %d: %d items were read ahead, want at most %d", c.size, c.chunk, ahead, c.want)
				} else if c.chunk == 1 && ahead < c.want-1 {
					t.Fatalf("%d workers: only %d items were read ahead", c.size, ahead)
				}
				if taken == 5000 {
					break
				}
			}
		})
	}
}

// Results come when they are there, also when xs is slow and batches have become long.
func TestMapSeqDoesNotHoldResultsBack(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]lab.MapOption{nil, {lab.Unordered()}} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			xs := func(yield func(int) bool) {
				for i := range 1013 { // the last thirteen come one a second
					if i >= 1000 {
						time.Sleep(time.Second)
					}
					if !yield(i) {
						return
					}
				}
				time.Sleep(time.Hour)
			}
			n := 0
			for x, err := range lab.MapSeq(t.Context(), lab.NewPool(2), xs, id, opts...) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				if late := time.Since(begin) - time.Duration(max(0, x-999))*time.Second; late < 0 || late > time.Millisecond {
					t.Errorf("%d came %v late", x, late)
				}
			}
			if n != 1013 {
				t.Errorf("%d results", n)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // while one item takes an hour, the others are worked off
		begin := time.Now()
		slow := func(ctx context.Context, x int) (int, error) {
			if x == 20_000 {
				lab.Sleep(ctx, time.Hour)
			}
			return x, nil
		}
		n := 0
		for x, err := range lab.MapSeq(t.Context(), lab.NewPool(2), upTo(40_000), slow, lab.Unordered()) {
			if n++; err != nil || time.Since(begin) > time.Second && n < 40_000-4096 {
				t.Fatalf("result %d is %v, %v after %v", n, x, err, time.Since(begin))
			}
		}
	})
}

// What the loop does with a result may decide about the next item.
func TestMapSeqFeedsBack(t *testing.T) {
	t.Parallel()
	pool := lab.NewPool(2)
	defer pool.Close()
	todo := lab.NewQueue[int](0)
	todo.TryPut(1)
	var got []int
	xs := func(yield func(int) bool) {
		for x := range todo.All(t.Context()) {
			if !yield(x) {
				return
			}
		}
	}
	for x, err := range lab.MapSeq(t.Context(), pool, xs, squareOf) {
		if got = append(got, x); err != nil {
			t.Fatal(err)
		}
		if len(got) == 5 {
			todo.Shutdown(false)
		} else {
			todo.TryPut(x + 1)
		}
	}
	if want := []int{1, 4, 25, 676, 458329}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Of several errors the one at the first place is yielded, whenever it came; what comes after it is cancelled.
func TestMapSeqFirstPlaceWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended []string
		var mu sync.Mutex
		errs := []error{nil, nil, errors.New("second"), errors.New("third"), nil}
		fn := func(ctx context.Context, x int) (int, error) {
			err := lab.Sleep(ctx, time.Duration(10-x)*time.Second)
			if x == 4 {
				err = lab.Sleep(ctx, time.Hour)
			}
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, fmt.Sprint(x, ": ", err))
			if err == nil {
				err = errs[x]
			}
			return x, err
		}
		got, err := yielded(t, lab.MapSeq(t.Context(), lab.NewPool(9), upTo(5), fn))
		if !slices.Equal(got, []int{0, 1}) || err != errs[2] {
			t.Errorf("%v, %v", got, err)
		}
		if want := []string{"3: <nil>", "4: context canceled: third", "2: <nil>", "1: <nil>", "0: <nil>"}; !slices.Equal(ended, want) {
			t.Errorf("%q, want %q", ended, want)
		}
		ended = nil
		got, err = yielded(t, lab.MapSeq(t.Context(), lab.NewPool(9), upTo(5), fn, lab.Unordered()))
		if len(got) > 0 || err != errs[3] {
			t.Errorf("unordered: %v, %v", got, err)
		}
		if len(ended) != 5 || ended[0] != "3: <nil>" {
			t.Errorf("unordered: %q", ended)
		}
	})
}

// However a loop is left, what runs is cancelled and has ended.
func TestMapSeqIsLeft(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(){
		"break":  func() {},
		"panic":  func() { panic("out") },
		"Goexit": runtime.Goexit,
	} {
		for _, opts := range [][]lab.MapOption{nil, {lab.Unordered()}} {
			synctest.Test(t, func(t *testing.T) {
				pool := lab.NewPool(3)
				var running, reading atomic.Int32
				xs := func(yield func(int) bool) {
					reading.Add(1)
					defer reading.Add(-1)
					from(0)(yield)
				}
				over := make(chan struct{})
				go func() {
					defer close(over)
					defer func() { _ = recover() }()
					defer func() {
						if running.Load() != 0 || reading.Load() != 0 {
							t.Errorf("%s: %d run, %d read", name, running.Load(), reading.Load())
						}
					}()
					for range lab.MapSeq(t.Context(), pool, xs, func(ctx context.Context, x int) (int, error) {
						running.Add(1)
						defer running.Add(-1)
						if x > 1 {
							<-ctx.Done()
							time.Sleep(time.Minute)
						}
						return x, nil
					}, append(opts, lab.Chunk(1))...) {
						synctest.Wait()
						if running.Load() == 0 {
							t.Errorf("%s: none runs", name)
						}
						leave()
						break
					}
				}()
				<-over
				if s := pool.Stats(); s.Running != 0 || s.Waiting != 0 {
					t.Errorf("%s: %v", name, s)
				}
			})
		}
	}
}

// When the context ends, what is there is yielded, then why.
func TestMapSeqContextEnds(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]lab.MapOption{nil, {lab.Unordered()}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(3500*time.Millisecond, func() { cancel(errBoom) })
			fn := func(ctx context.Context, x int) (int, error) { return x, lab.Sleep(ctx, time.Duration(x)*time.Second) }
			got, err := yielded(t, lab.MapSeq(ctx, lab.NewPool(8), from(0), fn, opts...))
			if !slices.Equal(got, []int{0, 1, 2, 3}) || !errors.Is(err, errBoom) || !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v", got, err)
			}
			if took := time.Now(); took.Nanosecond() != int(500*time.Millisecond) {
				t.Errorf("ended at %v", took)
			}
		})
		synctest.Test(t, func(t *testing.T) { // while xs waits, with items that nothing holds up
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			xs := func(yield func(int) bool) {
				if yield(1) && yield(2) {
					lab.Sleep(ctx, time.Hour)
				}
			}
			got, err := yielded(t, lab.MapSeq(ctx, nil, xs, id, opts...))
			if !slices.Equal(got, []int{1, 2}) || err != nil { // xs has no more, so all is done
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
