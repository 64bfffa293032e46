// Package names knows how generated code names things, and how those names become the user's again. Both ends
// need it: the front end that makes the names, and the supervisor, which reads them in the report of a
// process that died. It must not know anything else.
package names

import (
	"fmt"
	"go/token"
	"hash/fnv"
	"strconv"
	"strings"

	"interleave/kernel/cell/pattern"
)

// Letter begins every name that the front end makes. It is an upper-case letter, so that the packages of
// later cells can use the name, and no program uses it. Cells that contain it are refused; it is removed from
// everything the user reads.
const Letter = "Ⱶ" // U+2C75

// Own begins the names that the front end adds. A user's name never has the letter twice, so the two cannot
// hide each other.
const Own = Letter + Letter

// Again precedes the name of a function that an earlier definition jumps to, and follows the receiver's type
// if it has one. It is visible in stacks, from which the patched runtime has removed the letter.
const Again = "\ua78f" // ꞏ, which counts as a letter

// Twin begins the names of functions that call a function of the session and are never inlined. The patched
// runtime knows it, too.
const Twin = Own + "t_"

// Edited follows the path of a module on disk, with a number, when the module has been edited in a session.
const Edited = "~edit"

// Newer reports whether a function, as stacks name it, is one to which an earlier definition has jumped.
// Functions inside of it do not count. It returns the name as users know it.
func Newer(function string) (name string, jumped bool) {
	_, last, ok := strings.Cut(function, Again)
	if !ok {
		return function, false
	}
	return strings.TrimPrefix(strings.Replace(function, Again, ".", 1), "."), !strings.ContainsAny(last, ".-")
}

// In and Out name the hidden variables with the texts and the results of all cells.
const (
	In  = "In" + Letter
	Out = "Out" + Letter
)

// Result names the hidden variable with the result of cell n.
func Result(n int) string { return Out + strconv.Itoa(n) }

// ResultOf reports whether name is that of a hidden variable of results. n is the number of the cell, 0 for In and Out.
func ResultOf(name string) (n int, ok bool) {
	if name == In || name == Out {
		return 0, true
	}
	number, ok := strings.CutPrefix(name, Out)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(number)
	return n, err == nil
}

// PackagePrefix is the import path of a compiled cell's package, before its number.
const PackagePrefix = "interleave/cells/c"

// PackageName is the name of every compiled cell's package: without the letter it reads main.
const PackageName = "main" + Letter

// Mangle spells a session-level or member name so that the packages of other cells can use it.
func Mangle(name string) string {
	if name == "_" || token.IsExported(name) {
		return name
	}
	return Letter + name
}

// Alias returns the only name under which a package is imported everywhere, whatever name the cell uses. No
// variable of the user can shadow it. Different paths have different names.
func Alias(path string) string {
	var b strings.Builder
	b.WriteString(Own + "_")
	if strings.ContainsFunc(path, func(r rune) bool { return r == '_' || !inAlias(r) && r != '/' && r != '.' }) {
		h := fnv.New64a()
		h.Write([]byte(path))
		fmt.Fprintf(&b, "%x", h.Sum64())
		b.WriteString(Letter)
	}
	for _, r := range path {
		switch {
		case r == '/':
			b.WriteString(Letter)
		case inAlias(r):
			b.WriteRune(r)
		default:
			b.WriteString("_")
		}
	}
	return b.String()
}

func inAlias(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

var (
	cleanPath  = pattern.New(`interleave/cells/[cp]\d+\.`)
	cleanAlias = pattern.New(Own + `_(?:[\pL\d_]*` + Letter + `)?`)
	cleanEdit  = pattern.New(Edited + `\d+`)
	cleanVar   = pattern.New(Own + `v\d+_`)
	cleanOut   = pattern.New(Out + `(\d+)`)
)

// Clean removes the additions of the front end from text for people: mangled names, package aliases and the
// import paths of cells.
func Clean(s string) string {
	if strings.Contains(s, Edited) {
		s = cleanEdit().ReplaceAllString(s, "")
	}
	if !strings.Contains(s, Letter) && !strings.Contains(s, "interleave/cells/") {
		return s
	}
	s = cleanPath().ReplaceAllString(s, "main.")
	s = cleanVar().ReplaceAllString(s, "")
	s = cleanOut().ReplaceAllString(s, "Out[$1]")
	s = strings.ReplaceAll(s, Twin, "")
	s = cleanAlias().ReplaceAllString(s, "")
	return strings.ReplaceAll(s, Letter, "")
}
