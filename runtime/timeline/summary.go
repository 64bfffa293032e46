package timeline

import (
	"fmt"
	"strings"
	"time"
)

// Summary is the experiment in a few lines of text, for terminals.
func (e *Experiment) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.Caption())
	t := e.Totals()
	var parts []string
	for _, s := range States() {
		if t[s] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", s, Round(t[s])))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(&b, "all goroutines together: %s\n", strings.Join(parts, ", "))
	}
	if g, s, ok := e.longestWait(); ok {
		fmt.Fprintf(&b, "longest wait: %s in %s", Round(s.Duration()), s.Reason)
		if s.Line != "" {
			fmt.Fprintf(&b, " at %s", s.Line)
		}
		fmt.Fprintf(&b, " (%s)", g.Label())
		if e.Cut != "" {
			b.WriteString(", as far as recorded")
		}
		b.WriteByte('\n')
	}
	if left := e.leftWords(); left != "" {
		fmt.Fprintf(&b, "%s\n", left)
	}
	if e.Cut != "" {
		fmt.Fprintf(&b, "only the first %s were kept: %s\n", Round(e.Recorded), e.Cut)
	}
	return b.String()
}

// Caption is the one line that goes with a figure: wall time and, where that does not cover all, since when
// it counts, CPU time, parallelism, cores, goroutines and engine.
func (e *Experiment) Caption() string {
	parts := []string{"wall " + Round(e.Wall)}
	if e.Lead >= time.Millisecond && e.Lead > e.Wall/100 {
		parts[0] += " from the first goroutine, " + Round(e.Lead) + " in"
	}
	if measured := e.measured(); measured != "" {
		parts = append(parts, measured)
	}
	if e.CPU > 0 {
		parts = append(parts, "CPU "+Round(e.CPU))
	}
	procs := fmt.Sprintf("GOMAXPROCS %d", e.GOMAXPROCS)
	if e.Procs > 0 && e.GOMAXPROCS > e.Procs { // more seem to run at once than can
		procs += fmt.Sprintf(" on %d core", e.Procs)
		if e.Procs > 1 {
			procs += "s"
		}
	}
	parts = append(parts, fmt.Sprintf("parallelism %.2f", e.Parallelism()), procs)
	if n := len(e.Goroutines); n == 1 {
		parts = append(parts, "1 goroutine")
	} else {
		parts = append(parts, Count(n)+" goroutines")
	}
	if e.Bubble {
		parts = append(parts, "real time, not the bubble's")
	}
	if e.Engine != "" {
		parts = append(parts, e.Engine)
	}
	return strings.Join(parts, " · ")
}

// longestWait returns the longest span in which a goroutine other than the main ones was blocked, or that of
// the main ones when there are no others.
func (e *Experiment) longestWait() (g *Goroutine, s Span, ok bool) {
	for _, mains := range []bool{false, true} {
		for i := range e.Goroutines {
			if e.Goroutines[i].Main != mains {
				continue
			}
			for _, w := range e.Goroutines[i].Spans {
				if w.State.Blocked() && w.Duration() > s.Duration() {
					g, s, ok = &e.Goroutines[i], w, true
				}
			}
		}
		if ok {
			break
		}
	}
	return g, s, ok
}

// Round writes a duration with three significant digits: 2.00 s, 13.4 ms, 870 µs; from 100 seconds on, to the
// second.
func Round(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Round(-d)
	case d >= 100*time.Second:
		return minutes(d)
	case d >= 999500*time.Microsecond: // what would be written 1000 ms
		return digits(d.Seconds()) + " s"
	case d >= 999500*time.Nanosecond:
		return digits(float64(d)/1e6) + " ms"
	case d >= time.Microsecond:
		return digits(float64(d)/1e3) + " µs"
	}
	return fmt.Sprintf("%d ns", d)
}

// minutes writes a duration of minutes or hours to the second: 2 min 5 s, 1 h 30 min.
func minutes(d time.Duration) string {
	n := int64((d + time.Second/2) / time.Second)
	var parts []string
	for _, unit := range []struct {
		seconds int64
		name    string
	}{{3600, "h"}, {60, "min"}, {1, "s"}} {
		if v := n / unit.seconds; v > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", v, unit.name))
		}
		n %= unit.seconds
	}
	return strings.Join(parts, " ")
}

func digits(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// Count writes a number with its thousands apart: 9 960.
func Count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return s
}
