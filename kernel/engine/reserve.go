package engine

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// A reserve holds file descriptors for building and loading a cell. Without it, cells that open files up to
// the limit would prevent later cells from closing them.
type reserve []*os.File

// fill takes as many as are available.
func (r *reserve) fill() {
	const enough = 24
	for len(*r) < enough {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return
		}
		*r = append(*r, f)
	}
}

// free closes the descriptors, and reports whether there were any.
func (r *reserve) free() bool {
	for _, f := range *r {
		f.Close()
	}
	had := len(*r) > 0
	*r = nil
	return had
}

// noFiles reports whether an operation failed because the limit of open files was reached.
func noFiles(err error) bool {
	return err != nil && (errors.Is(err, syscall.EMFILE) ||
		strings.Contains(strings.ToLower(err.Error()), "too many open files"))
}
