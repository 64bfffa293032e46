package timeline

//lint:file-ignore SA4017 it uses a core, which is what is wanted of it

import (
	"context"
	"io"
	"runtime"
	"runtime/trace"
	"slices"
	"sync"
	"testing"
	"time"

	"interleave/runtime/internal/clock"
)

// experiment is n goroutines that each work for some microseconds, wait for another, and work again.
func experiment(n int) {
	var wg sync.WaitGroup
	ch := make(chan int, n/2)
	for range n / 2 {
		wg.Go(func() { ch <- work() })
		wg.Go(func() { work(); <-ch })
	}
	wg.Wait()
}

// work takes about 10 µs.
//
//go:noinline
func work() (x int) {
	for i := range 20_000 {
		x += i ^ x
	}
	return x
}

// BenchmarkOverhead runs the same experiment plain and recorded in turn, so that both see the same machine, and compares the
// medians. Reading the trace comes after the experiment and is BenchmarkRead's.
func BenchmarkOverhead(b *testing.B) {
	var plain, recorded []time.Duration
	cfg := Config{}.withDefaults()
	for b.Loop() {
		begun := time.Now()
		experiment(10_000)
		plain = append(plain, time.Since(begun))

		n, err := start(cfg)
		if err != nil {
			b.Fatal(err)
		}
		begun = time.Now()
		experiment(10_000)
		recorded = append(recorded, time.Since(begun))
		n.stopTracer()
		n.wg.Wait()
		n.cores.end()
	}
	slices.Sort(plain)
	slices.Sort(recorded)
	p, r := plain[len(plain)/2], recorded[len(recorded)/2]
	b.ReportMetric(float64(p.Microseconds())/1000, "plain-ms")
	b.ReportMetric(float64(r.Microseconds())/1000, "recorded-ms")
	b.ReportMetric(100*(float64(r)/float64(p)-1), "%-overhead")
}

// BenchmarkRead reads the trace of 100 000 goroutines.
func BenchmarkRead(b *testing.B) {
	cfg := Config{}.withDefaults()
	n, err := start(cfg)
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 100_000 {
		wg.Go(runtime.Gosched)
	}
	wg.Wait()
	n.stopTracer()
	n.wg.Wait()
	n.cores.end()
	cfg.MaxRead = time.Hour
	b.ReportAllocs()
	cpu := clock.CPU()
	for b.Loop() {
		var e Experiment
		if err := e.read(n.buf.Bytes(), cfg, nil); err != nil {
			b.Fatal(err)
		}
		if len(e.Goroutines) != 100_001 || e.Cut != "" {
			b.Fatalf("%d goroutines, cut: %q", len(e.Goroutines), e.Cut)
		}
	}
	b.ReportMetric(float64((clock.CPU()-cpu).Microseconds())/1000/float64(b.N), "cpu-ms/op") // says more on a busy machine
	b.ReportMetric(float64(n.buf.Len())/1e6, "MB-trace")
}

// BenchmarkStarted is what lab pays when nothing is armed.
func BenchmarkStarted(b *testing.B) {
	for b.Loop() {
		Started()
	}
}

// TestReadDamaged: a trace that ends anywhere gives an error or what can be read, never a panic.
func TestReadDamaged(t *testing.T) {
	n, err := start(Config{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	experiment(50)
	n.stopTracer()
	n.wg.Wait()
	n.cores.end()
	data := n.buf.Bytes()
	cfg := Config{}.withDefaults()
	whole := 0
	for cut := len(data); cut >= 0; cut -= max(1, len(data)/200) {
		var e Experiment
		if err := e.read(data[:cut], cfg, nil); err == nil && e.Cut == "" {
			whole++
		}
	}
	if whole == 0 {
		t.Error("not even the whole trace could be read")
	}
	if whole > 3 { // the last generation ends with a few bytes that say so
		t.Errorf("%d damaged traces count as whole", whole)
	}
}

// TestMarks: without our own marks, as in a trace of somebody else's, there is no experiment, and no panic.
func TestMarks(t *testing.T) {
	var buf buffer
	buf.max = 1 << 30
	if err := trace.Start(io.MultiWriter(&buf)); err != nil {
		t.Fatal(err)
	}
	trace.Log(context.Background(), "other", "log")
	experiment(10)
	trace.Stop()
	var e Experiment
	if err := e.read(buf.Bytes(), Config{}.withDefaults(), nil); err != nil {
		t.Fatal(err)
	}
	if len(e.Goroutines) != 0 || len(e.Events) != 0 || e.Cut == "" {
		t.Errorf("%d goroutines, cut: %q", len(e.Goroutines), e.Cut)
	}
}
