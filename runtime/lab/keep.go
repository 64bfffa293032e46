package lab

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Keep makes the compiler compute v, and does nothing with it. Work whose result is unused may be removed by
// the compiler, so a measured function should end with lab.Keep(result). Keep takes about a nanosecond and
// does not allocate.
//
//go:noinline
func Keep(v any) { runtime.KeepAlive(v) }

// clockStep is the smallest difference between two readings of the clock.
var clockStep = sync.OnceValue(func() time.Duration {
	least := time.Hour
	for range 200 {
		begin := time.Now()
		for range 1000 {
			if d := time.Since(begin); d > 0 {
				least = min(least, d)
				break
			}
		}
	}
	return least
})

// emptyCall is the time of one call of an empty function, in nanoseconds.
var emptyCall = sync.OnceValue(func() float64 {
	c := contender{fn: func(context.Context) error { return nil }}
	const calls = 20_000
	best := time.Hour
	for range 20 {
		took, err := c.calls(context.Background(), calls, nil)
		if err != nil {
			return 0
		}
		best = min(best, took)
	}
	return float64(best) / calls
})
