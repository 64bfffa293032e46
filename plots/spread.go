package plots

import (
	"strings"

	"interleave/runtime/quantity"
)

// spreads records what each whisker of a figure shows: measurements with few samples have no interval.
type spreads struct {
	least, most float64  // confidence of the intervals
	intervals   int      // how many whiskers are that
	ranges      []string // what the other whiskers belong to, which are the range of the samples
}

func (s *spreads) add(of string, confidence float64) {
	if confidence <= 0 {
		s.ranges = append(s.ranges, of)
		return
	}
	if s.intervals++; s.intervals == 1 {
		s.least = confidence
	}
	s.least, s.most = min(s.least, confidence), max(s.most, confidence)
}

func (s *spreads) any() bool { return s.intervals > 0 || len(s.ranges) > 0 }

// words describes what points and whiskers show.
func (s *spreads) words() string {
	if !s.any() {
		return ""
	}
	if s.intervals == 0 {
		return "median and range of the samples"
	}
	words := "median with " + percent(s.least)
	if most := percent(s.most); most != percent(s.least) {
		words += " to " + most
	}
	words += " interval"
	const few = 3
	switch n := len(s.ranges); {
	case n == 0:
		return words
	case n > few:
		return words + ", of " + quantity.Count(n) + " others the range of the samples"
	default:
		return words + ", of " + strings.Join(s.ranges, " and ") + " the range of the samples"
	}
}

// legend is the name of a whisker.
func (s *spreads) legend() string {
	switch {
	case s.intervals == 0:
		return "range"
	case len(s.ranges) > 0:
		return "interval or range"
	}
	return "interval"
}
