package serve

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/gofrs/flock"
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

// loads reports whether the system maps a file of the folder as code, by trying.
func loads(dir string) bool {
	if runtime.GOOS != "linux" { // other systems have no such mounts, or require signed code
		return true
	}
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

// newWork makes the folder below parent in which the cells of a session are built. It is locked while this
// process lives, so that cleaners of old temporary files, such as systemd, leave it alone, and later kernels
// see that it is in use. newWork also removes the folders of kernels that were killed.
func newWork(parent string) (dir string, remove func() error, err error) {
	left, _ := filepath.Glob(filepath.Join(parent, workName+"*")) // the pattern is valid
	for _, old := range left {
		if lock := lockFolder(old); lock != nil {
			os.RemoveAll(old)
			lock.Close()
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
		return dir, func() error {
			if lock != nil { // nil where there are no locks
				defer lock.Close()
			}
			return os.RemoveAll(dir)
		}, nil
	}
}

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
