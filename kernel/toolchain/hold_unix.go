//go:build unix

package toolchain

import (
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
)

// held keeps the locked files reachable: a file that is garbage is closed, which ends its lock.
var held struct {
	sync.Mutex
	files []*flock.Flock
}

// Hold keeps other processes from removing the directory of Prepare while this process lives: Held reports
// it. A directory that cannot be locked is used nevertheless.
func Hold(dir string) {
	f := holder(dir)
	if ok, err := f.TryRLock(); !ok || err != nil {
		return
	}
	held.Lock()
	defer held.Unlock()
	held.files = append(held.files, f)
}

// Held reports whether some process holds the directory.
func Held(dir string) bool {
	f := holder(dir)
	ok, err := f.TryLock()
	f.Close()
	return !ok && err == nil
}

// holder is the lock of a directory. It is not made where the directory is not whole.
func holder(dir string) *flock.Flock {
	return flock.New(filepath.Join(dir, "toolchain.json"), flock.SetFlag(os.O_RDONLY))
}
