package proc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"

	"interleave/runtime/quantity"
	"interleave/runtime/remote"
)

// A Lock is a mutex between processes, and between their goroutines. It is multiprocessing.Lock. A free lock is
// taken in some ten nanoseconds. Who waits is not served in order.
//
// When a process ends that has the lock, the lock is set free, and the next [Lock.Lock] returns [ErrAbandoned].
type Lock struct{ m remote.Mutex }

// NewLock returns a free lock. It panics on a system whose processes share no memory.
func NewLock() *Lock {
	inProgram("proc.NewLock")
	m, err := remote.NewMutex()
	if err != nil {
		panic(misuse("proc.NewLock", "%v", err))
	}
	l := &Lock{*m}
	runtime.AddCleanup(l, func(m remote.Mutex) { remote.Unused(m.Free) }, *m)
	return l
}

// Lock waits until the lock is free and takes it. With an error it is not taken: that of ctx, or [ErrAbandoned].
func (l *Lock) Lock(ctx context.Context) error { return l.lock(ctx, "proc.Lock.Lock") }

func (l *Lock) lock(ctx context.Context, call string) error {
	if ctx == nil {
		return check(call, ctx)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", call, context.Cause(ctx))
	}
	switch err := l.m.Lock(ctx); {
	case err == nil:
		return nil
	case l.m.Region.Number == 0:
		return misuse(call, "it was never made: proc.NewLock makes one")
	default:
		return fmt.Errorf("%s: %w", call, err)
	}
}

// TryLock takes the lock if it is free now.
func (l *Lock) TryLock() bool { return l.m.TryLock() }

// Unlock sets the lock free. It panics if this process does not have it.
func (l *Lock) Unlock() {
	if !l.m.Unlock() {
		panic(misuse("proc.Lock.Unlock", "the lock is not locked by this process"))
	}
}

// Do calls fn while it has the lock. The error is that of Lock; fn is not called then.
func (l *Lock) Do(ctx context.Context, fn func()) error {
	if fn == nil {
		return misuse("proc.Lock.Do", "nil function")
	}
	if err := l.lock(ctx, "proc.Lock.Do"); err != nil {
		return err
	}
	defer l.Unlock()
	fn()
	return nil
}

// Locked reports whether some process has the lock.
func (l *Lock) Locked() bool {
	return l.m.Holder() != 0
}

// String shows the state of the lock.
func (l *Lock) String() string {
	switch holder := l.m.Holder(); {
	case l.m.Region.Number == 0:
		return "lock, never made"
	case holder == 0:
		return "free"
	case holder == remote.Number():
		return "locked by this process"
	}
	return "locked by another process"
}

// An RLock is a lock that its owner may take again. It is multiprocessing.RLock. The owner is a process and, in
// it, a token that the caller chooses, as for [lab.RLock].
type RLock struct{ lock *Lock }

// NewRLock returns a free lock. It panics on a system whose processes share no memory.
func NewRLock() *RLock {
	inProgram("proc.NewRLock")
	return &RLock{NewLock()}
}

// owners has for each RLock that this process has who took it how often.
var owners struct {
	sync.Mutex
	of map[remote.Region]*owner
}

type owner struct {
	token any
	depth int
}

func (l *RLock) check(call string, token any) error {
	switch {
	case l.lock == nil:
		return misuse(call, "it was never made: proc.NewRLock makes one")
	case token == nil:
		return misuse(call, "nil owner: pass a token of your own")
	case !reflect.ValueOf(token).Comparable():
		return misuse(call, "owner of type %T: need one that can be compared", token)
	}
	return nil
}

// again takes the lock once more if token has it.
func (l *RLock) again(token any) bool {
	owners.Lock()
	defer owners.Unlock()
	o := owners.of[l.lock.m.Region]
	if o == nil || o.token != token {
		return false
	}
	o.depth++
	return true
}

func (l *RLock) take(token any) {
	owners.Lock()
	defer owners.Unlock()
	if owners.of == nil {
		owners.of = map[remote.Region]*owner{}
	}
	owners.of[l.lock.m.Region] = &owner{token, 1}
}

// Lock waits until the lock is free or the owner's, and takes it once more. With an error it is not taken: that
// of ctx, or [ErrAbandoned].
func (l *RLock) Lock(ctx context.Context, owner any) error {
	const call = "proc.RLock.Lock"
	if err := errors.Join(check(call, ctx), l.check(call, owner)); err != nil {
		return err
	}
	if l.again(owner) {
		return nil
	}
	if err := l.lock.lock(ctx, call); err != nil {
		return err
	}
	l.take(owner)
	return nil
}

// TryLock takes the lock for owner if that needs no waiting.
func (l *RLock) TryLock(owner any) bool {
	if err := l.check("proc.RLock.TryLock", owner); err != nil {
		panic(err)
	}
	if l.again(owner) {
		return true
	}
	if !l.lock.TryLock() {
		return false
	}
	l.take(owner)
	return true
}

// Unlock takes back one Lock of owner, and sets the lock free with the last. It panics if owner does not have
// the lock.
func (l *RLock) Unlock(owner any) {
	const call = "proc.RLock.Unlock"
	if err := l.check(call, owner); err != nil {
		panic(err)
	}
	owners.Lock()
	o := owners.of[l.lock.m.Region]
	if o == nil || o.token != owner {
		owners.Unlock()
		panic(misuse(call, "owner %v does not have the lock", owner))
	}
	if o.depth--; o.depth > 0 {
		owners.Unlock()
		return
	}
	delete(owners.of, l.lock.m.Region)
	owners.Unlock()
	l.lock.Unlock()
}

// String shows the holder of the lock.
func (l *RLock) String() string {
	if l.lock == nil {
		return "lock, never made"
	}
	var held owner
	owners.Lock()
	if o := owners.of[l.lock.m.Region]; o != nil {
		held = *o
	}
	owners.Unlock()
	if held.depth == 0 {
		return l.lock.String()
	}
	return fmt.Sprintf("held by %v, %s", held.token, quantity.Plural(held.depth, "time"))
}
