package cell

import (
	"fmt"
	"go/ast"
	"strings"

	"interleave/kernel/cell/pattern"
)

// Letter begins every name that the front end makes. It is an upper-case letter (so that a name it begins is exported
// and can be seen by the packages of later cells) that no program uses. Cells that contain it are refused; it is removed
// from everything the user reads.
const Letter = "Ⱶ" // U+2C75

// own begins the names of what the front end adds. A user's name never has the letter twice, so none can hide another.
const own = Letter + Letter

// newer stands before the name of a function that an earlier definition jumps to, and behind the receiver's type if it has one.
// It is seen in stacks, from which the patched runtime has removed the letter.
const newer = "\ua78f" // ꞏ, which counts as a letter

// Plain functions that hold the code of methods, which calls that name the method go to, have newer between type and method: twice for a
// pointer receiver, three times for another. The patched runtime writes (*T).M and T.M for them.
const (
	ofPointer = newer + newer
	ofValue   = newer + newer + newer
	inner     = newer + newer + newer + newer // behind the name: what stands in for it; it is not shown
)

// twinPrefix begins the names of functions that call one of the session's and are never inlined; see plain.go.
const twinPrefix = own + "t_"

// Newer reports whether a function, as it is called in a stack, is one that an earlier definition has jumped to; functions
// inside of it are not. The name is returned as users know it.
func Newer(function string) (name string, jumped bool) {
	_, last, ok := strings.Cut(function, newer)
	if !ok {
		return function, false
	}
	return strings.TrimPrefix(strings.Replace(function, newer, ".", 1), "."), !strings.ContainsAny(last, ".-")
}

// PackagePrefix is the import path of a compiled cell's package, before its number.
const PackagePrefix = "interleave/cells/c"

// PackageName is the name of every compiled cell's package: without the letter it reads main.
const PackageName = "main" + Letter

// mangle spells a session-level or member name so that other cells' packages can use it.
func mangle(name string) string {
	if name == "_" || ast.IsExported(name) {
		return name
	}
	return Letter + name
}

// alias is the one name under which a package is imported everywhere, whatever the cell called it. No variable of the
// user's can shadow it.
func alias(path string) string {
	var b strings.Builder
	b.WriteString(own + "_")
	for _, r := range path {
		switch {
		case r == '/':
			b.WriteString(Letter)
		case r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		default:
			b.WriteString("_")
		}
	}
	return b.String()
}

var (
	cleanPath  = pattern.New(`interleave/cells/[cp]\d+\.`)
	cleanAlias = pattern.New(own + `_(?:[\pL\d_]*` + Letter + `)?`)
	cleanVar   = pattern.New(own + `v\d+_`)
)

// Clean removes what the front end adds from text that a person will read: mangled names, package aliases and the
// import paths of cells.
func Clean(s string) string {
	if !strings.Contains(s, Letter) && !strings.Contains(s, "interleave/cells/") {
		return s
	}
	s = cleanPath().ReplaceAllString(s, "main.")
	s = cleanVar().ReplaceAllString(s, "")
	s = cleanAlias().ReplaceAllString(s, "")
	return strings.ReplaceAll(s, Letter, "")
}

// Alias is the name by which generated code knows an imported package.
func Alias(path string) string {
	if strings.HasPrefix(path, PackagePrefix) {
		return own + path[strings.LastIndexByte(path, '/')+1:]
	}
	if path == DriveVarsPath {
		return DriveVars
	}
	return alias(path)
}

// Mangle is the name that generated code gives to a session name.
func Mangle(name string) string { return mangle(name) }

// PointerName is the name by which driving code knows the pointer to a variable.
func PointerName(v Variable) string { return fmt.Sprintf("%sv%d_%s", own, v.Gen, v.Name) }
