//go:build unix

package session

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sharedSize is one page of memory, of which four bytes are used.
const sharedSize = 4096

// mapLine maps the memory of a file that newShared made. Without one it gives memory that nobody shares.
func mapLine(f *os.File) (line *uint32, unmap func()) {
	if f == nil {
		return new(uint32), func() {}
	}
	page, err := unix.Mmap(int(f.Fd()), 0, sharedSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return new(uint32), func() {}
	}
	return (*uint32)(unsafe.Pointer(unsafe.SliceData(page))), func() { unix.Munmap(page) }
}

// isShared reports whether a descriptor is what newShared made: a file without a name.
func isShared(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink == 0 && st.Size == sharedSize
}
