package lab_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"interleave/runtime/lab"
)

// What results tell a figure is what they hold.
func TestResultsTell(t *testing.T) {
	t.Parallel()
	stats := func(name string, median float64) lab.Stats {
		return lab.Stats{Name: name, Median: median, Lo: median - 1, Hi: median + 1, Confidence: 0.9, Samples: []float64{median, 7}}
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
	want := []string{
		"1 10 9 11 0.9\n", "2 6 5 7 0.9\n", "sum workers\n",
		"1 worker 10 9 11 0.9\n", "2 workers 6 5 7 0.9\n", "sum\n",
		"sum cores\n",
		"pool 5 4 6 0.9\n", "naps, 3 tasks\n",
		"z 5 4 6 0.9\n", "z\n",
		"5\n", "7\n", "z\n",
		"1 2 4 forbidden\n", "2 1 0 unforeseen\n", "race\n",
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
		EachHold(f func(who, line string, asked time.Time, wait, hold time.Duration)) (name string, dropped int)
		History() ([]lab.LockEvent, int)
	}
	for name, l := range map[string]holds{"a": lock, "b": rlock, "c": rwlock, "d": semaphore} {
		var got []lab.LockEvent
		gotName, dropped := l.EachHold(func(who, line string, asked time.Time, wait, hold time.Duration) {
			got = append(got, lab.LockEvent{Who: who, Line: line, Asked: asked, Wait: wait, Hold: hold})
		})
		if want, _ := l.History(); gotName != name || dropped != 0 || len(got) != 1 || got[0].Who != "holder" || !reflect.DeepEqual(got, want) {
			t.Errorf("%s, %d dropped: %+v, want %s: %+v", gotName, dropped, got, name, want)
		}
	}
}
