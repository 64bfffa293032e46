package remote

import (
	"os"
	"reflect"
	"runtime"
	"testing"
	"time"
)

func TestRecords(t *testing.T) {
	t.Parallel()
	for _, r := range []Record{
		{},
		{Begin: 5, End: 9, Before: 2, At: 9, Used: 7, Uses: []Use{{5, 7, 2, 3}, {5, 9, 4, -1}}},
		{Begin: 1 << 60, At: 1<<60 + 5, Uses: []Use{{1<<60 + 1, 1<<60 + 4, 1, 1023}}},
	} {
		b := appendRecord(nil, &r)
		x := reader{b: b}
		if got := x.record(); x.bad || len(x.b) > 0 || !reflect.DeepEqual(got, r) {
			t.Errorf("got %+v, want %+v", got, r)
		}
		for n := range b { // a part of it is refused, and asks for no memory
			if x := (reader{b: b[:n]}); !x.bad {
				if x.record(); !x.bad {
					t.Errorf("the first %d of %d bytes are accepted", n, len(b))
				}
			}
		}
	}
}

func TestCoreIn(t *testing.T) {
	t.Parallel()
	for stat, want := range map[string]int{
		"7 (a) b) ) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 6 0 0": 6,
		"7 (short) R 1 2 3": -1,
		"":                  -1,
	} {
		if got := coreIn(stat); got != want {
			t.Errorf("%q: core %d, want %d", stat, got, want)
		}
	}
}

// TestClocks: the clocks of a thread, of the process and of the process by its number count the same work.
func TestClocks(t *testing.T) {
	if monotonic() == 0 {
		t.Skip("this system has none of the clocks")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := threadID()
	begin, process, thread := monotonic(), used(), usedByThread(tid)
	for usedByThread(tid)-thread < int64(20*time.Millisecond) {
		if monotonic()-begin > int64(20*time.Second) {
			t.Fatal("a thread worked for 20 s, and its processor time stands still")
		}
	}
	if d := time.Duration(used() - process); d < 20*time.Millisecond {
		t.Errorf("the process has used %v, its thread more than 20 ms", d)
	}
	if d := time.Duration(usedBy(os.Getpid()) - process); d < 20*time.Millisecond {
		t.Errorf("by its number the process has used %v", d)
	}
	if c := core(); c < 0 || c >= 1<<16 {
		t.Errorf("core %d", c)
	}
	if usedByThread(1<<22+1) != 0 || usedBy(1<<22+1) != 0 {
		t.Error("a thread that cannot be has used something")
	}
}
