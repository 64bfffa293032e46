package lab_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// What results tell a figure is what they hold.
func TestResultsTell(t *testing.T) {
	t.Parallel()
	stats := func(name string, median float64) lab.Stats {
		return lab.Stats{Name: name, Median: median, Lo: median - 1, Hi: median + 1, Confidence: 0.9, Samples: []float64{median, 7}, Engine: "engine of " + name}
	}
	var got []string
	tell := func(v ...any) { got = append(got, fmt.Sprintln(v...)) }
	timing := func(name string, median, lo, hi, confidence float64) { tell(name, median, lo, hi, confidence) }

	s := lab.Scaling{Name: "sum", Points: []lab.ScalePoint{{Workers: 1, Stats: stats("x", 10)}, {Workers: 2, Stats: stats("y", 6)}}}
	tell(s.EachPoint(func(workers int, median, lo, hi, confidence float64) { tell(workers, median, lo, hi, confidence) }))
	tell(s.EachTiming(timing))
	s.Procs = true
	tell(s.EachPoint(func(int, float64, float64, float64, float64) {}))
	c := lab.Comparison{Name: "naps", Tasks: 3, Rows: []lab.CompareRow{{Way: lab.Pooled, Stats: stats("z", 5)}}}
	tell(c.EachTiming(timing))
	tell(c.Rows[0].Stats.EachTiming(timing))
	tell(c.Rows[0].Stats.EachSample(func(ns float64) { tell(ns) }))
	table := lab.LitmusTable{Name: "race", Rows: []lab.LitmusRow{{Result: "1 2", Count: 4, Verdict: lab.Forbidden}, {Result: "2 1"}}}
	tell(table.EachOutcome(func(result string, count int, verdict string) { tell(result, count, verdict) }))
	for _, r := range []interface{ RanBy() string }{s, c, c.Rows[0].Stats, lab.LitmusTable{Engine: "yaegi"}, lab.Scaling{}, lab.Comparison{}} {
		tell(r.RanBy())
	}
	want := []string{
		"1 10 9 11 0.9\n", "2 6 5 7 0.9\n", "sum workers\n",
		"1 worker 10 9 11 0.9\n", "2 workers 6 5 7 0.9\n", "sum\n",
		"sum cores\n",
		"pool 5 4 6 0.9\n", "naps, 3 tasks\n",
		"z 5 4 6 0.9\n", "z\n",
		"5\n", "7\n", "z\n",
		"1 2 4 forbidden\n", "2 1 0 unforeseen\n", "race\n",
		"engine of x\n", "engine of z\n", "engine of z\n", "yaegi\n", "\n", "\n",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// What locks tell a figure is their history, under their name.
func TestLocksTell(t *testing.T) {
	t.Parallel()
	lock, rlock, rwlock, semaphore := lab.NewLock().Named("a").Watch(), lab.NewRLock().Named("b").Watch(), lab.NewRWLock(lab.PreferWriters).Named("c").Watch(), lab.NewSemaphore(1).Named("d").Watch()
	me := new(int)
	lab.Thread(t.Context(), "holder", func(ctx context.Context) {
		lock.Lock(ctx)
		lock.Unlock()
		rlock.Lock(ctx, me)
		rlock.Unlock(me)
		rwlock.Lock(ctx)
		rwlock.Unlock()
		semaphore.Do(ctx, func(context.Context) error { return nil })
	}).Await(t.Context())
	type holds interface {
		EachHold(f func(timeline.Hold)) (dropped int)
		History() ([]timeline.Hold, int)
	}
	for name, l := range map[string]holds{"a": lock, "b": rlock, "c": rwlock, "d": semaphore} {
		var got []timeline.Hold
		dropped := l.EachHold(func(h timeline.Hold) { got = append(got, h) })
		want, _ := l.History()
		if dropped != 0 || len(got) != 1 || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s, %d dropped: %+v, want %+v", name, dropped, got, want)
		}
		if h := got[0]; h.Lock != name || h.Who != "holder" || h.Goroutine == 0 || !strings.HasPrefix(h.From, "figures_test.go:") || h.Engine != "" {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

// A history tells apart goroutines of one line that have no name, as long as it has room.
func TestHoldersAreToldApart(t *testing.T) {
	t.Parallel()
	lock := lab.NewLock().Watch()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			for range 1000 {
				lock.Lock(t.Context())
				lock.Unlock()
			}
		})
	}
	wg.Wait()
	seen := map[int64]bool{}
	from := map[string]bool{}
	dropped := lock.EachHold(func(h timeline.Hold) { seen[h.Goroutine], from[h.From] = true, true })
	if len(seen) < 5 || seen[0] || len(from) != 1 || dropped != 5000-4096 {
		t.Errorf("goroutines %v from %v, %d dropped", seen, from, dropped)
	}
}

// A watched RWLock tells readers from writers, and which reader leaves.
func TestReadersAreNoted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lock := lab.NewRWLock(lab.PreferNobody).Named("table")
		if err := lock.RLock(t.Context()); err != nil { // not watched yet, and leaves last
			t.Fatal(err)
		}
		lock.Watch()
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				if err := lock.RLock(t.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(3-i) * time.Second)
				lock.RUnlock()
			})
			synctest.Wait()
		}
		wg.Wait()
		go func() { // waits for the first
			if err := lock.Lock(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		time.Sleep(time.Second)
		lock.RUnlock()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		lock.Unlock() // anybody may
		if err := lock.RLock(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		wg.Go(lock.RUnlock) // not by who came: there is but one
		wg.Wait()
		var got []string
		lock.EachHold(func(h timeline.Hold) { got = append(got, fmt.Sprint(h.Lock, " ", h.Mode, " ", h.Wait, " ", h.Hold)) })
		want := []string{"table reading 0s 1s", "table reading 0s 2s", "table reading 0s 3s", "table writing 1s 2s", "table reading 0s 4s"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
