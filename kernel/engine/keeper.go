package engine

import "sync"

// A keeper runs functions on one goroutine that exists before any cell runs. It makes what the engine needs
// while a cell runs, such as the tracer or a timer. Made on the cell's goroutine, these could belong to a
// bubble of testing/synctest, whose time is virtual and whose channels end the process when they are used
// from outside.
type keeper struct {
	mu   sync.Mutex // held by the caller being served
	asks chan func()
	done chan struct{}
}

// newKeeper starts the goroutine, which ends with the process.
func newKeeper() *keeper {
	k := &keeper{asks: make(chan func()), done: make(chan struct{})}
	go func() {
		for f := range k.asks {
			f()
			k.done <- struct{}{}
		}
	}()
	return k
}

// do runs f on the keeper's goroutine and returns when f has returned. f must not panic or call do.
func (k *keeper) do(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asks <- f
	<-k.done
}
