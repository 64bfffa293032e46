package engine

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// A tidier returns garbage of cells to the system. Go's runtime does so over minutes, and keeps the records
// of ended goroutines for ever. Freeing them takes a garbage collection, which would disturb measurements by
// a goroutine of an earlier cell: so the tidier waits until the process has used almost no processor time for
// a while.
type tidier struct {
	mu    sync.Mutex
	timer *time.Timer // nil while a cell runs, and when there is nothing to return
	began time.Time
	cpu   time.Duration // processor time of the process when the timer was set
	kept  uint64        // bytes that were still held after the last time
}

const (
	tidyAfter = 1500 * time.Millisecond // in which the process is idle
	tidyIdle  = 100                     // idle means less than a hundredth of a core
	tidyLeast = 4 << 20                 // the least number of bytes worth the work
)

// busy is called when a cell begins.
func (t *tidier) busy() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// idle is called when a cell has ended.
func (t *tidier) idle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if held() > t.kept+tidyLeast {
		t.set()
	}
}

func (t *tidier) set() {
	t.began, t.cpu = time.Now(), cpuTime()
	var self *time.Timer
	self = time.AfterFunc(tidyAfter, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.timer != self { // a cell has begun
			return
		}
		t.timer = nil
		if used := cpuTime() - t.cpu; used > time.Since(t.began)/tidyIdle {
			t.set()
			return
		}
		giveBack() // a cell that comes now waits, because the collection would disturb it
		t.kept = held()
	})
	t.timer = self
}

// giveBack frees what can be freed. A first collection frees the stacks of goroutines that have ended, and
// then their records are garbage. The second one shortens the list of goroutines.
func giveBack() {
	runtime.GC()
	cellReap()
	cellReap()
	debug.FreeOSMemory()
}

// held returns how much memory of the system the runtime holds.
func held() uint64 {
	m := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(m)
	return m[0].Value.Uint64() - m[1].Value.Uint64()
}
