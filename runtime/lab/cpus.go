package lab

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"interleave/runtime/quantity"
)

// CPUInfo is how many things can happen at the same time here.
type CPUInfo struct {
	Logical    int     // cores that the system offers to this process, hyperthreads counted
	Physical   int     // cores of the machine without hyperthreads; 0 when unknown
	Quota      float64 // cores' worth of time that the process's control groups may use; 0 when there is no known limit
	GOMAXPROCS int     // goroutines that may run at the same time; Go sets it from cores and quota
}

// CPUs returns the number of cores, as os.cpu_count in Python, and more. Physical and Quota are known on Linux:
// the quota is the least one of the process's control group and of those around it, of either version. A
// container sees its own groups only.
func CPUs() CPUInfo {
	root := os.DirFS("/")
	return CPUInfo{
		Logical: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Physical: physicalCores(root), Quota: quota(root),
	}
}

// physicalCores counts the different pairs of socket and core in Linux's cpuinfo, or, on machines where that has
// none, in the files about each core. root is the file system.
func physicalCores(root fs.FS) int {
	cores := map[string]bool{}
	for cpu := range strings.SplitSeq(read(root, "proc/cpuinfo"), "\n\n") {
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
	if len(cores) > 0 {
		return len(cores)
	}
	names, err := fs.Glob(root, "sys/devices/system/cpu/cpu[0-9]*/topology/core_id")
	if err != nil {
		return 0
	}
	for _, name := range names {
		socket := read(root, path.Join(path.Dir(name), "physical_package_id"))
		cores[socket+"/"+read(root, name)] = true
	}
	return len(cores)
}

// quota returns the least limit of the control groups that this process belongs to, in cores, 0 without one.
// root is the file system.
func quota(root fs.FS) (least float64) {
	mine := read(root, "proc/self/cgroup")
	for line := range strings.Lines(read(root, "proc/self/mountinfo")) {
		// number parent device root place options … - type source options
		before, after, _ := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if len(f) < 5 || len(g) < 3 {
			continue
		}
		limit := limitV2
		switch {
		case g[0] == "cgroup" && slices.Contains(strings.Split(g[2], ","), "cpu"):
			limit = limitV1
		case g[0] != "cgroup2":
			continue
		}
		group, ok := groupOf(mine, g[0] == "cgroup2")
		if !ok {
			continue
		}
		// the mount may show a part of all groups, such as that of a container
		below, inside := strings.CutPrefix(group, strings.TrimSuffix(f[3], "/"))
		if !inside {
			below = ""
		}
		for dir := path.Clean("/" + below); ; dir = path.Dir(dir) {
			if q := limit(root, strings.TrimPrefix(path.Join(unescape(f[4]), dir), "/")); q > 0 && (least == 0 || q < least) {
				least = q
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// groupOf returns a process's control group for the processor from /proc/self/cgroup, whose lines have the number
// of a hierarchy, what it controls and the group. The one of version 2 has the number 0 and no controllers.
func groupOf(cgroup string, v2 bool) (group string, ok bool) {
	for line := range strings.Lines(cgroup) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(f) < 3:
		case v2 && f[0] == "0" && f[1] == "", !v2 && slices.Contains(strings.Split(f[1], ","), "cpu"):
			return f[2], true
		}
	}
	return "", false
}

// limitV2 reads microseconds of time in a period of microseconds, or "max".
func limitV2(root fs.FS, dir string) float64 {
	limit, period, _ := strings.Cut(read(root, path.Join(dir, "cpu.max")), " ")
	return share(limit, period)
}

func limitV1(root fs.FS, dir string) float64 {
	return share(read(root, path.Join(dir, "cpu.cfs_quota_us")), read(root, path.Join(dir, "cpu.cfs_period_us")))
}

// share is limit in relation to period, 0 if there is no limit.
func share(limit, period string) float64 {
	l, err1 := strconv.ParseFloat(limit, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err1 != nil || err2 != nil || p <= 0 || l < 0 {
		return 0
	}
	return l / p
}

// unescape reads a path in mountinfo, where spaces and the like are octal numbers.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// read returns a file's text, "" if there is no such file.
func read(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
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
