// Package usage measures what a process and those that it has started use of the machine. It must not know what
// they do. It reads Linux' /proc; elsewhere it knows the number of processors alone.
package usage

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Meter measures this process and all below it. Its methods may be called from several goroutines.
type Meter struct {
	proc string // where the system shows processes

	mu    sync.Mutex
	last  time.Time
	ticks map[int]uint64 // processor time of each process at last
	busy  uint64         // of the machine
	all   uint64
}

// A Use is what a Meter has measured. Percentages are since the call before; 100 is one core for CPU, and all cores
// for Host.
type Use struct {
	CPU         float64
	Memory      int64   // bytes
	Processes   int     // that are counted
	Cores       int     // of the machine
	Host        float64 // 0 at the first call
	HostMemory  int64   // bytes; 0 if unknown
	HostFree    int64   // that can be had
	HostPercent float64 // of the memory that is used
}

// New returns a meter whose first percentages count from now.
func New() *Meter {
	m := &Meter{proc: "/proc"}
	m.Measure()
	return m
}

// ticksPerSecond is the unit of times in /proc, which is the same on all machines.
const ticksPerSecond = 100

// Measure measures. It takes some 20 µs for each process of the machine.
func (m *Meter) Measure() Use {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	u := Use{Cores: runtime.NumCPU()}
	ticks := map[int]uint64{}
	shared := int64(0)
	for _, pid := range m.family() {
		t, ok := m.times(pid)
		if !ok {
			continue
		}
		ticks[pid] = t
		u.Processes++
		if old, known := m.ticks[pid]; known && t > old {
			u.CPU += float64(t - old)
		}
		resident, common := m.memory(pid)
		u.Memory += resident - common
		shared = max(shared, common) // files that several have mapped count once
	}
	u.Memory += shared
	if d := now.Sub(m.last).Seconds(); !m.last.IsZero() && d > 0 {
		u.CPU = u.CPU / ticksPerSecond / d * 100
	} else {
		u.CPU = 0
	}
	busy, all := m.machine()
	if m.all > 0 && all > m.all {
		u.Host = float64(busy-m.busy) / float64(all-m.all) * 100
	}
	m.last, m.ticks, m.busy, m.all = now, ticks, busy, all
	u.HostMemory, u.HostFree = m.hostMemory()
	if u.HostMemory > 0 {
		u.HostPercent = float64(u.HostMemory-u.HostFree) / float64(u.HostMemory) * 100
	}
	return u
}

// family returns this process and all below it.
func (m *Meter) family() (pids []int) {
	entries, err := os.ReadDir(m.proc)
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f := m.stat(pid); len(f) > 1 {
			parent, _ := strconv.Atoi(f[1])
			children[parent] = append(children[parent], pid)
		}
	}
	pids = []int{os.Getpid()}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
	}
	return pids
}

// stat returns the fields of /proc/PID/stat from the third on; the second is a name that may have any letters.
func (m *Meter) stat(pid int) []string {
	b, err := os.ReadFile(filepath.Join(m.proc, strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	text := string(b)
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
}

// times returns the processor time of a process.
func (m *Meter) times(pid int) (ticks uint64, ok bool) {
	const user, system = 14 - 3, 15 - 3
	f := m.stat(pid)
	if len(f) <= system {
		return 0, false
	}
	a, err := strconv.ParseUint(f[user], 10, 64)
	b, err2 := strconv.ParseUint(f[system], 10, 64)
	return a + b, err == nil && err2 == nil
}

// memory returns the resident memory of a process, and how much of it is mapped files.
func (m *Meter) memory(pid int) (resident, shared int64) {
	b, err := os.ReadFile(filepath.Join(m.proc, strconv.Itoa(pid), "statm"))
	f := strings.Fields(string(b))
	if err != nil || len(f) < 3 {
		return 0, 0
	}
	page := int64(os.Getpagesize())
	resident, _ = strconv.ParseInt(f[1], 10, 64)
	shared, _ = strconv.ParseInt(f[2], 10, 64)
	return resident * page, shared * page
}

// machine returns the time that all processors were busy, and all their time.
func (m *Meter) machine() (busy, all uint64) {
	b, err := os.ReadFile(filepath.Join(m.proc, "stat"))
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line)
	if err != nil || len(f) < 6 || f[0] != "cpu" {
		return 0, 0
	}
	const idle, wait = 4, 5
	for i, text := range f[1:min(len(f), 9)] { // the guests' time behind is part of the user's
		t, _ := strconv.ParseUint(text, 10, 64)
		all += t
		if i+1 != idle && i+1 != wait {
			busy += t
		}
	}
	return busy, all
}

// hostMemory returns the machine's memory, and how much can be had without swapping.
func (m *Meter) hostMemory() (total, free int64) {
	b, err := os.ReadFile(filepath.Join(m.proc, "meminfo"))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			total = n << 10
		case "MemAvailable:":
			free = n << 10
		}
	}
	return total, free
}
