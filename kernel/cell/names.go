package cell

import (
	"fmt"
	"strings"

	"interleave/kernel/cell/names"
)

const (
	letter = names.Letter
	own    = names.Own
	newer  = names.Again
)

// Plain functions that hold the code of methods, and to which calls that name the method go, have newer
// between type and method: twice for a pointer receiver, three times for another. The patched runtime writes
// (*T).M and T.M for them.
const (
	ofPointer = newer + newer
	ofValue   = newer + newer + newer
	inner     = newer + newer + newer + newer // after the name of the function that stands in for it; it is not shown
)

// twinPrefix begins the names of functions that call a function of the session and are never inlined; see
// plain.go.
const twinPrefix = names.Twin

// Alias returns the name by which generated code uses an imported package.
func Alias(path string) string {
	if strings.HasPrefix(path, names.PackagePrefix) {
		return own + path[strings.LastIndexByte(path, '/')+1:]
	}
	if path == DriveVarsPath {
		return DriveVars
	}
	return names.Alias(path)
}

// PointerName returns the name by which driving code uses the pointer to a variable.
func PointerName(v Variable) string { return fmt.Sprintf("%sv%d_%s", own, v.Gen, v.Name) }
