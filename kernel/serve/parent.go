package serve

import (
	"context"
	"errors"
	"os"
	"time"
)

var errParentGone = errors.New("the program that started this kernel has ended")

// watchParent ends the returned context when the process that started this one is gone, so that no kernel
// outlives a Jupyter server that crashed. Jupyter asks for this by JPY_PARENT_PID. Not all systems have a
// signal for it, so the parent is checked every second. stop ends the watch and waits for it.
func watchParent(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	gone := parentGone(os.Getenv("JPY_PARENT_PID"))
	if gone == nil {
		close(done)
	} else {
		go func() {
			defer close(done)
			t := time.NewTicker(time.Second)
			defer t.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-t.C:
					if gone() {
						cancel(errParentGone)
					}
				}
			}
		}()
	}
	return ctx, func() {
		cancel(nil)
		<-done
	}
}
