//go:build unix

package session

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sharedSize is one page of memory, which begins with a page.
const sharedSize = 4096

// mapPage maps the memory of a file that newShared made. Without a file it returns memory that is not shared.
func mapPage(f *os.File) (p *page, unmap func()) {
	if f == nil {
		return new(page), func() {}
	}
	b, err := unix.Mmap(int(f.Fd()), 0, sharedSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return new(page), func() {}
	}
	return (*page)(unsafe.Pointer(unsafe.SliceData(b))), func() { unix.Munmap(b) }
}

// isShared reports whether a descriptor is a file of newShared: it has no name.
func isShared(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink == 0 && st.Size == sharedSize
}
