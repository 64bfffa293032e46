package lab

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"interleave/runtime/quantity"
)

// CPUInfo is how many things can happen at the same time here.
type CPUInfo struct {
	Logical    int     // cores that the system offers to this process, hyperthreads counted
	Physical   int     // cores of the machine without hyperthreads; 0 when unknown
	Quota      float64 // cores' worth of time that the container may use; 0 when there is no known limit
	GOMAXPROCS int     // goroutines that may run at the same time; Go sets it from cores and quota
}

// CPUs returns the number of cores, as os.cpu_count in Python, and more.
func CPUs() CPUInfo {
	c := CPUInfo{Logical: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0)}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		c.Physical = physicalCores(string(b))
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/cpu.max"); err == nil {
		c.Quota = quota(string(b))
	}
	return c
}

// physicalCores counts the different pairs of socket and core in Linux's cpuinfo.
func physicalCores(cpuinfo string) int {
	cores := map[string]bool{}
	for cpu := range strings.SplitSeq(cpuinfo, "\n\n") {
		var socket, core string
		for line := range strings.Lines(cpu) {
			key, value, _ := strings.Cut(line, ":")
			switch strings.TrimSpace(key) {
			case "physical id":
				socket = strings.TrimSpace(value)
			case "core id":
				core = strings.TrimSpace(value)
			}
		}
		if core != "" {
			cores[socket+"/"+core] = true
		}
	}
	return len(cores)
}

// quota reads the limit of a control group: microseconds of time in a period of microseconds, or "max".
func quota(cpuMax string) float64 {
	limit, period, _ := strings.Cut(strings.TrimSpace(cpuMax), " ")
	l, err1 := strconv.ParseFloat(limit, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err1 != nil || err2 != nil || p <= 0 {
		return 0
	}
	return l / p
}

// String describes the cores.
func (c CPUInfo) String() string {
	s := quantity.Plural(c.Logical, "core")
	if c.Physical > 0 && c.Physical != c.Logical {
		s += fmt.Sprintf(" (%d physical)", c.Physical)
	}
	if c.Quota > 0 {
		s += fmt.Sprintf(", quota %.3g", c.Quota)
	}
	return s + fmt.Sprintf(", GOMAXPROCS %d", c.GOMAXPROCS)
}
