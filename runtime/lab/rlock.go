package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// An RLock is a lock that its owner may take again: threading.RLock. Python knows who the owner is, because a
// thread can ask for its own identity. A goroutine has no identity, on purpose, so the owner is a token that
// the caller chooses and passes on: any value that can be compared, often a pointer.
//
// Go code seldom wants one: a function that needs the lock held takes it as a precondition, and an exported
// one takes the lock and calls it.
type RLock struct {
	lock  Lock
	mu    sync.Mutex // guards owner and depth
	owner any        // nil when free
	depth int
}

// NewRLock returns a free lock.
func NewRLock() *RLock { return &RLock{lock: Lock{meter: meter{from: here(1)}}} }

// Named gives the lock its name in figures and statistics, and returns it.
func (l *RLock) Named(name string) *RLock {
	l.lock.Named(name)
	return l
}

// Watch is [Lock.Watch].
func (l *RLock) Watch() *RLock {
	l.lock.Watch()
	return l
}

// Lock waits until the lock is free or owner's, and takes it once more for owner.
func (l *RLock) Lock(ctx context.Context, owner any) error {
	if owner == nil {
		return misuse("lab.RLock.Lock", "nil owner: pass a token of your own")
	}
	if err := errors.Join(checkContext("lab.RLock.Lock", ctx), checkComparable("lab.RLock.Lock", "owner", owner)); err != nil {
		return err
	}
	if l.again(owner) {
		return nil
	}
	if err := l.lock.Lock(ctx); err != nil {
		return err
	}
	l.take(owner)
	return nil
}

// TryLock takes the lock for owner if that needs no waiting.
func (l *RLock) TryLock(owner any) bool {
	if owner == nil {
		panic(misuse("lab.RLock.TryLock", "nil owner: pass a token of your own"))
	}
	must(checkComparable("lab.RLock.TryLock", "owner", owner))
	if l.again(owner) {
		return true
	}
	if !l.lock.TryLock() {
		return false
	}
	l.take(owner)
	return true
}

func (l *RLock) again(owner any) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner == nil || l.owner != owner {
		return false
	}
	l.depth++
	return true
}

func (l *RLock) take(owner any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owner, l.depth = owner, 1
}

// Unlock undoes one Lock of owner; the last one frees the lock.
func (l *RLock) Unlock(owner any) {
	must(checkComparable("lab.RLock.Unlock", "owner", owner))
	l.mu.Lock()
	if owner == nil || l.owner != owner {
		l.mu.Unlock()
		panic(misuse("lab.RLock.Unlock", "the lock is not held by %v", owner))
	}
	l.depth--
	last := l.depth == 0
	if last {
		l.owner = nil
	}
	l.mu.Unlock()
	if last {
		l.lock.Unlock()
	}
}

// Owner returns the owner of the lock, and how many times it holds it; nil and 0 when the lock is free.
func (l *RLock) Owner() (owner any, depth int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owner, l.depth
}

// String shows the holder of the lock.
func (l *RLock) String() string {
	if owner, depth := l.Owner(); depth > 0 {
		return fmt.Sprintf("held by %v, %s", owner, quantity.Plural(depth, "time"))
	}
	return "free"
}

// Stats returns what the lock has seen so far; taking it again counts only once.
func (l *RLock) Stats() LockStats { return l.lock.Stats() }

// History is [Lock.History].
func (l *RLock) History() (events []timeline.Hold, dropped int) { return l.lock.History() }
