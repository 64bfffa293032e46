package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"interleave/kernel/cell/source"
	"interleave/kernel/engine/backend"
	"interleave/kernel/session"
	"interleave/kernel/toolchain/patched"
	"interleave/runtime/lab"
	"interleave/runtime/quantity"
)

// time runs the rest of the cell, or the statement behind it, and reports how long it took.
func (x *execution) time(s source.Segment) {
	segs := source.Segments(s.Text)
	if s.Kind == source.LineMagic {
		segs = []source.Segment{{Kind: source.GoCode, Line: s.Line,
			Text: strings.Repeat("\n", s.Line-1) + strings.Repeat(" ", x.argsAt(s)) + s.Args}}
	}
	if strings.TrimSpace(s.Text+s.Args) == "" {
		x.refuse(s, "there is nothing to run", "Write statements below %%time, or one behind %time")
		return
	}
	engineBefore := x.done.Engine
	x.done.Engine = ""
	began, before := time.Now(), cpuTime()
	x.segments(segs)
	wall, cpu := time.Since(began), cpuTime()-before
	engine := x.done.Engine
	if engine == "" {
		engine, x.done.Engine = "none", engineBefore
	}
	x.print("wall %s · CPU %s · engine %s · building included\n", quantity.Duration(wall), quantity.Duration(cpu), engine)
}

// timeit measures statements by lab.Bench. They are not recorded, because recording would slow them.
func (x *execution) timeit(s source.Segment) {
	text, name := s.Text, "one round"
	if s.Kind == source.LineMagic {
		text = strings.Repeat("\n", s.Line-1) + s.Args
		name = s.Args
	} else if s.Args != "" {
		x.refuse(s, "%%timeit "+s.Args+": there are no options", "It measures until the median is known; lab.Bench takes options")
		return
	}
	if strings.TrimSpace(text) == "" {
		x.refuse(s, "there is nothing to measure", "Write statements below %%timeit, or one behind %timeit")
		return
	}
	loop := source.Rounds(text, s.Line)
	v, ok := x.value(loop, func(ds source.Diagnostics) {
		if s.Kind == source.LineMagic { // its line has the loop before the statement
			at, before := x.argsAt(s), strings.Index(source.Line(loop, s.Line), s.Args)
			for i := range ds {
				if ds[i].Line == s.Line && ds[i].Cell == x.cell.N && before >= 0 {
					ds[i].Column = at + min(max(ds[i].Column-before, 1), len(s.Args)+1)
					ds[i].Excerpt = source.Line(x.e.texts.of(x.cell.N), s.Line)
				}
			}
		}
	})
	f, isFunction := v.(func(*testing.B))
	if !ok || !isFunction {
		return
	}
	r := x.next()
	r.ranBy = backend.Compiled.String()
	x.done.Engine = r.ranBy
	var stats lab.Stats
	var err error
	fail, replace := r.execute(func() { stats, err = measureRounds(r.ctx, name, f) })
	x.e.reportUnawaited(r)
	x.done.Replace = replace
	switch {
	case fail != nil && fail.exitedZero:
		x.exited = true
	case fail != nil:
		x.failed(fail)
	case errors.Is(err, errRoundEnds):
		x.refuse(s, err.Error(), "Measure a function that returns: %timeit f()")
	case err != nil:
		x.failed(&failure{name: session.FailureOther, value: err.Error()})
	default:
		stats.Engine = r.ranBy
		x.print("%s\n", stats)
		if !x.e.plain {
			x.notes([]string{gatedCode + " than with go test -bench"})
		}
	}
}

// argsAt returns the offset of a magic's arguments in its line.
func (x *execution) argsAt(s source.Segment) int {
	return max(strings.Index(source.Line(x.e.texts.of(x.cell.N), s.Line), s.Args), 0)
}

var errRoundEnds = errors.New("a return, break or goto leaves the statements, so that no round is whole")

// roundsTime is how long the rounds of one call of lab.Bench should take at least, so that what surrounds them,
// a few nanoseconds, does not count.
const roundsTime = 2 * time.Microsecond

// measureRounds measures one round of f, which loops over its argument. Short rounds are measured many at once.
func measureRounds(ctx context.Context, name string, f func(*testing.B)) (lab.Stats, error) {
	b := new(testing.B)
	call := func(n int) error {
		patched.Rounds(b, n)
		f(b)
		if !patched.RoundsDone(b) {
			return errRoundEnds
		}
		return nil
	}
	rounds := 1
	for {
		began := time.Now()
		if err := call(rounds); err != nil {
			return lab.Stats{}, err
		}
		if took := time.Since(began); took > roundsTime || rounds > 1<<16 {
			break
		}
		rounds *= 2
	}
	stats, err := lab.Bench(ctx, name, func(context.Context) error { return call(rounds) }, lab.BenchOptions{})
	n := float64(rounds)
	for i := range stats.Samples {
		stats.Samples[i] /= n
	}
	for _, v := range []*float64{&stats.Median, &stats.Lo, &stats.Hi, &stats.Floor, &stats.CPU, &stats.Allocs, &stats.Bytes} {
		*v /= n
	}
	stats.Calls *= rounds
	return stats, err
}
