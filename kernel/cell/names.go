package cell

import (
	"fmt"
	"go/ast"
	"strings"

	"interleave/kernel/cell/pattern"
)

// Letter begins every name that the front end makes. It is an upper-case letter, so that the packages of
// later cells can use the name, and no program uses it. Cells that contain it are refused; it is removed from
// everything the user reads.
const Letter = "Ⱶ" // U+2C75

// own begins the names that the front end adds. A user's name never has the letter twice, so the two cannot
// hide each other.
const own = Letter + Letter

// newer precedes the name of a function that an earlier definition jumps to, and follows the receiver's type
// if it has one. It is visible in stacks, from which the patched runtime has removed the letter.
const newer = "\ua78f" // ꞏ, which counts as a letter

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
const twinPrefix = own + "t_"

// Newer reports whether a function, as stacks name it, is one to which an earlier definition has jumped.
// Functions inside of it do not count. It returns the name as users know it.
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

// mangle spells a session-level or member name so that the packages of other cells can use it.
func mangle(name string) string {
	if name == "_" || ast.IsExported(name) {
		return name
	}
	return Letter + name
}

// alias returns the only name under which a package is imported everywhere, whatever name the cell uses. No
// variable of the user can shadow it.
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

// Clean removes the additions of the front end from text for people: mangled names, package aliases and the
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

// Alias returns the name by which generated code uses an imported package.
func Alias(path string) string {
	if strings.HasPrefix(path, PackagePrefix) {
		return own + path[strings.LastIndexByte(path, '/')+1:]
	}
	if path == DriveVarsPath {
		return DriveVars
	}
	return alias(path)
}

// Mangle returns the name that generated code gives to a session name.
func Mangle(name string) string { return mangle(name) }

// PointerName returns the name by which driving code uses the pointer to a variable.
func PointerName(v Variable) string { return fmt.Sprintf("%sv%d_%s", own, v.Gen, v.Name) }
