package lab

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"interleave/runtime/quantity"
)

// A Limiter lets things happen at a steady rate at most, with bursts up to a size: a bucket of tokens that
// fills at the rate.
type Limiter struct {
	r       *rate.Limiter
	passed  atomic.Int64
	refused atomic.Int64
	waited  atomic.Int64 // nanoseconds
}

// NewLimiter returns a limiter that lets perSecond things happen in a second, and burst at once after a rest.
func NewLimiter(perSecond float64, burst int) *Limiter {
	if !(perSecond > 0) || math.IsInf(perSecond, 0) {
		panic(misuse("lab.NewLimiter", "rate %v per second: need more than zero", perSecond))
	}
	if burst < 1 {
		panic(misuse("lab.NewLimiter", "burst %d: need at least 1", burst))
	}
	return &Limiter{r: rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// Wait waits for its turn. It fails at once when ctx would end before that.
func (l *Limiter) Wait(ctx context.Context) error {
	if err := checkContext("lab.Limiter.Wait", ctx); err != nil {
		return err
	}
	if l.r == nil {
		return zero("lab.Limiter.Wait", "limiter", "lab.NewLimiter")
	}
	if err := canceled(ctx); err != nil {
		l.refused.Add(1)
		return err
	}
	begin := time.Now()
	turn := l.r.ReserveN(begin, 1)
	wait := turn.DelayFrom(begin)
	if end, ok := ctx.Deadline(); ok && begin.Add(wait).After(end) {
		turn.CancelAt(begin)
		l.refused.Add(1)
		return fmt.Errorf("lab.Limiter.Wait: the turn comes after the deadline: %w", context.DeadlineExceeded)
	}
	if wait == 0 {
		l.passed.Add(1)
		return nil
	}
	timer := time.NewTimer(wait) // here and not by sleep, so that figures show a wait for the limiter
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	waited := time.Since(begin)
	l.waited.Add(int64(waited))
	if waited < wait {
		turn.Cancel()
		l.refused.Add(1)
		return canceled(ctx)
	}
	l.passed.Add(1)
	return nil
}

// Allow reports whether it may happen now, without waiting.
func (l *Limiter) Allow() bool {
	if l.r == nil {
		panic(zero("lab.Limiter.Allow", "limiter", "lab.NewLimiter"))
	}
	if l.r.Allow() {
		l.passed.Add(1)
		return true
	}
	l.refused.Add(1)
	return false
}

// LimiterStats is what a limiter did so far.
type LimiterStats struct {
	Passed, Refused int
	Waited          time.Duration // all waits together
}

// Stats returns what the limiter did so far.
func (l *Limiter) Stats() LimiterStats {
	return LimiterStats{int(l.passed.Load()), int(l.refused.Load()), time.Duration(l.waited.Load())}
}

// String shows what the limiter allows and has done.
func (l *Limiter) String() string {
	s := l.Stats()
	return fmt.Sprintf("limiter, %v per second in bursts of %d: %s passed, %s refused, %s waited", float64(l.r.Limit()), l.r.Burst(), quantity.Count(s.Passed), quantity.Count(s.Refused), quantity.Duration(s.Waited))
}
