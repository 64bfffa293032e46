package install

import (
	"context"
	"time"
)

// lock locks a file for this process, and returns a function that releases the lock. waiting is called once
// if another process has it. The operating system releases it when the process dies.
func lock(ctx context.Context, name string, waiting func()) (unlock func(), err error) {
	for first := true; ; first = false {
		unlock, ok, err := acquire(name)
		if ok || err != nil {
			return unlock, err
		}
		if first && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond): // the system has no file lock with a timeout
		}
	}
}

func tryLock(name string) (unlock func(), ok bool) {
	unlock, ok, _ = acquire(name)
	return unlock, ok
}
