package remote

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

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
