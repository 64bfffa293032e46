//go:build unix

package toolchain

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// held keeps the locked files reachable: a file that is garbage is closed, which ends its lock.
var held struct {
	sync.Mutex
	files []*os.File
}

// Hold keeps other processes from removing the directory of Prepare while this process lives: Held reports
// it. A directory that cannot be locked is used nevertheless.
func Hold(dir string) {
	f, err := os.Open(filepath.Join(dir, "toolchain.json"))
	if err != nil {
		return
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil {
		f.Close()
		return
	}
	held.Lock()
	defer held.Unlock()
	held.files = append(held.files, f)
}

// Held reports whether some process holds the directory.
func Held(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "toolchain.json"))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK
}
