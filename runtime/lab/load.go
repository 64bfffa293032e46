package lab

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"interleave/runtime/internal/clock"
	"interleave/runtime/remote"
)

// counters are readings of the system's counters for the machine and this process, as far as they exist.
type counters struct {
	at        time.Time
	cpu       time.Duration // of this process
	cpuBehind time.Duration // the same after the other counters were read, which takes CPU time itself
	workers   time.Duration // of processes that this one has started for functions

	cores int // usable by this process
	// time of these cores: in total, used by all processes, taken by the hypervisor
	all, busy, stolen time.Duration
	// by thread of this process: the time it was runnable without a core; nil when not known
	waited    map[int]time.Duration
	throttled time.Duration // the time this process was stopped by the container's CPU limit
}

// tick is the unit in which Linux counts the time of cores. The times of threads are exact to the nanosecond.
const tick = 10 * time.Millisecond

// maxThreads is the number of threads up to which their waits are read, at some 10 µs each.
const maxThreads = 256

// readCounters reads the counters, in about 10 µs for each thread of the process.
func readCounters() counters {
	c := counters{cpu: clock.CPU(), workers: remote.CPU()}
	if b, err := os.ReadFile("/proc/stat"); err == nil {
		c.readCores(b, allowedCores())
	}
	if names := threads(); len(names) > 0 {
		c.waited = make(map[int]time.Duration, len(names))
		for _, name := range names {
			id, err := strconv.Atoi(name)
			if err != nil {
				continue
			}
			if b, err := os.ReadFile("/proc/self/task/" + name + "/schedstat"); err == nil { // else it has ended
				c.waited[id] = schedWait(string(b))
			}
		}
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/cpu.stat"); err == nil {
		c.throttled = throttledTime(string(b))
	}
	c.at, c.cpuBehind = time.Now(), clock.CPU()
	return c
}

// threads lists the threads of this process that run goroutines. It returns nothing when there are very many,
// or when the system does not count their waits. The system lists threads in the order of their creation; the
// second is Go's monitor (sysmon), for which no goroutine waits, so it is left out.
func threads() []string {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		return nil
	}
	dir, err := os.Open("/proc/self/task")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxThreads + 1)
	if err != nil || len(names) > maxThreads || len(names) < 2 {
		return nil
	}
	return append(names[:1], names[2:]...)
}

// readCores sums lines such as "cpu1 333080 17919 123961 284329 1240 0 965 868 0 0" of the cores that are
// allowed: time as a user, as one with low priority, in the system, idle, idle with files under way, in
// interrupts of two kinds, stolen; then two that are parts of the first ones. nil allows all cores.
func (c *counters) readCores(stat []byte, allowed map[int]bool) {
	for line := range bytes.Lines(stat) {
		f := strings.Fields(string(line))
		if len(f) < 9 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		id, err := strconv.Atoi(f[0][len("cpu"):])
		if err != nil || allowed != nil && !allowed[id] {
			continue
		}
		c.cores++
		for i, v := range f[1:9] {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				continue
			}
			d := time.Duration(n) * tick
			c.all += d
			switch i {
			case 3, 4:
			case 7:
				c.stolen += d
			default:
				c.busy += d
			}
		}
	}
}

// allowedCores is the set of cores that this process may use; nil when it is not known.
func allowedCores() map[int]bool {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return coreList(strings.TrimSpace(list))
		}
	}
	return nil
}

// coreList reads a list such as "0-3,6".
func coreList(text string) map[int]bool {
	cores := map[int]bool{}
	for part := range strings.SplitSeq(text, ",") {
		first, last, several := strings.Cut(part, "-")
		lo, err := strconv.Atoi(first)
		hi := lo
		if several && err == nil {
			hi, err = strconv.Atoi(last)
		}
		if err != nil || hi-lo > 1<<16 {
			return nil
		}
		for id := lo; id <= hi; id++ {
			cores[id] = true
		}
	}
	return cores
}

// schedWait reads a thread's schedstat, such as "3984827 3133771 2": nanoseconds on a core, nanoseconds ready
// without one, and turns.
func schedWait(text string) time.Duration {
	if f := strings.Fields(text); len(f) >= 2 {
		if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
			return time.Duration(n)
		}
	}
	return 0
}

// throttledTime reads the line "throttled_usec 12" of a control group's cpu.stat.
func throttledTime(text string) time.Duration {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "throttled_usec "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return time.Duration(n) * time.Microsecond
		}
	}
	return 0
}

// A load is the difference between two readings of the counters.
type load struct {
	took      time.Duration // by the clock
	cpu       time.Duration
	cores     int
	all       time.Duration
	others    time.Duration // used by other processes
	stolen    time.Duration
	waited    time.Duration // by all threads together
	waitKnown bool
	throttled time.Duration
}

func (c counters) since(before counters) load {
	l := load{took: c.at.Sub(before.at), cpu: c.cpu - before.cpuBehind, cores: c.cores, waitKnown: c.waited != nil && before.waited != nil}
	if c.cores == before.cores {
		l.all, l.stolen = max(0, c.all-before.all), max(0, c.stolen-before.stolen)
		// may be negative when a tick is counted late; the sum over many stretches is right
		l.others = c.busy - before.busy - (c.cpu - before.cpu) - (c.workers - before.workers)
	}
	for id, d := range c.waited {
		l.waited += max(0, d-before.waited[id])
	}
	l.throttled = max(0, c.throttled-before.throttled)
	return l
}

func (l load) plus(o load) load {
	return load{
		took: l.took + o.took, cpu: l.cpu + o.cpu, cores: max(l.cores, o.cores), all: l.all + o.all, others: l.others + o.others, stolen: l.stolen + o.stolen,
		waited: l.waited + o.waited, waitKnown: o.waitKnown, throttled: l.throttled + o.throttled,
	}
}

// leastTicks is the number of ticks of each core from which on shares are reported: with ten, they are exact
// to some 7 % of a core.
const leastTicks = 10

// known reports whether the time was long enough to measure what the cores did.
func (l load) known() bool {
	return l.cores > 0 && l.all >= time.Duration(l.cores)*leastTicks*tick
}

// share is d as a part of the cores' time; 0 when that is not known.
func (l load) share(d time.Duration) float64 {
	if !l.known() {
		return 0
	}
	return min(1, max(0, float64(d)/float64(l.all)))
}

// usableCores is the number of cores that this process can use at the same time, regardless of GOMAXPROCS.
func usableCores() float64 {
	n := float64(runtime.NumCPU())
	if q := quota(os.DirFS("/")); q > 0 {
		n = min(n, q)
	}
	return n
}
