package plots

import (
	"fmt"
	"slices"
	"strings"
)

// Warned is what measurements may know besides: what their numbers may suffer from, such as other processes on the same cores. Figures
// have it below their caption, and in their words. Lab's results know it.
type Warned interface {
	// EachWarning calls f for every warning.
	EachWarning(f func(warning string))
}

// Disturbed is what [Timings] and [Scaling] may know besides: how short each time may really be. Lab's results know it, from what other
// processes took of the cores.
type Disturbed interface {
	// EachFloor calls f for every time, in the order of EachTiming or EachPoint, with what the lower end of its interval would be if no
	// other process had been given a core meanwhile, in nanoseconds.
	EachFloor(f func(ns float64))
}

// OnProcs is what [Timings] may know besides: with which GOMAXPROCS they were measured.
type OnProcs interface {
	// Procs is that number; 0 when it is not known, or when there were several.
	Procs() int
}

// warningsOf lists v's warnings, each once.
func warningsOf(v any) (all []string) {
	w, ok := v.(Warned)
	if !ok {
		return nil
	}
	w.EachWarning(func(text string) {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	})
	return all
}

// maxWarnings is how many warnings a figure has.
const maxWarnings = 4

// warn adds v's warnings to a figure's caption and words.
func (f *Figure) warn(v any) {
	all := warningsOf(v)
	if n := len(all) - maxWarnings; n > 0 {
		all = append(all[:maxWarnings:maxWarnings], counted(n, "more warning"))
	}
	for _, text := range all {
		f.caption = append(f.caption, captionOf(f.width, true, "Warning: "+text)...)
		f.alt += " Warning: " + text + "."
	}
}

// floorsOf is how short each of v's n times may really be; nil when nothing is known.
func floorsOf(v any, n int) (floors []float64) {
	d, ok := v.(Disturbed)
	if !ok {
		return nil
	}
	d.EachFloor(func(ns float64) { floors = append(floors, ns) })
	if len(floors) != n {
		return nil
	}
	return floors
}

// differing says that measurements were made with several numbers of procs, if they were.
func differing(all []Timings) string {
	var seen []string
	for _, t := range all {
		if p, ok := t.(OnProcs); ok && p.Procs() > 0 {
			if s := fmt.Sprint(p.Procs()); !slices.Contains(seen, s) {
				seen = append(seen, s)
			}
		}
	}
	if len(seen) < 2 {
		return ""
	}
	return "measured with different GOMAXPROCS: " + strings.Join(seen, " and ")
}
