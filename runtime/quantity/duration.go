package quantity

import (
	"math"
	"strings"
	"time"
)

// Duration spells d with three significant digits in the largest of ns, µs, ms and s that leaves a value of 1
// or more: 870 ns, 2.16 ms, 1.5 s. Zeros at the end of a fraction are left out. From 100 seconds on it is
// spelled to the second, in h, min and s: 3 min 5 s. Zero is 0 s.
func Duration(d time.Duration) string { return Nanoseconds(float64(d)) }

// Nanoseconds is [Duration] for a time in nanoseconds that has a fraction, such as the mean of many calls:
// 0.25 ns.
func Nanoseconds(ns float64) string {
	switch s := math.Abs(ns) / 1e9; {
	case s == 0:
		return "0 s"
	case s < 99.95 || !(s < 1e15): // what is not a time, such as an infinity, has no minutes
		return scaled(ns, 1000, "ns", "µs", "ms", "s")
	case ns < 0:
		return "-" + minutes(int64(math.Round(s)))
	default:
		return minutes(int64(math.Round(s)))
	}
}

// minutes spells seconds, 1 or more: 2 min 5 s, 1 h 30 min.
func minutes(seconds int64) string {
	var parts []string
	for _, unit := range []struct {
		seconds int64
		name    string
	}{{3600, " h"}, {60, " min"}, {1, " s"}} {
		if n := seconds / unit.seconds; n > 0 {
			parts = append(parts, Count(n)+unit.name)
		}
		seconds %= unit.seconds
	}
	return strings.Join(parts, " ")
}
