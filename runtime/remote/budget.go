package remote

import (
	"fmt"
	"os"
	"runtime/metrics"
	"time"

	"interleave/runtime/quantity"
)

// The system bounds what a process maps anew; Go's heap grows into what it had reserved before, which the system
// does not count. So a worker with a bound looks at what Go's runtime has taken, too.

// budgetPace is how often it looks, besides at the end of each call.
const budgetPace = 10 * time.Millisecond

// A budget is the memory that a worker may take. The zero value has no bound.
type budget struct {
	most int64
	read []metrics.Sample
}

// exceeded returns how much memory the runtime has taken, if that is more than allowed.
func (b *budget) exceeded() (bytes int64, yes bool) {
	if b.most <= 0 {
		return 0, false
	}
	if b.read == nil {
		b.read = []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	}
	metrics.Read(b.read)
	bytes = int64(b.read[0].Value.Uint64() - b.read[1].Value.Uint64())
	return bytes, bytes > b.most
}

// keepBudget begins to watch the bound, if there is one and it is not watched yet. The goroutine lives as long as
// the process.
func (s *server) keepBudget() {
	if s.budget.most > 0 || s.page.budget() == 0 {
		return
	}
	s.budget.most = s.page.budget()
	go func(b budget) {
		for {
			s.spend(&b)
			time.Sleep(budgetPace)
		}
	}(s.budget)
}

// spend ends the process, as Go's runtime does when the system refuses memory, if it has taken more than allowed.
func (s *server) spend(b *budget) {
	if bytes, yes := b.exceeded(); yes {
		fmt.Fprintf(os.Stderr, "fatal error: out of memory: the process has taken %s\n", quantity.Bytes(bytes))
		s.exit(crashStatus)
	}
}
