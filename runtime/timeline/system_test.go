package timeline

import (
	"bytes"
	"context"
	"maps"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTicks(t *testing.T) {
	t.Parallel()
	got := parseTicks([]byte("cpu  664836 36492 244542 574133 1634 0 1227 1679 0 0\n" +
		"cpu0 331755 18573 120581 289803 394 7 261 811 5 9\ncpu13 1 2 3 4\ncpu14 x\nintr 28286491 0 0\nbtime 17\n"))
	want := map[int]coreTicks{0: {331755 + 18573 + 120581 + 7 + 261, 811}, 13: {6, 0}}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestSampling: whatever the readings, samples follow each other without gaps and are few, and together they hold every tick.
func TestSampling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := int64(rapid.IntRange(0, 1000).Draw(t, "start"))
		s := &sampler{last: map[int]coreTicks{0: {start, 5}}, cores: map[int]*SystemCore{}, pace: samplePace}
		var at time.Duration
		ticks, due := start, s.pace
		for range rapid.IntRange(1, 3000).Draw(t, "samples") {
			at += due
			ticks += int64(due / SystemTick / 2)
			due = s.sample(map[int]coreTicks{0: {ticks, 5}, 7: {1, 1}}, at)
		}
		c := s.cores[0]
		if n := len(c.Samples); n == 0 || n >= maxSamples {
			t.Fatalf("%d samples", n)
		}
		var end, busy time.Duration
		for _, x := range c.Samples {
			if x.Start != end || x.End <= x.Start {
				t.Fatalf("a sample from %v to %v after %v", x.Start, x.End, end)
			}
			end = x.End
			busy += x.Busy
		}
		if want := time.Duration(ticks-start) * SystemTick; end != at || busy != want {
			t.Fatalf("until %v, busy %v; want %v, %v", end, busy, at, want)
		}
		if busy, wrong := c.Share(); busy < 0.49 || busy > 0.51 || wrong > 0.101 {
			t.Fatalf("share %v ± %v", busy, wrong)
		}
	})
	if busy, wrong := new(SystemCore).Share(); busy != 0 || wrong != 1 {
		t.Errorf("of nothing: %v ± %v", busy, wrong)
	}
}

// TestSamplerHides: between its readings a sampler has no goroutine, and after its end nothing of it runs.
func TestSamplerHides(t *testing.T) {
	if s := beginSampling(); s != nil { // its first tick is far away
		if b := dump(); bytes.Contains(b, []byte("timeline.(*sampler)")) {
			t.Errorf("a goroutine of the sampler: %s", b)
		}
		s.end()
	}
	for range 50 {
		s := &sampler{start: time.Now(), last: map[int]coreTicks{}, cores: map[int]*SystemCore{}, pace: time.Microsecond}
		s.wg.Add(1)
		s.mu.Lock()
		s.timer = time.AfterFunc(s.pace, s.tick)
		s.mu.Unlock()
		runtime.Gosched()
		s.end()
		at := s.at
		if s.timer.Stop() {
			t.Fatal("a tick is due after the end")
		}
		s.end()
		if s.at != at {
			t.Fatal("a second end took a reading")
		}
	}
}

// TestSystemCores: a recording tells what the machine's cores did, on systems that tell it.
func TestSystemCores(t *testing.T) {
	if len(readTicks()) == 0 {
		t.Skip("this system tells nothing of its cores")
	}
	e, err := Record(context.Background(), func() {
		for end := time.Now().Add(250 * time.Millisecond); time.Now().Before(end); {
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var busy time.Duration
	for _, c := range e.SystemCores {
		for _, s := range c.Samples {
			busy += s.Busy
		}
		if n := len(c.Samples); n < 2 || c.Samples[0].Start != 0 || c.Samples[n-1].End < e.Recorded {
			t.Errorf("core %d: %v for %v", c.ID, c.Samples, e.Recorded)
		}
	}
	if len(e.SystemCores) != len(readTicks()) || busy < 100*time.Millisecond {
		t.Errorf("%d cores were busy for %v", len(e.SystemCores), busy)
	}
	for _, g := range e.Goroutines {
		if !g.Main {
			t.Errorf("%+v takes part, and nobody but the recorder started it", g)
		}
	}
}
