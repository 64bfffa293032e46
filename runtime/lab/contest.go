package lab

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// A bench measures one function, or several side by side: each round takes a sample of each, in random order,
// so that a change of the machine's speed affects all of them alike.
type bench struct {
	call string // "lab.Bench"
	from *site
	all  []*contender
}

// A contender is one of the measured functions.
type contender struct {
	name  string
	users any // the function that the user wrote
	fn    func(context.Context) error
	procs func() int // called before each sample: sets GOMAXPROCS and returns it; nil leaves it as it is

	stats Stats
	loads []load // of each sample
}

// run warms up all functions, takes the samples and fills in the stats of each contender, also when it fails
// halfway. It returns the warnings for the measurement as a whole.
func (b *bench) run(ctx context.Context, opt BenchOptions, in instruments) (warnings []string, err error) {
	if opt, err = opt.check(b.call); err != nil {
		return nil, err
	}
	w := watchOver(ctx, b.call, b.from, in)
	defer w.end()
	for _, c := range b.all {
		c.stats = Stats{Name: c.name, Engine: timeline.Engine(c.users), GOMAXPROCS: w.procs}
	}
	defer func() { warnings = b.finish(opt, w) }()
	begin := time.Now()
	for _, c := range b.all {
		c.prepare(w)
		if err := c.warmUp(ctx, opt, b.from); err != nil {
			return nil, err
		}
		w.look()
	}
	collect()
	for round := 0; round < opt.Repeats && (round == 0 || time.Since(begin) < opt.MaxTime*time.Duration(len(b.all))); round++ {
		for _, i := range rand.Perm(len(b.all)) {
			c := b.all[i]
			c.prepare(w)
			w.look()
			if err := c.sample(ctx, b.from); err != nil {
				return nil, err
			}
			c.loads = append(c.loads, w.look())
		}
	}
	return nil, nil
}

func (c *contender) prepare(w *watch) {
	if c.procs != nil {
		w.procs = c.procs()
		c.stats.GOMAXPROCS = w.procs
	}
}

// calls calls the function so many times.
func (c *contender) calls(ctx context.Context, n int, from *site) (took time.Duration, err error) {
	begin := time.Now()
	err = guard(from, func() error {
		for range n {
			if err := c.fn(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	took = time.Since(begin)
	if err == nil {
		err = canceled(ctx)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", c.name, err)
	}
	return took, err
}

// warmUp calls the function for the time of the warm-up and determines the number of calls in a sample.
func (c *contender) warmUp(ctx context.Context, opt BenchOptions, from *site) error {
	begin := time.Now()
	for n := 1; ; {
		took, err := c.calls(ctx, n, from)
		if err != nil {
			return err
		}
		c.stats.Calls = callsFor(opt.MinTime, n, took)
		if time.Since(begin) >= opt.Warmup && (took >= opt.MinTime/2 || n >= maxCalls) {
			return nil
		}
		n = min(max(c.stats.Calls, n), 10*n)
	}
}

func (c *contender) sample(ctx context.Context, from *site) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	took, err := c.calls(ctx, c.stats.Calls, from)
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	s := &c.stats
	s.Samples = append(s.Samples, float64(took)/float64(s.Calls))
	s.Allocs += float64(after.Mallocs - before.Mallocs)
	s.Bytes += float64(after.TotalAlloc - before.TotalAlloc)
	return nil
}

// maxCalls bounds a sample of a call that takes no time that could be seen.
const maxCalls = 100_000_000

// callsFor is how many calls take about least when n took so long.
func callsFor(least time.Duration, n int, took time.Duration) int {
	if took >= least && n == 1 {
		return 1
	}
	return int(min(maxCalls, max(1, math.Ceil(float64(n)*float64(least)/float64(max(took, 1))))))
}

// finish computes the statistics.
func (b *bench) finish(opt BenchOptions, w *watch) (warnings []string) {
	w.look()
	// how much longer others made times: at most, and at most of those of which something is certain
	slower, most := 1.0, 1.0
	for _, c := range b.all {
		s := &c.stats
		n := len(s.Samples)
		if n == 0 {
			continue
		}
		c.loads = c.loads[:min(n, len(c.loads))]
		calls := float64(s.Calls * n)
		s.Allocs, s.Bytes = s.Allocs/calls, s.Bytes/calls
		var sum load
		for _, l := range c.loads {
			sum = sum.plus(l)
		}
		s.CPU = float64(max(0, sum.cpu)) / calls
		lost := c.lost(sum, w)
		s.summarize(opt.Confidence, lost)
		s.Warnings = slices.Concat(s.Warnings, doubts(s, &w.instruments), hostDoubts(s.Engine))
		if s.Lo > 0 {
			f := s.Lo / s.Floor
			if slower = max(slower, f); f < hopeless {
				most = max(most, f)
			}
		}
	}
	if b.differ() {
		slower = most
	}
	if took := w.took(slower); took != "" {
		warnings = append(warnings, took+" while this was measured: "+b.consequence(slower))
	}
	warnings = append(warnings, w.warnings()...)
	whole := slices.Clone(warnings)
	for _, c := range b.all {
		for _, text := range c.stats.Warnings {
			if !slices.ContainsFunc(b.all, func(o *contender) bool { return !slices.Contains(o.stats.Warnings, text) }) {
				if !slices.Contains(warnings, text) { // true of all
					warnings = append(warnings, text)
				}
				continue
			}
			warnings = append(warnings, c.name+": "+text)
		}
	}
	for _, c := range b.all {
		c.stats.Warnings = append(slices.Clone(whole), c.stats.Warnings...)
	}
	return warnings
}

// lost returns, for each sample, an upper bound of the nanoseconds by which others made a call longer: the
// time that threads of this process waited for a core, limited by the time that other processes used, and the
// time taken by the hypervisor and the container's limit. It may be too large, since threads can wait at the
// same time. nil means that nothing is known.
func (c *contender) lost(sum load, w *watch) []float64 {
	processes, hypervisor := w.others()
	cores := float64(max(sum.cores, 1))
	// by the mean of the whole measurement, or by these samples if that is more
	taken := max(processes*cores*float64(sum.took), float64(sum.others))
	kept := 0.0
	if hypervisor >= muchStolen {
		kept = hypervisor * cores
	}
	part := 1.0 // of the threads' waits: what others can have caused
	switch whole := w.last.since(w.begin); {
	case w.virtual || len(c.loads) < len(c.stats.Samples):
		return nil
	case !sum.waitKnown && processes < muchUsed && kept == 0 && sum.throttled == 0:
		return nil
	case whole.known() && sum.waited > 0:
		part = min(1, taken/float64(sum.waited))
	}
	lost := make([]float64, len(c.loads))
	for i, l := range c.loads {
		took := c.stats.Samples[i] * float64(c.stats.Calls)
		away := part * float64(l.waited)
		if !sum.waitKnown {
			away = processes * cores * took
		}
		away += kept*took + float64(l.throttled)
		lost[i] = away / float64(c.stats.Calls)
	}
	return lost
}

// differ reports whether any two contenders certainly differ.
func (b *bench) differ() bool {
	for _, c := range b.all {
		for _, o := range b.all {
			if s, t := &c.stats, &o.stats; s.Confidence >= enough && t.Confidence >= enough && s.Hi < t.floor() {
				return true
			}
		}
	}
	return false
}

// hopeless is the factor from which on no difference is reported.
const hopeless = 20

// consequence describes what the slowdown means for the results.
func (b *bench) consequence(slower float64) string {
	slower = math.Ceil(max(slower, 1.05)*20-1e-9) / 20
	switch single := len(b.all) == 1; {
	case slower >= hopeless && single:
		return "the time is not to be trusted"
	case slower >= hopeless:
		return "no difference is to be trusted"
	case single:
		return fmt.Sprintf("the time may be up to %.3g times too long", slower)
	}
	return fmt.Sprintf("differences below %.3g× are not to be trusted", slower)
}

// doubts lists problems of the samples themselves.
func doubts(s *Stats, in *instruments) (all []string) {
	if in.virtual || len(s.Samples) == 0 {
		return nil
	}
	if step := in.step(); s.Median*float64(s.Calls) < 100*float64(step) {
		all = append(all, fmt.Sprintf("a sample takes %s, which is too short for a clock with steps of %s: raise MinTime", quantity.Nanoseconds(s.Median*float64(s.Calls)), quantity.Duration(step)))
	}
	if s.Median < 1.3*in.empty() {
		all = append(all, "a call takes no longer than an empty function: the compiler may have removed unused work; pass the result to lab.Keep")
	}
	return all
}
