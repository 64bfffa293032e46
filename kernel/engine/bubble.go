package engine

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// context returns the cell's context for the calling goroutine. In a bubble of testing/synctest it is a child
// made there, one for each bubble: time in a bubble stops while a goroutine waits for a channel from outside,
// such as the parent's Done.
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

// bubble returns the number of the synctest bubble of the calling goroutine, 0 if it is in no bubble. It
// costs 50 ns outside, and a microsecond or two inside.
func bubble() int {
	if now := time.Now(); now != now.Round(0) { // times in a bubble have no reading of the monotonic clock
		return 0
	}
	var head [256]byte
	return bubbleIn(string(head[:runtime.Stack(head[:], false)]))
}

// bubbleIn parses "goroutine 12 [running, synctest bubble 3 …", the head of a stack dump.
func bubbleIn(stack string) int {
	head, _, _ := strings.Cut(stack, "\n")
	_, rest, _ := strings.Cut(head, ", synctest bubble ")
	rest = rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	id, _ := strconv.Atoi(rest)
	return id
}
