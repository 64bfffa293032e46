package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestCPUFiles reads what Linux shows in its files, in folders below testdata/cpus: the roots of file systems.
func TestCPUFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]CPUInfo{
		"v2":      {Physical: 2, Quota: 1.5}, // two sockets with two hyperthreads each, in a container
		"nested":  {Quota: 3},                // the limit is that of the slice around the service
		"v1":      {Quota: 0.5},              // controllers mounted together, and a part of the groups
		"arm":     {Physical: 2},             // cpuinfo has no cores, and the quota is -1
		"broken":  {},
		"missing": {},
	} {
		root := os.DirFS(filepath.Join("testdata", "cpus", name))
		if got := (CPUInfo{Physical: physicalCores(root), Quota: quota(root)}); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func ExampleCPUInfo_String() {
	fmt.Println(CPUInfo{Logical: 8, Physical: 4, Quota: 2.5, GOMAXPROCS: 3})
	fmt.Println(CPUInfo{Logical: 1, Physical: 1, GOMAXPROCS: 1})
	// Output:
	// 8 cores (4 physical), quota 2.5, GOMAXPROCS 3
	// 1 core, GOMAXPROCS 1
}
