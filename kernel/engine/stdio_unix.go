//go:build unix

package engine

import (
	"log"
	"os"

	"golang.org/x/sys/unix"
)

// outputs restores standard output and error if an earlier cell has closed them. A file that the user has put
// in their place stays, because that is intended.
type outputs []spare

// A spare is a copy of a standard stream, at a number that user code does not use.
type spare struct {
	file **os.File // os.Stdout or os.Stderr
	name string
	fd   int // the stream's descriptor
	copy int
}

// keepOutputs copies the streams as they are now.
func keepOutputs() (o outputs) {
	for _, s := range []spare{{file: &os.Stdout, name: "/dev/stdout", fd: 1},
		{file: &os.Stderr, name: "/dev/stderr", fd: 2}} {
		var err error
		for _, least := range []int{600, 10} { // above the numbers that user code expects, if the limit allows
			if s.copy, err = unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, least); err == nil {
				o = append(o, s)
				break
			}
		}
	}
	return o
}

// repair takes two system calls if there is nothing to restore.
func (o outputs) repair() {
	for _, s := range o {
		s.repair()
	}
}

func (s spare) repair() {
	_, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFD, 0)
	free := err == unix.EBADF
	if free && unix.Dup2(s.copy, s.fd) != nil {
		return
	}
	was := *s.file
	if s.isOpen(was) {
		return
	}
	fd := s.fd
	if !free { // a file of the user has the number now
		if fd, err = unix.FcntlInt(uintptr(s.copy), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			return
		}
	}
	*s.file = os.NewFile(uintptr(fd), s.name)
	if log.Writer() == was {
		log.SetOutput(*s.file)
	}
}

// isOpen reports whether a file can be written to. User code may have closed only its descriptor; the number
// of one that was made here may belong to another file then.
func (s spare) isOpen(f *os.File) bool {
	if f == nil {
		return false
	}
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = c.Control(func(fd uintptr) {
		var is, own unix.Stat_t
		open = unix.Fstat(int(fd), &is) == nil
		if open && f.Name() == s.name && int(fd) != s.fd {
			open = unix.Fstat(s.copy, &own) == nil && is.Dev == own.Dev && is.Ino == own.Ino
		}
	})
	return err == nil && open
}
