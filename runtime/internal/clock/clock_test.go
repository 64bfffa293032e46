package clock

import (
	"testing"
	"testing/synctest"
	"time"
)

// kept keeps work from being optimised away.
var kept int

func TestCPU(t *testing.T) {
	before := CPU()
	if before == 0 {
		t.Skip("processor time is not known on this system")
	}
	for begin := time.Now(); CPU() == before; kept++ {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("a goroutine worked for 10 s, and the processor time stands still")
		}
	}
}

// In a bubble the clock of package time begins in the year 2000.
func TestSystemInBubble(t *testing.T) {
	if CPU() == 0 {
		t.Skip("the system's clock is not read on this system")
	}
	synctest.Test(t, func(t *testing.T) {
		if ahead := time.Until(System()); ahead < 24*time.Hour {
			t.Errorf("the system's clock is %v ahead of the bubble's", ahead)
		}
	})
}
