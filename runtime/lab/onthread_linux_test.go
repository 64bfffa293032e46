package lab_test

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"interleave/runtime/lab"
)

// While a function runs on a thread of its own no other goroutine ever does.
func TestOnThreadIsAlone(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	others := map[int]bool{}
	mine, err := lab.OnThread(t.Context(), func(ctx context.Context) (int, error) {
		own := syscall.Gettid()
		for range 20 {
			if err := lab.Each(ctx, 20, func(context.Context, int) error {
				mu.Lock()
				defer mu.Unlock()
				others[syscall.Gettid()] = true
				return nil
			}); err != nil {
				return 0, err
			}
			time.Sleep(time.Millisecond) // gives the thread away, if it is not locked
			if now := syscall.Gettid(); now != own {
				t.Errorf("the thread changed from %d to %d", own, now)
			}
		}
		return own, nil
	})
	if err != nil || others[mine] || len(others) == 0 {
		t.Errorf("thread %d is among %v, error %v", mine, others, err)
	}
}
