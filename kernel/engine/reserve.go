package engine

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// A reserve holds file descriptors that are needed to build and load a cell. Without it, cells that open files until no more can be
// opened would keep later cells from closing them.
type reserve []*os.File

// fill takes what can be had.
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

// free gives the descriptors back, and reports whether there were any.
func (r *reserve) free() bool {
	for _, f := range *r {
		f.Close()
	}
	had := len(*r) > 0
	*r = nil
	return had
}

// noFiles reports whether something failed because no more files can be opened.
func noFiles(err error) bool {
	return err != nil && (errors.Is(err, syscall.EMFILE) || strings.Contains(strings.ToLower(err.Error()), "too many open files"))
}
