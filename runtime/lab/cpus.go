package lab

import (
	"fmt"
	"runtime"
)

// CPUInfo is how many things this process can do at the same time.
type CPUInfo struct {
	Logical    int // cores that the system offers to this process
	GOMAXPROCS int // goroutines that may run at the same time; Go sets it from the cores and the container's quota
}

// CPUs returns what os.cpu_count and os.process_cpu_count tell in Python.
func CPUs() CPUInfo {
	return CPUInfo{Logical: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0)}
}

// String says it in words.
func (c CPUInfo) String() string {
	return fmt.Sprintf("%s, GOMAXPROCS %d", plural(c.Logical, "core"), c.GOMAXPROCS)
}
