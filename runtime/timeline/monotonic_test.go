package timeline_test

import (
	"time"
	_ "unsafe" // for go:linkname
)

// nanotime reads the clock of Go's runtime, on Linux CLOCK_MONOTONIC.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64

func monotonic() time.Duration { return time.Duration(nanotime()) }
