package plots

import (
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"

	"interleave/runtime/quantity"
)

// timeTicks marks an axis in seconds at round times, each with the unit that suits the axis: 0, 200 ms, 400 ms.
type timeTicks struct{ about int }

func (t timeTicks) Ticks(lo, hi float64) []plot.Tick {
	step := niceStep((hi-lo)/float64(max(1, t.about)), hi)
	var ticks []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi*(1+1e-9); i++ {
		ticks = append(ticks, plot.Tick{Value: min(i*step, hi), Label: tickLabel(i*step, step, hi)})
		if len(ticks) > 1000 {
			break // a range that is not an axis
		}
	}
	return ticks
}

// within makes the first and the last label of an axis end where the axis does, width pixels long: where no
// margin is left of the data, or right of it, half a label would be cut off.
type within struct {
	plot.Ticker
	width float64
}

func (w within) Ticks(lo, hi float64) []plot.Tick {
	ticks := w.Ticker.Ticks(lo, hi)
	kept := ticks[:0]
	for _, t := range ticks {
		at := w.width * (t.Value - lo) / (hi - lo)
		if half := textWidth(t.Label, regular, labelSize) / 2; at+half > w.width+margin || at-half < -margin {
			t.Label = ""
		}
		kept = append(kept, t)
	}
	return kept
}

// niceStep returns the smallest round step that is at least least, in seconds.
func niceStep(least, hi float64) float64 {
	if !(least > 0) || math.IsInf(least, 0) {
		return 1
	}
	if hi >= 120 { // minutes are not decimal
		for _, s := range []float64{15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 12 * 3600, 24 * 3600} {
			if s >= least {
				return s
			}
		}
	}
	ten := math.Pow(10, math.Floor(math.Log10(least)))
	for _, f := range []float64{1, 2, 5, 10} {
		if f*ten >= least*(1-1e-9) {
			return f * ten
		}
	}
	return 10 * ten
}

func tickLabel(v, step, hi float64) string {
	if v < step/2 {
		return "0"
	}
	if hi >= 120 {
		if step < 60 {
			return strconv.FormatFloat(v, 'f', 0, 64) + " s"
		}
		if v < 100 {
			return "1 min" // the only round step that Round would write in seconds
		}
		return quantity.Duration(time.Duration(math.Round(v)) * time.Second)
	}
	unit, name := 1.0, "s"
	switch {
	case hi < 1e-6:
		unit, name = 1e-9, "ns"
	case hi < 1e-3:
		unit, name = 1e-6, "µs"
	case hi < 1:
		unit, name = 1e-3, "ms"
	}
	decimals := max(0, -int(math.Floor(math.Log10(step/unit)+1e-9)))
	return strconv.FormatFloat(v/unit, 'f', decimals, 64) + " " + name
}
