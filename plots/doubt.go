package plots

import (
	"fmt"
	"slices"
	"strings"

	"interleave/runtime/quantity"
)

// Warned is implemented by measurements with warnings, such as that other processes used the same cores.
// Figures show them below the caption and in the alternative text. Lab's results implement it.
type Warned interface {
	// EachWarning calls f for every warning.
	EachWarning(f func(warning string))
}

// Disturbed is implemented by [Timings] and [Scaling] that have a lower bound for the times without other
// processes. Lab's results implement it.
type Disturbed interface {
	// EachFloor calls f for every time, in the order of EachTiming or EachPoint, with a lower bound for the
	// lower end of its interval had no other process used the cores, in nanoseconds; 0 means that it is not
	// known.
	EachFloor(f func(ns float64))
}

// OnProcs is implemented by [Timings] that know the GOMAXPROCS of their measurement.
type OnProcs interface {
	// Procs is that number; 0 when it is unknown, or when there were several.
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

// maxWarnings is the number of warnings that a figure shows.
const maxWarnings = 4

// warn adds v's warnings to a figure's caption and alternative text.
func (f *Figure) warn(v any) {
	all := warningsOf(v)
	if n := len(all) - maxWarnings; n > 0 {
		all = append(all[:maxWarnings:maxWarnings], quantity.Plural(n, "more warning"))
	}
	for _, text := range all {
		f.caption = append(f.caption, captionOf(f.width, true, "Warning: "+text)...)
		f.alt += " Warning: " + text + "."
	}
}

// floorsOf is the lower bound of each of v's n times; nil when it is not known.
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

// differing is a warning when measurements were made with different GOMAXPROCS; else it is empty.
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
