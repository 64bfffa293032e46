package compiled

import (
	"slices"
	"sync"

	"interleave/kernel/load"
)

// inits are the packages of modules that are loaded and not initialised. Their init functions run on the goroutine
// of the cell that imports them first, as its code does: it may be interrupted there, and panic.
type inits struct {
	mu     sync.Mutex
	queue  []load.Pending
	failed map[string]bool // by path: the initialisation has begun and did not end
}

// Pending reports whether packages of modules have to be initialised before a cell runs.
func (e *Engine) Pending() bool {
	if e.loader == nil {
		return false
	}
	e.inits.mu.Lock()
	defer e.inits.mu.Unlock()
	e.inits.queue = append(e.inits.queue, e.loader.TakePending()...)
	return len(e.inits.queue) > 0
}

// Initialise initialises the packages of modules that are loaded. It does not return if one of them panics or ends
// the goroutine. Those that import a package which was not initialised are left out.
func (e *Engine) Initialise() {
	for e.Pending() {
		e.inits.mu.Lock()
		p := e.inits.queue[0]
		e.inits.queue = e.inits.queue[1:]
		e.inits.mu.Unlock()
		skip := e.Uninitialised(p.Path)
		e.inits.mu.Lock()
		if e.inits.failed == nil {
			e.inits.failed = map[string]bool{}
		}
		e.inits.failed[p.Path] = true
		e.inits.mu.Unlock()
		if skip {
			continue
		}
		p.Run()
		e.inits.mu.Lock()
		delete(e.inits.failed, p.Path)
		e.inits.mu.Unlock()
	}
}

// Uninitialised reports whether a package of a module, or one that it imports, could not be initialised.
func (e *Engine) Uninitialised(path string) bool {
	e.inits.mu.Lock()
	defer e.inits.mu.Unlock()
	if len(e.inits.failed) == 0 {
		return false
	}
	seen := map[string]bool{}
	var look func(path string) bool
	look = func(path string) bool {
		if e.inits.failed[path] {
			return true
		}
		if seen[path] {
			return false
		}
		seen[path] = true
		p, ok := e.Tools.ProvidedPackage(path)
		return ok && slices.ContainsFunc(p.Imports, look)
	}
	return look(path)
}
