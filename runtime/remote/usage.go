package remote

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// running are the workers that have not ended, and used the processor time of those that have.
var running struct {
	sync.Mutex
	all  map[*Worker]bool
	used time.Duration
}

// CPU returns the processor time that all workers have used so far, those that have ended included. It takes some
// 20 µs for each that lives, and is exact to a hundredth of a second.
func CPU() time.Duration {
	running.Lock()
	defer running.Unlock()
	sum := running.used
	for w := range running.all {
		if u, err := usage(w.Pid(), nil); err == nil {
			sum += time.Duration(u.CPU * float64(time.Second))
		}
	}
	return sum
}

// runs notes that a worker has begun.
func (w *Worker) runs() {
	running.Lock()
	defer running.Unlock()
	if running.all == nil {
		running.all = map[*Worker]bool{}
	}
	running.all[w] = true
}

// stops notes that a worker has ended.
func (w *Worker) stops(state *os.ProcessState) {
	running.Lock()
	defer running.Unlock()
	delete(running.all, w)
	if state != nil {
		running.used += state.UserTime() + state.SystemTime()
	}
}

// usage reads what a process has used from /proc, or from its end.
func usage(pid int, ended *os.ProcessState) (u Usage, err error) {
	if ended != nil {
		return Usage{CPU: (ended.UserTime() + ended.SystemTime()).Seconds()}, nil
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, err
	}
	// the name of the program, in parentheses, may have any letters
	_, rest, ok := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if !ok || len(f) < 22 {
		return Usage{}, errors.New("malformed /proc/PID/stat")
	}
	const ticks = 100 // a second; Linux shows all programs this number
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	pages, _ := strconv.ParseInt(f[21], 10, 64)
	return Usage{CPU: float64(user+system) / ticks, Memory: pages * int64(os.Getpagesize())}, nil
}
