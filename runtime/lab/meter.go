package lab

import (
	"cmp"
	"context"
	"fmt"
	"runtime/trace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
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

// String shows the statistics in one line.
func (s LockStats) String() string {
	t := fmt.Sprintf("%s: taken %s, %s after waiting (%s in all, at most %s)", s.Name, quantity.Plural(s.Acquired, "time"), quantity.Count(s.Contended), quantity.Duration(s.Wait), quantity.Duration(s.MaxWait))
	if s.Waiting > 0 {
		t += fmt.Sprintf(", %s waiting now", quantity.Count(s.Waiting))
	}
	if s.Watched > 0 {
		t += fmt.Sprintf(", held for %s in %s (at most %s)", quantity.Duration(s.Hold), quantity.Plural(s.Watched, "watched hold"), quantity.Duration(s.MaxHold))
	}
	return t
}

// maxLockEvents is how many events a lock keeps. Later ones are counted, and dropped.
const maxLockEvents = 4096

// A meter measures a lock. Taking an unwatched lock that is free costs it one counter; everything else it
// does only for who waits anyway, and for locks that are watched: because Watch was called, or because the
// execution tracer runs.
type meter struct {
	name    string
	from    site // where it was made
	watch   atomic.Bool
	waiting atomic.Int32

	mu      sync.Mutex
	stats   LockStats // without Name, Acquired and Waiting
	events  []timeline.Hold
	dropped int
}

// A holding is one hold of a watched lock.
type holding struct {
	timeline.Hold // without Lock, Line, Wait and Hold until it ends
	line          site
	held          time.Time
}

func (m *meter) watched() bool { return m.watch.Load() || trace.IsEnabled() }

// label is the name that was given, or kind and birthplace.
func (m *meter) label(kind string) string {
	if m.name != "" {
		return m.name
	}
	if at := m.from.String(); at != unknownLine {
		return kind + " of " + at
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
	h := &holding{line: here(2), held: time.Now()}
	if h.Asked = asked; asked.IsZero() {
		h.Asked = h.held
	}
	if t, _ := ctx.Value(taskKey{}).(*task); t != nil {
		h.Who = t.Name()
	}
	m.mu.Lock()
	room := len(m.events) < maxLockEvents
	m.mu.Unlock()
	if room { // finding out the goroutine costs more than everything else
		h.Goroutine, h.From = timeline.Self()
		h.Who = cmp.Or(timeline.Named(h.Goroutine), h.Who)
		h.Engine = timeline.Engine(nil)
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
	e := h.Hold
	e.Line, e.Wait, e.Hold = h.line.String(), h.held.Sub(h.Asked), d
	m.events = append(m.events, e)
}

func (m *meter) snapshot(kind string, acquired uint64) LockStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Name, s.Acquired, s.Waiting = m.label(kind), int(acquired), int(m.waiting.Load())
	return s
}

func (m *meter) history(kind string) (events []timeline.Hold, dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	events = slices.Clone(m.events)
	for i := range events {
		events[i].Lock = m.label(kind)
	}
	return events, m.dropped
}

func (m *meter) eachHold(kind string, f func(timeline.Hold)) (dropped int) {
	events, dropped := m.history(kind)
	for _, e := range events {
		f(e)
	}
	return dropped
}

// String describes the holder.
func (h *holding) String() string {
	who := h.Who
	if who == "" {
		who = "a goroutine"
	}
	return fmt.Sprintf("%s, since %s at %s", who, quantity.Duration(time.Since(h.held)), &h.line)
}
