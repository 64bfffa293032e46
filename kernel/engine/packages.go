package engine

import (
	"slices"
	"strings"

	"interleave/kernel/assist"
	"interleave/kernel/toolchain"
)

// packages lists the packages that cells may import.
type packages struct {
	*toolchain.Types
	byName     map[string][]string
	paths      map[string]bool
	importable []assist.Package
}

// preferred orders packages that share a name: the one that most cells mean comes first.
var preferred = []string{"math/rand/v2", "math/rand", "crypto/rand", "text/template", "html/template", "text/scanner",
	"go/scanner",
	"runtime/pprof", "net/http/pprof", "runtime/trace", "hash/maphash", "encoding/hex", "net/http/httptest"}

func newPackages(t *toolchain.Types) *packages {
	p := &packages{Types: t, byName: map[string][]string{}, paths: map[string]bool{}}
	for _, im := range t.Packages() {
		p.paths[im.Path] = true
		p.importable = append(p.importable, assist.Package{Path: im.Path, Name: im.Name})
		p.byName[im.Name] = append(p.byName[im.Name], im.Path)
	}
	rank := func(path string) int {
		if i := slices.Index(preferred, path); i >= 0 {
			return i
		}
		return len(preferred) + strings.Count(path, "/")*10 + len(path)/10
	}
	for _, paths := range p.byName {
		slices.SortFunc(paths, func(a, b string) int { return rank(a) - rank(b) })
	}
	return p
}

func (p *packages) Named(name string) []string { return p.byName[name] }
func (p *packages) Allowed(path string) bool   { return p.paths[path] }
