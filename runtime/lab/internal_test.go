package lab

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCPUFiles(t *testing.T) {
	t.Parallel()
	cpuinfo := "processor\t: 0\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor\t: 1\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor\t: 2\nphysical id\t: 0\ncore id\t\t: 1\n\n" +
		"processor\t: 3\nphysical id\t: 1\ncore id\t\t: 1\n\n"
	if n := physicalCores(cpuinfo); n != 3 {
		t.Errorf("%d physical cores, want 3", n)
	}
	if n := physicalCores("processor : 0\nBogoMIPS : 50\n"); n != 0 {
		t.Errorf("%d physical cores where none are told", n)
	}
	for text, want := range map[string]float64{"max 100000\n": 0, "150000 100000\n": 1.5, "": 0, "1 0": 0} {
		if q := quota(text); q != want {
			t.Errorf("the quota of %q is %v, want %v", text, q, want)
		}
	}
	c := CPUInfo{Logical: 4, Physical: 2, Quota: 1.5, GOMAXPROCS: 2}
	if c.String() != "4 cores (2 physical), quota 1.5, GOMAXPROCS 2" {
		t.Errorf("it reads %q", c)
	}
}

// On a terminal the bar writes its line again and again; elsewhere it writes one, at the end.
func TestBarText(t *testing.T) {
	t.Parallel()
	for inLine, want := range map[bool]string{
		true:  "\r\x1b[Kpages: 0/2 (0 %)|\r\x1b[Kpages: 1/2 (50 %), 1/s, 1 s left|\r\x1b[Kpages: 2/2 (100 %), 1/s, took 2 s|\r\x1b[Kpages: 2/2 (100 %), 1/s, took 2 s\n",
		false: "pages: 2/2 (100 %), 1/s, took 2 s\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			b := &Bar{label: "pages", total: 2, out: &out, inLine: inLine, begin: time.Now()}
			b.draw()
			for range 2 {
				time.Sleep(time.Second)
				b.Add(1)
			}
			b.Close()
			if got := out.String(); got != strings.ReplaceAll(want, "|", "") {
				t.Errorf("in line %v: wrote %q, want %q", inLine, got, want)
			}
		})
	}
}
