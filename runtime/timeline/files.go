package timeline

import (
	"path"
	"strings"

	"interleave/runtime/host"
)

// baseFile is a file's name without folders; a cell's begins where its mark is.
func baseFile(file string) string {
	if i := strings.LastIndex(file, cellMark); i >= 0 {
		file = file[i:]
	} else {
		file = path.Base(file)
	}
	if names := host.Get().Files; names != nil { // a cell that runs again has the number that it has now
		if name, ok := names()[file]; ok {
			return name
		}
	}
	return file
}
