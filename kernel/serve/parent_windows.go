package serve

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

// parentGone returns a function that reports whether the process that started this one is gone, or nil if it is not
// known. On Windows Jupyter passes a handle of that process.
func parentGone(asked string) func() bool {
	n, err := strconv.ParseUint(asked, 10, 64)
	if err != nil {
		return nil
	}
	parent := windows.Handle(n)
	if id, err := windows.GetProcessId(parent); err != nil || id == 0 {
		return nil
	}
	return func() bool {
		ended, err := windows.WaitForSingleObject(parent, 0)
		return err == nil && ended == syscall.WAIT_OBJECT_0
	}
}
