package timeline

import (
	"context"
	"runtime/trace"
	"sync"
)

// Name names the calling goroutine: in the experiment that is being recorded, and in the history of the locks that it takes from now
// on. It costs some microseconds.
func Name(name string) {
	names.set(goroutineID(), name)
	if trace.IsEnabled() {
		trace.Log(context.Background(), categoryName, name)
	}
}

// maxNames is how many goroutines' names are kept for [Named]. Numbers of goroutines are never used twice, so a name that is kept too
// long does no harm.
const maxNames = 4096

var names nameTable

// A nameTable holds the names that were given last.
type nameTable struct {
	mu   sync.Mutex
	byID map[int64]string
	ring []int64 // the IDs in the order of their first names; the one at next is the oldest once the ring is full
	next int
}

func (t *nameTable) set(id int64, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID = map[int64]string{}
	}
	if _, known := t.byID[id]; !known {
		if len(t.ring) < maxNames {
			t.ring = append(t.ring, id)
		} else {
			delete(t.byID, t.ring[t.next])
			t.ring[t.next] = id
			t.next = (t.next + 1) % maxNames
		}
	}
	t.byID[id] = name
}

// Named is the name that goroutine id was last given by [Name]; empty when it has none, or when thousands of others were named
// since.
func Named(id int64) string {
	names.mu.Lock()
	defer names.mu.Unlock()
	return names.byID[id]
}
