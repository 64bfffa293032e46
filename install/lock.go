package install

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

// lock locks a file for this process, and returns a function that releases the lock. waiting is called once
// if another process has it. The operating system releases it when the process dies.
func lock(ctx context.Context, name string, waiting func()) (unlock func(), err error) {
	l := newLock(name)
	ok, err := l.TryLock()
	if !ok && err == nil {
		if waiting != nil {
			waiting()
		}
		_, err = l.TryLockContext(ctx, 50*time.Millisecond)
		if err != nil && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return func() { l.Close() }, nil
}

func tryLock(name string) (unlock func(), ok bool) {
	l := newLock(name)
	ok, _ = l.TryLock()
	return func() { l.Close() }, ok
}

func newLock(name string) *flock.Flock { return flock.New(name, flock.SetPermissions(0o644)) }
