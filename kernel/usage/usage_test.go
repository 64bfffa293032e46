package usage_test

import (
	"os/exec"
	"runtime"
	"testing"
	"time"

	"interleave/kernel/usage"
)

// This process computes and has a child; both count, and so does the memory that they take.
func TestMeasure(t *testing.T) {
	if runtime.GOOS != "linux" {
		if u := usage.New().Measure(); u.Cores != runtime.NumCPU() {
			t.Errorf("%+v", u)
		}
		return
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Skip("no sleep: ", err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	m := usage.New()
	before := m.Measure()
	memory := make([]byte, 64<<20)
	for i := range memory {
		memory[i] = byte(i)
	}
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		memory[0]++
	}
	u := m.Measure()
	if u.Processes < 2 || u.CPU <= 0 || u.CPU > 100*float64(u.Cores)+50 || u.Host <= 0 || u.Host > 100 {
		t.Errorf("%+v", u)
	}
	if u.Memory-before.Memory < 48<<20 {
		t.Errorf("64 MiB more are %d bytes", u.Memory-before.Memory)
	}
	if u.HostMemory < u.Memory || u.HostFree <= 0 || u.HostPercent <= 0 || u.HostPercent >= 100 {
		t.Errorf("%+v", u)
	}
	kept = append(kept, memory) // so that a repeated test needs new memory
}

var kept [][]byte
