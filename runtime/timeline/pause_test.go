package timeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"

	"interleave/runtime/timeline"
)

// arm arms a recorder for the calling goroutine.
func arm(t *testing.T) *timeline.Recorder {
	t.Helper()
	r := new(timeline.Recorder)
	if err := r.Arm(); err != nil {
		t.Fatal(err)
	}
	r.Main("cell[7]")
	return r
}

func hold(c chan bool) { <-c }

// allHold waits until n goroutines are blocked in hold, and so many are those that the test calls gone.
func allHold(t *testing.T, n, gone int) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for range 20_000 {
		held, there := 0, 0
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			head, _, _ := strings.Cut(g, "\n")
			if strings.Contains(g, "timeline_test.hold(") && strings.Contains(head, "[chan receive") {
				held++
			}
			if strings.Contains(g, "timeline_test.TestPause.func1.2(") {
				there++
			}
		}
		if held == n && there == gone {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("there are never %d goroutines that hold", n)
}

// stop ends r's recording, which must not fail, and checks what holds for every experiment.
func stop(t *testing.T, r *timeline.Recorder) *timeline.Experiment {
	t.Helper()
	e, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	if e != nil {
		check(t, e)
	}
	return e
}

// TestPause: a recording continues after a pause, with the same goroutines, and says what it left out.
func TestPause(t *testing.T) {
	onProcs(t, func(t *testing.T) {
		r := arm(t)
		timeline.Started()
		var wg sync.WaitGroup
		release, gone, wake, late := make(chan bool), make(chan bool), make(chan bool), make(chan bool)
		wg.Go(func() { timeline.Name("blocked"); hold(release) })
		go func() { timeline.Name("gone"); hold(gone) }()
		wg.Go(func() { timeline.Name("woken"); hold(wake); hold(release) })
		allHold(t, 3, 1)

		resume := timeline.Pause(t.Context(), "lab.Bench at cell[7]:2")
		if timeline.Recording() {
			t.Error("the tracer runs in a pause")
		}
		timeline.Started()
		if timeline.Recording() {
			t.Error("a start in a pause begins a recording")
		}
		close(gone)
		allHold(t, 2, 0)
		measured := make(chan bool)
		go func() { timeline.Name("measured"); close(measured) }()
		<-measured
		resume()
		resume()
		if !timeline.Recording() {
			t.Fatal("the recording does not go on")
		}
		wg.Go(func() { timeline.Name("late"); <-late })
		close(late)
		close(wake)
		close(release)
		wg.Wait()
		e := stop(t, r)

		if len(e.Gaps) != 1 || e.Gaps[0].Why != "lab.Bench at cell[7]:2" || e.Gaps[0].Took <= 0 {
			t.Fatalf("gaps %+v", e.Gaps)
		}
		gap := e.Gaps[0].At
		if gap <= 0 || gap >= e.Recorded || e.Cut != "" || e.Wall < e.Recorded {
			t.Errorf("a gap at %v of %v, wall %v, cut: %q", gap, e.Recorded, e.Wall, e.Cut)
		}
		if text := e.Summary(); !strings.Contains(text, " not recorded: lab.Bench at cell[7]:2 · ") {
			t.Errorf("the summary is\n%s", text)
		}
		if main := e.Goroutines[0]; !main.Main || main.Name != "cell[7]" || !main.Alive || main.End != e.Recorded {
			t.Errorf("main is %+v", main)
		}
		blocked := named(t, e, "blocked")
		if s := longest(blocked, timeline.Receiving); !(s.Start < gap && s.End > gap) {
			t.Errorf("a wait of %v to %v, the gap is at %v: %+v", s.Start, s.End, gap, blocked.Spans)
		}
		if g := named(t, e, "gone"); g.Alive || g.End > gap {
			t.Errorf("what ended in the gap at %v is %+v", gap, g)
		}
		if g := named(t, e, "late"); g.Start < gap || g.Alive || g.Parent != e.Goroutines[0].ID {
			t.Errorf("what began after the gap at %v is %+v", gap, g)
		}
		named(t, e, "woken")
		if slices.ContainsFunc(e.Goroutines, func(g timeline.Goroutine) bool { return g.Name == "measured" }) {
			t.Error("what was measured is in the experiment")
		}
		if len(e.Goroutines) != 5 || len(e.Left) != 0 {
			t.Errorf("%d goroutines, left %v", len(e.Goroutines), e.Left)
		}
	})
}

// TestPauseAsleep: a goroutine that does nothing after the gap is still there.
func TestPauseAsleep(t *testing.T) {
	r := arm(t)
	timeline.Started()
	release, ended := make(chan bool), make(chan bool)
	go func() { timeline.Name("asleep"); hold(release); close(ended) }()
	allHold(t, 1, 0)
	for range 3 {
		timeline.Pause(t.Context(), "measurement")()
	}
	e := stop(t, r)
	close(release)
	<-ended
	g := named(t, e, "asleep")
	if last := g.Spans[len(g.Spans)-1]; !g.Alive || last.State != timeline.Receiving || last.Start >= e.Gaps[0].At || last.End != e.Recorded {
		t.Errorf("%+v", g)
	}
	if len(e.Gaps) != 3 || len(e.Left) != 1 || e.Left[0].Name != "asleep" {
		t.Errorf("gaps %v, left %v", e.Gaps, e.Left)
	}
}

// TestPauses: pauses nest and overlap, end with their context, and end before or after what they keep from recording.
func TestPauses(t *testing.T) {
	r := arm(t)
	outer := timeline.Pause(t.Context(), "outer")
	inner := timeline.Pause(t.Context(), "inner")
	outer()
	timeline.Started()
	if timeline.Recording() {
		t.Error("the recording begins while one pause lasts")
	}
	inner()
	if timeline.Recording() {
		t.Error("the recording begins without a start")
	}
	timeline.Started()
	ctx, cancel := context.WithCancel(t.Context())
	timeline.Pause(ctx, "given up")
	late := timeline.Pause(t.Context(), "late")
	late()
	if timeline.Recording() {
		t.Error("recording in a pause")
	}
	cancel()
	for !timeline.Recording() { // the pause ends on another goroutine
		timeline.Pause(t.Context(), "poll")()
	}
	e := stop(t, r)
	if len(e.Gaps) < 2 || e.Gaps[0].At != 0 || e.Gaps[0].Why != "outer and inner" || e.Gaps[1].Why[:len("given up and late")] != "given up and late" {
		t.Errorf("gaps %+v", e.Gaps)
	}

	// A pause that lasts until Stop, and one that lasts until Halt.
	for _, halt := range []bool{false, true} {
		r = arm(t)
		timeline.Started()
		resume := timeline.Pause(t.Context(), "measurement")
		if halt {
			r.Halt()
			resume()
		}
		e = stop(t, r)
		resume()
		if len(e.Gaps) != 1 || e.Gaps[0].At != e.Recorded || e.Cut != "" || timeline.Recording() {
			t.Errorf("halted: %v; gaps %+v of %v, cut %q", halt, e.Gaps, e.Recorded, e.Cut)
		}
	}

	// Pauses between which nothing was recorded are one gap.
	r = arm(t)
	for range 3 {
		timeline.Pause(t.Context(), "measurement")()
	}
	timeline.Started()
	if e = stop(t, r); len(e.Gaps) != 1 || e.Gaps[0].Took <= 0 || e.Gaps[0].Why != "measurement" {
		t.Errorf("gaps %+v", e.Gaps)
	}

	// All that the cell did was measured: there is no experiment, and no error.
	r = arm(t)
	resume := timeline.Pause(t.Context(), "measurement")
	timeline.Started()
	resume()
	if e := stop(t, r); e != nil {
		t.Errorf("recorded %s", e.Summary())
	}

	// A measurement of before is to blame.
	resume = timeline.Pause(t.Context(), "lab.Bench at cell[1]:2")
	r = arm(t)
	timeline.Started()
	if e, err := r.Stop(); e != nil || !errors.Is(err, timeline.ErrPaused) || !strings.Contains(err.Error(), "lab.Bench at cell[1]:2") {
		t.Errorf("got %v, %v", e, err)
	}
	r = arm(t)
	resume()
	timeline.Started()
	if e := stop(t, r); e == nil || len(e.Gaps) != 1 || e.Gaps[0].At != 0 {
		t.Errorf("after the pause of before: %+v", e)
	}
}

// TestPauseByHand: a recording by hand is not paused, within a pause or around it, and an armed recorder waits for both.
func TestPauseByHand(t *testing.T) {
	r := arm(t)
	resume := timeline.Pause(t.Context(), "measurement")
	e := record(t, func() {
		done := make(chan bool)
		go func() { timeline.Name("by hand"); close(done) }()
		<-done
		resume()
		timeline.Started()
	})
	named(t, e, "by hand")
	if len(e.Gaps) > 0 {
		t.Errorf("gaps %+v", e.Gaps)
	}
	record(t, func() {
		resume := timeline.Pause(t.Context(), "measurement")
		if !timeline.Recording() {
			t.Error("a pause stopped a recording by hand")
		}
		resume()
	})
	timeline.Started()
	if e := stop(t, r); e == nil {
		t.Error("the armed recorder did not begin afterwards")
	}
}

// TestPauseBusy: when the user's trace runs after a pause, the recording has ended, and theirs is whole.
func TestPauseBusy(t *testing.T) {
	r := arm(t)
	timeline.Started()
	resume := timeline.Pause(t.Context(), "measurement")
	var user bytes.Buffer
	if err := trace.Start(&user); err != nil {
		t.Fatal(err)
	}
	resume()
	resume = timeline.Pause(t.Context(), "measurement")
	resume()
	if !trace.IsEnabled() {
		t.Error("the user's trace was stopped")
	}
	trace.Stop()
	e := stop(t, r)
	if !strings.Contains(e.Cut, timeline.ErrBusy.Error()) {
		t.Errorf("cut: %q", e.Cut)
	}
}

// TestPauseOften: a cell that measures again and again has a figure of its beginning.
func TestPauseOften(t *testing.T) {
	r := arm(t)
	timeline.Started()
	for range 30 {
		timeline.Pause(t.Context(), "measurement")()
	}
	if e := stop(t, r); e.Cut != "it was paused 16 times for measurements" || len(e.Gaps) != 16 {
		t.Errorf("cut: %q, %d gaps", e.Cut, len(e.Gaps))
	}
}

// TestPauseRaces: pauses by many goroutines, starts and the end of the recording come in any order.
func TestPauseRaces(t *testing.T) {
	for range 10 {
		r := arm(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					resume := timeline.Pause(t.Context(), "measurement")
					timeline.Started()
					resume()
					timeline.Started()
				}
			})
		}
		timeline.Started()
		stop(t, r)
		wg.Wait()
		if timeline.Recording() {
			t.Fatal("the tracer runs on")
		}
	}
	r := arm(t)
	if e := stop(t, r); e != nil {
		t.Errorf("a pause is left over: %+v", e)
	}
}

// TestBenchmark: a benchmark of package testing is left alone, and one that runs while a recording does is noted.
func TestBenchmark(t *testing.T) {
	benchmark := func(start func()) {
		testing.Benchmark(func(b *testing.B) {
			for range min(b.N, 100) {
				start()
				done := make(chan bool)
				go close(done)
				<-done
			}
		})
	}
	r := arm(t)
	benchmark(timeline.Started)
	timeline.Started()
	if e, err := r.Stop(); e != nil || err != timeline.ErrBenchmark {
		t.Errorf("the benchmark was first: %v, %v", e, err)
	}
	r = arm(t)
	timeline.Started()
	benchmark(func() {})
	if e := stop(t, r); !e.Benchmark {
		t.Error("a benchmark within a recording was not noted")
	}
	if e := record(t, func() {}); e.Benchmark {
		t.Error("a benchmark was noted that did not run")
	}
}

func ExamplePause() {
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		fmt.Println(err)
		return
	}
	timeline.Started()
	resume := timeline.Pause(context.Background(), "my benchmark")
	fmt.Println("measured while recording:", timeline.Recording())
	resume()
	e, err := r.Stop()
	fmt.Println(len(e.Gaps), "gap:", e.Gaps[0].Why, err)
	// Output:
	// measured while recording: false
	// 1 gap: my benchmark <nil>
}
