package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// A pipeline of any shape delivers each value once, in order where that is promised; when a stage fails the group's error is its
// own, and every goroutine ends.
func TestPipelineProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(rt, "n")
		workers := rapid.IntRange(1, 4).Draw(rt, "workers")
		bad := rapid.IntRange(-40, 39).Draw(rt, "bad")
		shape := rapid.SampledFrom([]string{"stage", "ordered", "fan", "batch", "merge"}).Draw(rt, "shape")
		delays := rapid.SliceOfN(rapid.IntRange(0, 9), 40, 40).Draw(rt, "delays")
		synctest.Test(t, func(t *testing.T) {
			in := make([]int, n)
			for i := range in {
				in[i] = i
			}
			var running atomic.Int32
			fn := func(ctx context.Context, x int) (int, error) {
				if r := running.Add(1); int(r) > workers && shape != "fan" && shape != "merge" {
					t.Errorf("%d workers of %d run", r, workers)
				}
				defer running.Add(-1)
				if err := lab.Sleep(ctx, time.Duration(delays[x])*time.Second); err != nil {
					return 0, err
				}
				if x == bad {
					return 0, planError(x)
				}
				return x, nil
			}
			g := lab.NewGroup(t.Context())
			source := lab.Source(g, slices.Values(in))
			var got []int
			var err error
			switch shape {
			case "stage":
				got, err = lab.Collect(g, lab.Stage(g, source, workers, fn))
				if workers > 1 {
					slices.Sort(got)
				}
			case "ordered":
				got, err = lab.Collect(g, lab.OrderedStage(g, source, workers, fn))
			case "fan":
				var outs []<-chan int
				for _, out := range lab.FanOut(g, source, workers) {
					outs = append(outs, lab.Stage(g, out, 1, fn))
				}
				got, err = lab.Collect(g, lab.FanIn(g, outs...))
				slices.Sort(got)
			case "batch":
				var batches [][]int
				batches, err = lab.Collect(g, lab.Batch(g, lab.OrderedStage(g, source, workers, fn), workers, 3*time.Second))
				for _, b := range batches {
					if len(b) == 0 || len(b) > workers {
						t.Errorf("a batch of %d, the size is %d", len(b), workers)
					}
				}
				got = slices.Concat(batches...)
			case "merge":
				parts := make([]<-chan int, workers)
				var odd []int
				for i := range parts {
					odd = odd[:0]
					for x := i; x < n; x += workers {
						odd = append(odd, x)
					}
					parts[i] = lab.OrderedStage(g, lab.Source(g, slices.Values(slices.Clone(odd))), 2, fn)
				}
				for range source {
				}
				got, err = lab.Collect(g, lab.Merge(g, cmp.Compare, parts...))
			}
			if bad >= 0 && bad < n {
				if err != error(planError(bad)) {
					t.Errorf("%s: got %v, want the error of %d", shape, err, bad)
				}
				return
			}
			if err != nil || !slices.Equal(got, in) {
				t.Errorf("%s: got %v, %v", shape, got, err)
			}
		})
	})
}

func TestTee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := []int{1, 2, 3, 4, 5}
		g := lab.NewGroup(t.Context())
		var wg sync.WaitGroup
		for _, out := range lab.Tee(g, lab.Source(g, slices.Values(in)), 3) {
			wg.Go(func() {
				var got []int
				for v := range out {
					got = append(got, v)
				}
				if !slices.Equal(got, in) {
					t.Errorf("one reader got %v", got)
				}
			})
		}
		wg.Wait()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// A reader who leaves cancels the context, and the pipeline goes away.
func TestPipelineAbandoned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g := lab.NewGroup(ctx)
		forever := func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
			}
		}
		same := func(_ context.Context, x int) (int, error) { return x, nil }
		stage := lab.OrderedStage(g, lab.Stage(g, lab.Source(g, forever), 3, same), 3, same)
		batches := lab.Batch(g, lab.FanIn(g, lab.Tee(g, lab.FanOut(g, stage, 1)[0], 2)...), 4, 0)
		if b := <-batches; len(b) != 4 {
			t.Errorf("got %v", b)
		}
		cancel()
		if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestBatchTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		in := make(chan int)
		out := lab.Batch(g, in, 3, time.Second)
		begin := time.Now()
		in <- 1
		in <- 2
		if b := <-out; len(b) != 2 || time.Since(begin) != time.Second {
			t.Errorf("got %v after %v, want two after a second", b, time.Since(begin))
		}
		go func() { in <- 3; in <- 4; in <- 5; in <- 6; close(in) }()
		if b, c := <-out, <-out; len(b) != 3 || len(c) != 1 || time.Since(begin) != time.Second {
			t.Errorf("got %v and %v after %v", b, c, time.Since(begin))
		}
		g.Wait()
	})
}

func TestPipelineMisuse(t *testing.T) {
	t.Parallel()
	g := lab.NewGroup(t.Context())
	defer g.Wait()
	same := func(_ context.Context, x int) (int, error) { return x, nil }
	in := make(chan int)
	wantMisuse(t, func() { lab.Source(nil, slices.Values([]int{1})) }, "lab.Source: nil group: make one with lab.NewGroup(ctx)")
	wantMisuse(t, func() { lab.Source[int](g, nil) }, "lab.Source: nil sequence")
	wantMisuse(t, func() { lab.Stage(g, nil, 1, same) }, "lab.Stage: nil channel")
	wantMisuse(t, func() { lab.Stage(g, in, 0, same) }, "lab.Stage: 0 workers: need at least 1")
	wantMisuse(t, func() { lab.OrderedStage[int, int](g, in, 1, nil) }, "lab.OrderedStage: nil function")
	wantMisuse(t, func() { lab.FanOut(g, in, 0) }, "lab.FanOut: 0: need at least 1")
	wantMisuse(t, func() { lab.FanIn(g, in, nil) }, "lab.FanIn: nil channel")
	wantMisuse(t, func() { lab.Tee(g, in, -1) }, "lab.Tee: -1: need at least 1")
	wantMisuse(t, func() { lab.Batch(g, in, 1, -1) }, "lab.Batch: wait -1 ns: need zero or more")
	wantMisuse(t, func() { lab.Merge(g, nil, in) }, "lab.Merge: nil function")
	_, err := lab.Collect[int](nil, in)
	wantUsage(t, err, "lab.Collect: nil group or channel")
}

// Whatever the pattern of requests: in no window of time pass more than the rate and the burst allow.
func TestLimiterProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		perSecond := rapid.IntRange(1, 20).Draw(rt, "rate")
		burst := rapid.IntRange(1, 5).Draw(rt, "burst")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 500), 1, 40).Draw(rt, "pauses")
		synctest.Test(t, func(t *testing.T) {
			l := lab.NewLimiter(float64(perSecond), burst)
			var at []time.Time
			for i, p := range pauses {
				time.Sleep(time.Duration(p) * time.Millisecond)
				if i%3 == 0 {
					if l.Allow() {
						at = append(at, time.Now())
					}
				} else if err := l.Wait(t.Context()); err != nil {
					t.Error(err)
				} else {
					at = append(at, time.Now())
				}
			}
			for i := range at {
				for j := i; j < len(at); j++ {
					if most := at[j].Sub(at[i]).Seconds()*float64(perSecond) + float64(burst) + 1e-6; float64(j-i+1) > most {
						t.Fatalf("%d passed in %v at %d/s with bursts of %d", j-i+1, at[j].Sub(at[i]), perSecond, burst)
					}
				}
			}
			if s := l.Stats(); s.Passed != len(at) || s.Passed+s.Refused != len(pauses) {
				t.Errorf("stats %+v, %d passed of %d", s, len(at), len(pauses))
			}
		})
	})
	wantMisuse(t, func() { lab.NewLimiter(0, 1) }, "lab.NewLimiter: rate 0 per second: need more than zero")
	wantMisuse(t, func() { lab.NewLimiter(1, 0) }, "lab.NewLimiter: burst 0: need at least 1")
	l := lab.NewLimiter(1, 1)
	l.Allow()
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := l.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a turn after the deadline gave %v", err)
	}
	wantUsage(t, l.Wait(nil), "lab.Limiter.Wait: nil context: pass ctx, or context.Background()")
}

// Requests against a model: those that overlap a call share it, a memo calls once for each success.
func TestFlightProperties(t *testing.T) {
	t.Parallel()
	type request struct {
		key   int
		at    int // seconds
		limit int
	}
	rapid.Check(t, func(rt *rapid.T) {
		requests := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) request {
			return request{rapid.IntRange(0, 2).Draw(t, "key"), rapid.IntRange(0, 20).Draw(t, "at"), rapid.IntRange(1, 12).Draw(t, "limit")}
		}), 1, 20).Draw(rt, "requests")
		memo := rapid.Bool().Draw(rt, "memo")
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			running, succeeded := map[int]int{}, map[int]int{}
			fn := func(ctx context.Context, key int) (string, error) {
				mu.Lock()
				if running[key]++; running[key] > 1 {
					t.Errorf("key %d is called twice at once", key)
				}
				mu.Unlock()
				err := lab.Sleep(ctx, 5*time.Second+time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				running[key]--
				if err == nil {
					succeeded[key]++
				}
				return fmt.Sprint("value ", key), err
			}
			f := lab.NewFlight(fn)
			if memo {
				f = lab.NewMemo(fn)
			}
			var wg sync.WaitGroup
			for i, r := range requests {
				wg.Go(func() {
					time.Sleep(time.Duration(r.at)*time.Second + time.Duration(i)*time.Microsecond)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.limit)*time.Second)
					defer cancel()
					begin := time.Now()
					v, err := f.Get(ctx, r.key)
					took := time.Since(begin)
					switch {
					case err == nil && v == fmt.Sprint("value ", r.key) && took <= 5*time.Second+time.Millisecond:
					case err == context.DeadlineExceeded && took == time.Duration(r.limit)*time.Second && r.limit <= 5:
					default:
						t.Errorf("%+v got %q, %v after %v", r, v, err, took)
					}
				})
			}
			wg.Wait()
			if s := f.Stats(); s.Calls+s.Merged+s.Hits != len(requests) || !memo && s.Hits != 0 {
				t.Errorf("%d requests, stats %+v", len(requests), s)
			}
			for key, n := range succeeded {
				if memo && n != 1 {
					t.Errorf("a memo called for key %d with success %d times", key, n)
				}
			}
		})
	})
}

func TestFlightForgetAndPanic(t *testing.T) {
	t.Parallel()
	calls := 0
	f := lab.NewMemo(func(_ context.Context, key string) (int, error) {
		if calls++; key == "bad" {
			panic("boom")
		}
		return calls, nil
	})
	for _, want := range []int{1, 1} {
		if v, err := f.Get(t.Context(), "a"); v != want || err != nil {
			t.Errorf("got %v, %v", v, err)
		}
	}
	f.Forget("a")
	if v, _ := f.Get(t.Context(), "a"); v != 2 {
		t.Errorf("after Forget got %v", v)
	}
	_, err := f.Get(t.Context(), "bad")
	wantPanic(t, err, "boom", "lab_test")
	_, err = f.Get(nil, "a")
	wantUsage(t, err, "lab.Flight.Get: nil context: pass ctx, or context.Background()")
	wantMisuse(t, func() { lab.NewFlight[int, int](nil) }, "lab.NewFlight: nil function")
	wantMisuse(t, func() { lab.NewMemo[int, int](nil) }, "lab.NewMemo: nil function")
}

// Each subscriber gets a subsequence of what was published, all of it when the policy is Block, and what is missing is counted.
func TestBroadcastProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		policy := rapid.SampledFrom([]lab.Policy{lab.Block, lab.DropOldest, lab.DropNewest}).Draw(rt, "policy")
		n := rapid.IntRange(0, 30).Draw(rt, "n")
		paces := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 4).Draw(rt, "paces")
		buffer := rapid.IntRange(1, 5).Draw(rt, "buffer")
		synctest.Test(t, func(t *testing.T) {
			b := lab.NewBroadcast[int](policy)
			got := map[int][]int{}
			var mu sync.Mutex
			var wg sync.WaitGroup
			subs := make([]*lab.Subscription[int], len(paces))
			for i, pace := range paces {
				subs[i] = b.Subscribe(buffer)
				wg.Go(func() {
					for {
						v, err := subs[i].Next(t.Context())
						if err == lab.ErrClosed {
							return
						}
						mu.Lock()
						got[i] = append(got[i], v)
						mu.Unlock()
						time.Sleep(time.Duration(pace) * time.Second)
					}
				})
			}
			gone := b.Subscribe(buffer)
			gone.Cancel()
			gone.Cancel()
			for i := range n {
				if err := b.Publish(t.Context(), i); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
			b.Close()
			b.Close()
			wg.Wait()
			for i, sub := range subs {
				values := got[i]
				if !slices.IsSorted(values) || len(slices.Compact(slices.Clone(values))) != len(values) {
					t.Errorf("%v: subscriber %d got %v", policy, i, values)
				}
				if len(values)+sub.Dropped() != n || policy == lab.Block && sub.Dropped() > 0 || paces[i] <= 1 && sub.Dropped() > 0 {
					t.Errorf("policy %v, pace %d: got %d of %d and dropped %d", policy, paces[i], len(values), n, sub.Dropped())
				}
				if policy == lab.DropOldest && n > 0 && values[len(values)-1] != n-1 {
					t.Errorf("the newest value is missing in %v", values)
				}
				if policy == lab.DropNewest && n > 0 && values[0] != 0 {
					t.Errorf("the oldest value is missing in %v", values)
				}
			}
			if len(gone.C()) != 0 {
				t.Error("a cancelled subscription still gets values")
			}
			if err := b.Publish(t.Context(), 1); !errors.Is(err, lab.ErrClosed) || err.Error() != "lab.Broadcast.Publish: closed" {
				t.Errorf("publishing after Close gave %v", err)
			}
		})
	})
	wantMisuse(t, func() { lab.NewBroadcast[int](9) }, "lab.NewBroadcast: policy 9: need Block, DropOldest or DropNewest")
	wantMisuse(t, func() { lab.NewBroadcast[int](lab.DropOldest).Subscribe(0) }, "lab.Broadcast.Subscribe: buffer 0: need at least 1, or 0 with Block")
}
