package lab

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Keep does nothing with v. The compiler has to compute v for it, which it may leave out when nothing uses a result: a measured function
// should end in lab.Keep(result). It costs about a nanosecond, and allocates nothing.
//
//go:noinline
func Keep(v any) { runtime.KeepAlive(v) }

// clockStep is the shortest time that the clock can tell from none, reading it included.
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

// emptyCall is how many nanoseconds a call of a measured function takes that does nothing.
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
