//go:build unix

package unbroken

import (
	"context"
	"slices"
	"testing"
	"time"

	"interleave/kernel/wire"
)

// BenchmarkInterrupt measures how long it takes from an interrupt to the answer that the cell has ended and the kernel is idle, through Jupyter's
// messages. The cells run for a tenth of a second before: the answer of a younger one that fails waits for what its client sends in the same burst.
func BenchmarkInterrupt(b *testing.B) {
	for _, c := range []struct{ name, code string }{
		{"loop", "x := 0\nfor fmt.Println(\"ready\"); x >= 0; { x = x + 1&7 }"},
		{"loops", "func() { fmt.Println(\"ready\"); var wg sync.WaitGroup; for range 8 { wg.Go(func() { for m, i := map[int]int{}, 0; i >= 0; i = (i + 1) & 0xffff { m[i]++ } }) }; wg.Wait() }()"},
		{"receive", "fmt.Println(\"ready\")\n<-make(chan int)"},
		{"lock", "var mu sync.Mutex\nmu.Lock()\nfmt.Println(\"ready\")\nmu.Lock()"},
		{"sleep", "fmt.Println(\"ready\")\ntime.Sleep(time.Hour)"},
		{"context", "fmt.Println(\"ready\")\n<-ctx.Done()"},
		{"lab", "fmt.Println(\"ready\")\nlab.Sleep(ctx, time.Hour)"},
	} {
		b.Run(c.name, func(b *testing.B) {
			k := start(b)
			if s := k.run("%plot off"); s.status != wire.OK {
				b.Fatal(s.said())
			}
			var all []time.Duration
			for b.Loop() {
				var asked time.Time
				s := k.runUntil(c.code, func(ctx context.Context) {
					time.Sleep(100 * time.Millisecond)
					asked = time.Now()
					k.interrupt(ctx)
				})
				if all = append(all, time.Since(asked)); s.status == wire.OK {
					b.Fatal(s.said())
				}
			}
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms/median")
			b.ReportMetric(float64(all[len(all)*95/100].Microseconds())/1000, "ms/p95")
			b.ReportMetric(0, "ns/op")
		})
	}
}
