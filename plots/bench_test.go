package plots_test

import (
	"testing"
	"time"

	"interleave/plots"
	"interleave/runtime/timeline"
)

// The experiments that drawing is measured with: what a lesson shows, the most that is drawn row by row with detail below a
// pixel everywhere, and ten thousand goroutines.
var sizes = []struct {
	name string
	make func() *timeline.Experiment
}{
	{"lesson", func() *timeline.Experiment { return synthetic(8, time.Second, 40*time.Millisecond) }},
	{"dense", func() *timeline.Experiment { return synthetic(40, time.Second, 200*time.Microsecond) }},
	{"many", func() *timeline.Experiment { return synthetic(10_000, time.Second, 50*time.Millisecond) }},
}

func BenchmarkTimeline(b *testing.B) {
	for _, size := range sizes {
		e := size.make()
		draw := func(name string, f func(*plots.Figure) int) {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				bytes := 0
				for b.Loop() {
					fig, err := plots.Timeline(e, plots.Options{})
					if err != nil {
						b.Fatal(err)
					}
					bytes = f(fig)
				}
				b.ReportMetric(float64(bytes)/1000, "kB")
			})
		}
		draw("svg", func(f *plots.Figure) int { return len(f.SVG()) })
		draw("png", func(f *plots.Figure) int {
			data, err := f.PNG()
			if err != nil {
				b.Fatal(err)
			}
			return len(data)
		})
	}
}
