package serve

import (
	"os"
	"path/filepath"
)

// workName is the beginning of the names of work folders.
const workName = "interleave-work-"

// workParent is the folder for temporary files, or the user's cache if programs cannot be loaded from there,
// as on machines that mount it with noexec.
func workParent() string {
	tmp := os.TempDir()
	if loads(tmp) {
		return tmp
	}
	if cache, err := os.UserCacheDir(); err == nil {
		cache = filepath.Join(cache, "interleave")
		if os.MkdirAll(cache, 0o755) == nil && loads(cache) {
			return cache
		}
	}
	return tmp
}

// newWork makes the folder below parent in which the cells of a session are built. It is locked while this
// process lives, so that cleaners of old temporary files, such as systemd, leave it alone, and later kernels
// see that it is in use. newWork also removes the folders of kernels that were killed.
func newWork(parent string) (dir string, remove func() error, err error) {
	left, _ := filepath.Glob(filepath.Join(parent, workName+"*")) // the pattern is valid
	for _, old := range left {
		if lock := lockFolder(old); lock != nil {
			removeFolder(old, lock)
		}
	}
	for tries := 3; ; tries-- {
		if dir, err = os.MkdirTemp(parent, workName); err != nil {
			return "", nil, err
		}
		lock := lockFolder(dir)
		if lock == nil && tries > 0 { // another kernel cleans up, and found it before it was locked
			os.Remove(dir)
			continue
		}
		return dir, func() error { return removeFolder(dir, lock) }, nil
	}
}
