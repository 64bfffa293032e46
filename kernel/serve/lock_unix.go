//go:build unix

package serve

import (
	"os"
	"syscall"

	"github.com/gofrs/flock"
)

// lockFolder locks an unlocked folder of this user. It returns nil when the folder is locked, is gone, or
// belongs to another user. The system ends the lock when the process dies.
func lockFolder(dir string) *flock.Flock {
	f := flock.New(dir, flock.SetFlag(os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW))
	if ok, err := f.TryLock(); ok && err == nil {
		have, err := f.Stat()
		now, gone := os.Lstat(dir)
		if err == nil && gone == nil && os.SameFile(have, now) && int(have.Sys().(*syscall.Stat_t).Uid) == os.Getuid() {
			return f
		}
	}
	f.Close()
	return nil
}

// removeFolder removes a folder and ends its lock, which is nil where there are no locks.
func removeFolder(dir string, lock *flock.Flock) error {
	if lock != nil {
		defer lock.Close()
	}
	return os.RemoveAll(dir)
}
