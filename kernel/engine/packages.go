package engine

import (
	"slices"
	"strings"

	"interleave/kernel/assist"
	"interleave/kernel/modules"
	"interleave/kernel/toolchain"
)

// packages lists the packages that cells may import.
type packages struct {
	*toolchain.Types
	byName     map[string][]string
	paths      map[string]bool
	importable []assist.Package
	tools      *toolchain.Toolchain
	modules    *modules.Session
}

// preferred orders packages that share a name: the one that most cells mean comes first.
var preferred = []string{"math/rand/v2", "math/rand", "crypto/rand", "text/template", "html/template", "text/scanner",
	"go/scanner",
	"runtime/pprof", "net/http/pprof", "runtime/trace", "hash/maphash", "encoding/hex", "net/http/httptest"}

func newPackages(t *toolchain.Types, tools *toolchain.Toolchain, m *modules.Session) *packages {
	p := &packages{Types: t, tools: tools, modules: m, byName: map[string][]string{}, paths: map[string]bool{}}
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

// Allowed reports whether cells may import a package, of the kernel or of a module.
func (p *packages) Allowed(path string) bool {
	if p.paths[path] {
		return true
	}
	m, ok := p.tools.ProvidedPackage(p.modules.Name(path))
	return ok && !m.Internal
}

// Present returns the path under which a package is imported now.
func (p *packages) Present(path string) string {
	if p.paths[path] {
		return path
	}
	return p.modules.Name(path)
}

// all lists what cells can import.
func (p *packages) all() []assist.Package {
	list := p.importable
	for _, m := range p.tools.ProvidedPackages() {
		path := modules.Original(m.Path)
		if !m.Internal && p.Present(path) == m.Path && !p.paths[path] {
			list = append(list[:len(list):len(list)], assist.Package{Path: path, Name: m.Name})
		}
	}
	return list
}
