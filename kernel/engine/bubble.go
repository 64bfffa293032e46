package engine

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// context is the cell's context, for the calling goroutine. In a bubble of testing/synctest that is a child made there, one for each
// bubble: time in a bubble stands still while a goroutine waits for a channel from outside, as the parent's Done is.
func (r *run) context() context.Context {
	r.asksCtx.Store(true)
	id := bubble()
	if id == 0 {
		return r.ctx
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx := r.bubbles[id]
	if ctx == nil {
		if r.bubbles == nil {
			r.bubbles = map[int]context.Context{}
		}
		child, cancel := context.WithCancel(r.ctx)
		_ = cancel // the child ends with its parent; the patched runtime lets the engine do that from outside
		ctx, r.bubbles[id] = child, child
	}
	return ctx
}

// bubble is the number of the synctest bubble that the calling goroutine is in, 0 when it is in none. It costs 50 ns outside, and a
// microsecond or two inside.
func bubble() int {
	if now := time.Now(); now != now.Round(0) { // a bubble's times have no reading of the monotonic clock
		return 0
	}
	var head [256]byte
	return bubbleIn(string(head[:runtime.Stack(head[:], false)]))
}

// bubbleIn reads "goroutine 12 [running, synctest bubble 3 …", the head of a stack dump.
func bubbleIn(stack string) int {
	head, _, _ := strings.Cut(stack, "\n")
	_, rest, _ := strings.Cut(head, ", synctest bubble ")
	rest = rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	id, _ := strconv.Atoi(rest)
	return id
}
