package corpustest

import (
	"strings"
	"testing"
)

// What lab measures is not in the figure, which says so; the rest of the cell is, and goroutines that were left behind are listed.
func TestMeasuredCells(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.run("small := lab.BenchOptions{Repeats: 1, MinTime: 1, Warmup: 1}\nnoop := func(context.Context) error { return nil }")

	s := w.run("stop := make(chan bool)\ngo func() { <-stop }()\nlab.Bench(ctx, \"noop\", noop, small)\nclose(stop)\nnil")
	if got := s.of("figure"); !strings.Contains(got, " not recorded: lab.Bench at cell[2]:3 · ") || strings.Contains(got, "only the first") {
		t.Error(s)
	}
	s = w.run("lab.Measure(ctx, \"go\", func(context.Context) error { done := make(chan bool); go close(done); <-done; return nil }).Err")
	if s.of("figure") != "" || s.of("display") != "" || s.of("stderr") != "" {
		t.Error(s)
	}
	s = w.run("hold := make(chan bool)\nlab.Measure(ctx, \"leak\", func(context.Context) error { go func() { <-hold }(); return nil }).Err")
	if got := s.of("display"); s.of("figure") != "" || !strings.HasPrefix(got, "1 goroutine is still running after this cell:\n  goroutine ") || !strings.Contains(got, " [chan receive] cell[4]:2") {
		t.Error(s)
	}
	// A measurement that was interrupted keeps no later cell from being recorded, though its function never returns.
	s = w.run("lab.Measure(ctx, \"hangs\", func(context.Context) error { fmt.Println(\"ready\"); select {} })")
	if s.done.OK {
		t.Error(s)
	}
	if s = w.run("done := make(chan bool)\ngo close(done)\n<-done"); s.of("figure") == "" || s.of("stderr") != "" {
		t.Error(s)
	}
	// One that is still running is named.
	w.run("inside := make(chan bool)\ngo lab.Measure(context.Background(), \"continues\", func(context.Context) error { close(inside); <-hold; return nil })\n<-inside")
	s = w.run("more := make(chan bool)\ngo close(more)\n<-more")
	if got := s.of("stderr"); s.of("figure") != "" || !strings.Contains(got, "no figure: ") || !strings.Contains(got, "lab.Measure at cell[7]:2, which is still running") {
		t.Error(s)
	}
	w.run("close(hold)")
	for range 100 { // it may take a moment
		if s = w.run("more = make(chan bool)\ngo close(more)\n<-more"); s.of("figure") != "" {
			break
		}
	}
	if s.of("figure") == "" {
		t.Error(s)
	}
	// A benchmark of package testing.
	s = w.run("testing.Benchmark(func(b *testing.B) { for b.Loop() { c := make(chan bool); go close(c); <-c } }).N > 0")
	if got := s.of("stderr"); s.of("figure") != "" || !strings.HasPrefix(got, "no figure: benchmarks of package testing are not recorded") || s.of("result") != "true" {
		t.Error(s)
	}
	s = w.run("go func() {}()\ntesting.Benchmark(func(b *testing.B) { for b.Loop() { time.Sleep(100 * time.Microsecond) } }).N > 0")
	if got := s.of("stderr"); s.of("figure") == "" || !strings.HasPrefix(got, "note: a benchmark of package testing ran while this cell was recorded") {
		t.Error(s)
	}
}
