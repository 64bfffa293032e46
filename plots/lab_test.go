package plots_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"interleave/plots"
	"interleave/runtime/display"
	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// What lab measures is what figures ask for.
var (
	_ plots.Scaling  = lab.Scaling{}
	_ plots.Timings  = lab.Scaling{}
	_ plots.Timings  = lab.Comparison{}
	_ plots.Timings  = lab.Stats{}
	_ plots.Samples  = lab.Stats{}
	_ plots.Outcomes = lab.LitmusTable{}
	_ plots.Holds    = (*lab.Lock)(nil)
	_ plots.Holds    = (*lab.RLock)(nil)
	_ plots.Holds    = (*lab.RWLock)(nil)
	_ plots.Holds    = (*lab.Semaphore)(nil)
)

// Both packages have a word for numbers in a recording, and it is the same one.
const _ = uint(len(lab.CounterCategory)-len(timeline.CounterCategory)) + uint(len(timeline.CounterCategory)-len(lab.CounterCategory))

// A figure that is a cell's value is shown as a drawing, with words for where there can be none.
func TestDisplayed(t *testing.T) {
	t.Parallel()
	f, err := plots.Histogram(plots.Durations{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	data, meta, err := display.Bundle(f)
	if err != nil {
		t.Fatal(err)
	}
	if data["text/plain"] != f.Alt() || data["image/svg+xml"] != f.SVG() || data["image/png"] == nil {
		t.Errorf("shown as %v, text %q", slices.Collect(maps.Keys(data)), data["text/plain"])
	}
	w, h := f.Size()
	if want := map[string]any{"width": w, "height": h}; !reflect.DeepEqual(meta["image/png"], want) {
		t.Errorf("pixels are to be shown at %v, want %v", meta["image/png"], want)
	}
}
