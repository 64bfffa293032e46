package serve

import (
	"os"
	"syscall"
)

// loads reports whether the system maps a file of the folder as code, by trying.
func loads(dir string) bool {
	f, err := os.CreateTemp(dir, ".interleave-")
	if err != nil {
		return false
	}
	defer f.Close()
	os.Remove(f.Name())
	page, err := syscall.Mmap(int(f.Fd()), 0, os.Getpagesize(), syscall.PROT_READ|syscall.PROT_EXEC, syscall.MAP_PRIVATE)
	if err != nil {
		return false
	}
	syscall.Munmap(page)
	return true
}
