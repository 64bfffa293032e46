package lab

import (
	"context"
	"fmt"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

// LockStats is what a lock has seen so far.
type LockStats struct {
	Name      string
	Acquired  int           // times that it was taken
	Contended int           // how many of those had to wait
	Waiting   int           // who waits now
	Wait      time.Duration // all waits together
	MaxWait   time.Duration
	Hold      time.Duration // all holds together, of those that were watched
	MaxHold   time.Duration
	Watched   int // holds that were watched
}

// String says in one line what the lock has seen.
func (s LockStats) String() string {
	t := fmt.Sprintf("%s: taken %d times, %d after waiting (%v in all, at most %v)", s.Name, s.Acquired, s.Contended, roundTime(s.Wait), roundTime(s.MaxWait))
	if s.Watched > 0 {
		t += fmt.Sprintf(", held for %v in %d watched holds (at most %v)", roundTime(s.Hold), s.Watched, roundTime(s.MaxHold))
	}
	return t
}

// A LockEvent is one time that somebody held a watched lock.
type LockEvent struct {
	Who   string // the task, or "" outside of tasks
	Line  string // file:line of the call that took it
	Asked time.Time
	Wait  time.Duration // from asking to getting
	Hold  time.Duration // from getting to giving back
}

// maxLockEvents is how many events a lock keeps. Later ones are counted, and dropped.
const maxLockEvents = 4096

// A meter measures a lock. Taking an unwatched lock that is free costs it one counter; everything else it does only for who
// waits anyway, and for locks that are watched: because Watch was called, or because the execution tracer runs.
type meter struct {
	name    string
	from    site // where it was made
	watch   atomic.Bool
	waiting atomic.Int32

	mu      sync.Mutex
	stats   LockStats // without Name, Acquired and Waiting
	events  []LockEvent
	dropped int
}

// A holding is a watched lock in somebody's hands.
type holding struct {
	who         string
	line        site
	asked, held time.Time
}

func (m *meter) watched() bool { return m.watch.Load() || trace.IsEnabled() }

// label is the name that was given, or kind and birthplace.
func (m *meter) label(kind string) string {
	switch {
	case m.name != "":
		return m.name
	case m.from.n > 0:
		return kind + " of " + m.from.String()
	}
	return kind
}

// waits measures a wait for the lock: call it before, and what it returns after.
func (m *meter) waits(kind string) (over func(got bool)) {
	begin := time.Now()
	m.countWaiting(kind, 1)
	return func(got bool) {
		d := time.Since(begin)
		m.countWaiting(kind, -1)
		m.mu.Lock()
		defer m.mu.Unlock()
		if got {
			m.stats.Contended++
		}
		m.stats.Wait += d
		m.stats.MaxWait = max(m.stats.MaxWait, d)
	}
}

func (m *meter) countWaiting(kind string, d int32) {
	n := m.waiting.Add(d)
	if trace.IsEnabled() {
		count(m.label(kind)+" waiting", int(n))
	}
}

// holds begins to measure a hold that was asked for then; the zero time means now.
func (m *meter) holds(ctx context.Context, asked time.Time) *holding {
	h := &holding{line: here(2), asked: asked, held: time.Now()}
	if asked.IsZero() {
		h.asked = h.held
	}
	if t, _ := ctx.Value(taskKey{}).(*task); t != nil {
		h.who = t.Name()
	}
	return h
}

func (m *meter) released(h *holding) {
	now := time.Now()
	m.mu.Lock()
	m.stats.Watched++
	m.stats.Hold += now.Sub(h.held)
	m.mu.Unlock()
	m.note(h, now)
}

// note keeps a hold that ends now, if there is room.
func (m *meter) note(h *holding, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := now.Sub(h.held)
	m.stats.MaxHold = max(m.stats.MaxHold, d)
	if len(m.events) == maxLockEvents {
		m.dropped++
		return
	}
	m.events = append(m.events, LockEvent{Who: h.who, Line: h.line.String(), Asked: h.asked, Wait: h.held.Sub(h.asked), Hold: d})
}

func (m *meter) snapshot(kind string, acquired uint64) LockStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Name, s.Acquired, s.Waiting = m.label(kind), int(acquired), int(m.waiting.Load())
	return s
}

func (m *meter) history() (events []LockEvent, dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]LockEvent(nil), m.events...), m.dropped
}

// String says who holds.
func (h *holding) String() string {
	who := h.who
	if who == "" {
		who = "a goroutine"
	}
	return fmt.Sprintf("%s, since %s at %s", who, roundTime(time.Since(h.held)), &h.line)
}
