package lab

import (
	"context"
	"runtime"
)

// OnThread runs fn in a goroutine that is locked to an operating system thread of its own, and waits for it.
// It is asyncio.to_thread. Go needs it less than Python: a goroutine may block without stopping the others.
// It is for code that depends on the thread it runs on, such as C libraries and per-thread settings of the
// kernel.
func OnThread[T any](ctx context.Context, fn func(context.Context) (T, error)) (value T, err error) {
	if fn == nil {
		return value, misuse("lab.OnThread", "nil function")
	}
	err = each(ctx, "lab.OnThread", 1, func(ctx context.Context, _ int) (err error) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		value, err = fn(ctx)
		return err
	})
	return value, err
}
