//go:build !unix

package serve

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"
)

// lockFolder locks an unlocked folder. It returns nil when the folder is locked or is gone. The system ends the
// lock when the process dies. The folder for temporary files is the user's own here.
func lockFolder(dir string) *flock.Flock {
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	f := flock.New(filepath.Join(dir, ".lock")) // folders cannot be locked
	if ok, err := f.TryLock(); ok && err == nil {
		return f
	}
	f.Close()
	return nil
}

// removeFolder ends the lock and removes the folder: what is open cannot be removed.
func removeFolder(dir string, lock *flock.Flock) error {
	if lock != nil {
		lock.Close()
	}
	if os.RemoveAll(dir) == nil {
		return nil
	}
	// Go asks Windows to remove names that are in use; Wine 8 does not know that request.
	var names []string
	_ = filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return nil
	})
	var err error
	for _, name := range slices.Backward(names) {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}
