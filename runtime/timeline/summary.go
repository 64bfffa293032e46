package timeline

import (
	"fmt"
	"strings"
	"time"

	"interleave/runtime/quantity"
)

// Summary is the experiment in a few lines of text, for terminals.
func (e *Experiment) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.Caption())
	t := e.Totals()
	var parts []string
	for _, s := range States() {
		if t[s] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", s, quantity.Duration(t[s])))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(&b, "all goroutines together: %s\n", strings.Join(parts, ", "))
	}
	if words := e.processWords(); words != "" {
		fmt.Fprintf(&b, "%s\n", words)
	}
	if g, s, ok := e.longestWait(); ok {
		fmt.Fprintf(&b, "longest wait: %s in %s", quantity.Duration(s.Duration()), s.Reason)
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
		fmt.Fprintf(&b, "only the first %s were kept: %s\n", quantity.Duration(e.Recorded), e.Cut)
	}
	return b.String()
}

// Caption is the one line that goes with a figure: wall time and, where that does not cover all, since when
// it counts, CPU time, parallelism, cores, goroutines, processes and engine.
func (e *Experiment) Caption() string {
	parts := []string{"wall " + quantity.Duration(e.Wall)}
	if e.Lead >= time.Millisecond && e.Lead > e.Wall/100 {
		parts[0] += " from the first goroutine, " + quantity.Duration(e.Lead) + " in"
	}
	if measured := e.measured(); measured != "" {
		parts = append(parts, measured)
	}
	elsewhere, others := e.ProcessCPU(), quantity.Plural(len(e.Processes), "other process", "other processes")
	switch {
	case e.CPU > 0 && len(e.Processes) > 0:
		parts = append(parts, fmt.Sprintf("CPU %s, of it %s in %s", quantity.Duration(e.CPU+elsewhere), quantity.Duration(elsewhere), others))
	case e.CPU > 0:
		parts = append(parts, "CPU "+quantity.Duration(e.CPU))
	case len(e.Processes) > 0:
		parts = append(parts, "CPU "+quantity.Duration(elsewhere)+" in "+others)
	}
	procs := fmt.Sprintf("GOMAXPROCS %d", e.GOMAXPROCS)
	if e.Procs > 0 && e.GOMAXPROCS > e.Procs { // more seem to run at once than can
		procs += " on " + quantity.Plural(e.Procs, "core")
	}
	parts = append(parts, fmt.Sprintf("parallelism %.2f", e.Parallelism()), procs)
	parts = append(parts, quantity.Plural(len(e.Goroutines), "goroutine"))
	if e.Bubble {
		parts = append(parts, "real time, not the bubble's")
	}
	if e.Engine != "" {
		parts = append(parts, e.Engine)
	}
	return strings.Join(parts, " · ")
}

// longestWait returns the longest span in which a goroutine other than the main ones was blocked, or that of
// the main ones when there are no others. That another process works is no wait of the experiment.
func (e *Experiment) longestWait() (g *Goroutine, s Span, ok bool) {
	for _, mains := range []bool{false, true} {
		for i := range e.Goroutines {
			if e.Goroutines[i].Main != mains {
				continue
			}
			for _, w := range e.Goroutines[i].Spans {
				if w.State.Blocked() && w.Reason != reasonProcess && w.Duration() > s.Duration() {
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
