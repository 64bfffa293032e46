package pack

import (
	"syscall"
	"unsafe"
)

const (
	hugePage  = 2 << 20
	leastHuge = 2 * hugePage
	advice    = 14 // MADV_HUGEPAGE
)

// Huge asks the system to give memory that is about to be written out in large pages, if it is large. The first
// write to each page of the usual 4 KiB costs more than to copy it ten times.
func Huge(b []byte) {
	if len(b) < leastHuge {
		return
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	skip := -at & (hugePage - 1)
	n := (uintptr(len(b)) - skip) &^ (hugePage - 1)
	_ = syscall.Madvise(b[skip:skip+n], advice) // without it memory is only slower
}
