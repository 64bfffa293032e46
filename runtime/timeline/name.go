package timeline

import (
	"context"
	"runtime/trace"
	"sync/atomic"
)

// Name names the calling goroutine: in the experiment that is being recorded, and in the history of the locks
// that it takes from now on. It costs a microsecond or two.
func Name(name string) {
	id := goroutineID()
	names[id%int64(len(names))].Store(&named{id, name})
	if trace.IsEnabled() {
		trace.Log(context.Background(), categoryName, name)
	}
}

// names are the names that were given last. Numbers of goroutines are never used twice, so one that is kept
// too long does no harm. There is no lock, since goroutines would be seen to wait for it.
var names [4096]atomic.Pointer[named]

type named struct {
	id   int64
	name string
}

// Named returns the name that goroutine id was last given by [Name]; empty when it has no name, or when
// thousands of goroutines were started and named since.
func Named(id int64) string {
	if n := names[max(0, id)%int64(len(names))].Load(); n != nil && n.id == id {
		return n.name
	}
	return ""
}
