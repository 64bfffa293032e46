//go:build unix

package install

import (
	"os"
	"syscall"
)

func acquire(name string) (unlock func(), ok bool, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return func() { f.Close() }, true, nil
	}
	f.Close()
	if err == syscall.EWOULDBLOCK || err == syscall.EINTR {
		return nil, false, nil
	}
	return nil, false, &os.PathError{Op: "lock", Path: name, Err: err}
}
