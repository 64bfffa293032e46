package engine

import (
	"fmt"
	"sync"
	"time"
)

// A starter starts the compiler of the next cell when no cell has come for a moment. It starts nothing while
// a cell runs, because the cell may be measuring, and nothing while a cell is compiled: two compilers side by
// side are no faster than one after the other.
type starter struct {
	mu    sync.Mutex
	timer *time.Timer
}

// startAfter is how long no cell must have come before the compiler starts.
const startAfter = 20 * time.Millisecond

// busy is called when a cell begins.
func (s *starter) busy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// idle is called when a cell has ended, and when the session begins.
func (s *starter) idle(e *Engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprintf("c%d", e.scope.Upcoming())
	var self *time.Timer
	self = time.AfterFunc(startAfter, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.timer == self { // no cell has begun
			e.tools.Ahead(name, e.cfg.WorkDir)
		}
	})
	s.timer = self
}
