package lab

import (
	"context"
	"errors"
	"sync"
)

// A scope is what Run waits for.
type scope struct{ wg sync.WaitGroup }

type scopeKey struct{}

// errRunEnded is why tasks were cancelled that outlived the function of their Run.
var errRunEnded = errors.New("lab.Run has ended")

// Run calls fn and returns its error; a panic comes back as a [*PanicError]. Tasks that were started with
// fn's context and are still alive when fn returns are cancelled, and Run waits for them; how they end is not
// Run's error. It is asyncio.run: a border that no task crosses. Other than there, a Run may be inside of
// another.
func Run(ctx context.Context, fn func(context.Context) error) error {
	if err := checkContext("lab.Run", ctx); err != nil {
		return err
	}
	if fn == nil {
		return misuse("lab.Run", "nil function")
	}
	s, from := new(scope), here(1)
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, scopeKey{}, s))
	defer func() { // deferred, so that a Goexit of fn finds the border too
		cancel(errRunEnded)
		s.wg.Wait()
	}()
	return guard(&from, func() error { return fn(ctx) })
}
