package timeline

import (
	"path"
	"strings"
	"sync/atomic"
)

var renamed atomic.Pointer[map[string]string]

// SetFiles gives files other names in everything that is recorded or read from now on, nil none: the kernel
// runs a cell again as it was compiled, under the number that it has now. names must not be changed
// afterwards.
func SetFiles(names map[string]string) { renamed.Store(&names) }

// baseFile is a file's name without folders; a cell's begins where its mark is.
func baseFile(file string) string {
	if i := strings.LastIndex(file, cellMark); i >= 0 {
		file = file[i:]
	} else {
		file = path.Base(file)
	}
	if names := renamed.Load(); names != nil {
		if name, ok := (*names)[file]; ok {
			return name
		}
	}
	return file
}
