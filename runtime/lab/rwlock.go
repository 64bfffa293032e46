package lab

import (
	"context"
	"slices"
	"sync"
	"time"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// A Preference determines which goroutines an [RWLock] admits when readers and writers wait.
type Preference int

const (
	PreferWriters Preference = iota // no reader comes in while a writer waits: readers may starve
	PreferReaders                   // readers come in whenever no writer is in: writers may starve
	PreferNobody                    // first come, first served: no goroutine starves, and readers share less
)

// An RWLock may be held by many readers or one writer. Other than with sync.RWMutex, waiting can be
// cancelled, and whom it prefers is a choice, to show what starving looks like.
type RWLock struct {
	prefer Preference

	mu       sync.Mutex
	readers  int           // that hold it
	writing  bool          // whether a writer does
	queue    waiters[bool] // in the order of coming; true for a writer
	writers  int           // in queue
	acquired uint64        // reads and writes
	writer   *holding
	reading  []*holding // of watched readers, in the order in which they came in
	meter    meter
}

// NewRWLock returns a free lock.
func NewRWLock(prefer Preference) *RWLock {
	if prefer < PreferWriters || prefer > PreferNobody {
		panic(misuse("lab.NewRWLock", "preference %d: need PreferWriters, PreferReaders or PreferNobody", int(prefer)))
	}
	return &RWLock{prefer: prefer, meter: meter{from: here(1)}}
}

// Named gives the lock its name in figures and statistics, and returns it.
func (l *RWLock) Named(name string) *RWLock {
	l.meter.name = name
	return l
}

// Watch has the lock note writers and readers as [Lock.Watch] does. A reader is noted as leaving on the
// goroutine on which it came; where it leaves on another, the one that has read longest is taken for it.
func (l *RWLock) Watch() *RWLock {
	l.meter.watch.Store(true)
	return l
}

// Lock waits until the lock is free and takes it for writing.
func (l *RWLock) Lock(ctx context.Context) error { return l.acquire(ctx, "lab.RWLock.Lock", true) }

// RLock waits until it may read.
func (l *RWLock) RLock(ctx context.Context) error { return l.acquire(ctx, "lab.RWLock.RLock", false) }

// TryLock takes the lock for writing if that needs no waiting.
func (l *RWLock) TryLock() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.enter(true)
}

// TryRLock takes the lock for reading if that needs no waiting.
func (l *RWLock) TryRLock() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.enter(false)
}

func (l *RWLock) acquire(ctx context.Context, call string, write bool) error {
	if err := checkContext(call, ctx); err != nil {
		return err
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	var asked time.Time
	l.mu.Lock()
	if !l.enter(write) {
		w := l.queue.add(write)
		if write {
			l.writers++
		}
		l.mu.Unlock()
		asked = time.Now()
		over := l.meter.waits("rwlock")
		select {
		case <-w.ready:
			over(true)
		case <-ctx.Done():
			l.mu.Lock()
			waiting := l.queue.remove(w)
			if waiting {
				if write {
					l.writers--
				}
				l.admit() // those whom this one kept out
			}
			l.mu.Unlock()
			if over(!waiting); waiting {
				return canceled(ctx)
			}
		}
		l.mu.Lock()
	}
	if l.meter.watched() {
		h := l.meter.holds(ctx, asked)
		if write {
			h.Mode = "writing"
			l.writer = h
		} else {
			h.Mode = "reading"
			l.reading = append(l.reading, h)
		}
	}
	l.mu.Unlock()
	return nil
}

// enter takes the lock if a goroutine that has not waited may take it now.
func (l *RWLock) enter(write bool) bool {
	switch {
	case l.writing, write && l.readers > 0:
		return false
	case !write && l.prefer == PreferWriters && l.writers > 0, l.prefer == PreferNobody && !l.queue.empty():
		return false
	}
	l.let(write)
	return true
}

func (l *RWLock) let(write bool) {
	l.acquired++
	if write {
		l.writing = true
	} else {
		l.readers++
	}
}

// admit admits the waiting goroutines that may hold the lock now.
func (l *RWLock) admit() {
	for !l.writing {
		w := l.next()
		if w == nil || w.v && l.readers > 0 {
			return
		}
		if w.v {
			l.writers--
		}
		l.let(w.v)
		w.serve(w.v, nil)
	}
}

// next returns the waiter that is admitted next, as soon as the lock allows it.
func (l *RWLock) next() *waiter[bool] {
	for w := l.queue.first(); w != nil; w = w.next {
		if l.prefer == PreferNobody || w.v == (l.prefer == PreferWriters) {
			return w
		}
	}
	return l.queue.first()
}

// Unlock ends writing.
func (l *RWLock) Unlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.writing {
		panic(misuse("lab.RWLock.Unlock", "the lock is not locked for writing"))
	}
	l.writing = false
	if l.writer != nil {
		l.meter.released(l.writer)
		l.writer = nil
	}
	l.admit()
}

// RUnlock ends one reading.
func (l *RWLock) RUnlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readers == 0 {
		panic(misuse("lab.RWLock.RUnlock", "the lock is not locked for reading"))
	}
	l.readers--
	l.leave()
	l.admit()
}

// leave records that the calling goroutine has stopped reading. Readers from before the lock was watched are
// unknown.
func (l *RWLock) leave() {
	if len(l.reading) == 0 {
		return
	}
	id := goroutineID()
	i := slices.IndexFunc(l.reading, func(h *holding) bool { return h.Goroutine == id })
	if i < 0 && len(l.reading) > l.readers {
		i = 0
	}
	if i >= 0 {
		l.meter.released(l.reading[i])
		l.reading = slices.Delete(l.reading, i, i+1)
	}
}

// Holders returns how many hold the lock: any number of readers, or one writer.
func (l *RWLock) Holders() (readers int, writing bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.readers, l.writing
}

// String shows the holders of the lock.
func (l *RWLock) String() string {
	switch readers, writing := l.Holders(); {
	case writing:
		return "held by a writer"
	case readers > 0:
		return "held by " + quantity.Plural(readers, "reader")
	}
	return "free"
}

// Stats returns what the lock has seen so far, readers and writers together.
func (l *RWLock) Stats() LockStats {
	l.mu.Lock()
	acquired := l.acquired
	l.mu.Unlock()
	return l.meter.snapshot("rwlock", acquired)
}

// History returns who held the lock while it was watched, as [Lock.History] does, with the Mode of each hold.
func (l *RWLock) History() (events []timeline.Hold, dropped int) { return l.meter.history("rwlock") }
