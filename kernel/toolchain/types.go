package toolchain

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"sort"
	"sync"

	"golang.org/x/tools/go/gcexportdata"
)

// Types is what a checker needs to know about the packages that cells may import. Its methods may be called from
// several goroutines.
type Types struct {
	mu     sync.Mutex // of loaded
	t      *Toolchain
	data   *os.File // types.bin
	list   []Importable
	at     map[string]*section
	loaded map[string]*types.Package
	fset   *token.FileSet
}

// An Importable is a package that a cell may import.
type Importable struct {
	Path string // "math/rand/v2"
	Name string // "rand"
}

// A section is a package's place in types.bin.
type section struct {
	Path, Name string
	Off, Len   int64
	Hidden     bool `json:",omitempty"` // not for users, but generated code imports it
}

// Types returns the types of the importable packages. The first call reads an index; packages are loaded when
// they are imported.
func (t *Toolchain) Types() (*Types, error) {
	t.typesOnce.Do(func() { t.types, t.typesErr = t.openTypes() })
	return t.types, t.typesErr
}

func (t *Toolchain) openTypes() (*Types, error) {
	b, err := os.ReadFile(t.path("types.json"))
	if err != nil {
		return nil, fmt.Errorf("read types: %w", err)
	}
	var index []section
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, fmt.Errorf("read types: %w", err)
	}
	f, err := os.Open(t.path("types.bin"))
	if err != nil {
		return nil, fmt.Errorf("read types: %w", err)
	}
	ty := &Types{t: t, data: f, at: make(map[string]*section, len(index)), loaded: map[string]*types.Package{"unsafe": types.Unsafe}, fset: token.NewFileSet()}
	for i := range index {
		s := &index[i]
		ty.at[s.Path] = s
		if !s.Hidden {
			ty.list = append(ty.list, Importable{s.Path, s.Name})
		}
	}
	ty.list = append(ty.list, Importable{"unsafe", "unsafe"})
	sort.Slice(ty.list, func(i, j int) bool { return ty.list[i].Path < ty.list[j].Path })
	return ty, nil
}

// Packages lists what users may import, by path. The slice is not to be changed.
func (ty *Types) Packages() []Importable { return ty.list }

// Fset has the positions of all imported packages. They are those of the standard library's files with
// trimmed names.
func (ty *Types) Fset() *token.FileSet { return ty.fset }

// Import returns a package, loading it and what its types need on the first call: 0.1 to 2 ms. It satisfies
// types.Importer. Package rt of the engine can be imported too, though it is not in the list.
func (ty *Types) Import(path string) (*types.Package, error) {
	ty.mu.Lock()
	defer ty.mu.Unlock()
	return ty.load(path)
}

func (ty *Types) load(path string) (*types.Package, error) {
	if p := ty.loaded[path]; p != nil && p.Complete() {
		return p, nil
	}
	s := ty.at[path]
	if s == nil {
		if m, ok := ty.t.module("", path); ok {
			return ty.importModule(m)
		}
		return nil, fmt.Errorf("package %s is not available to cells", path)
	}
	p, err := gcexportdata.Read(io.NewSectionReader(ty.data, s.Off, s.Len), ty.fset, ty.loaded, path)
	if err != nil {
		return nil, fmt.Errorf("read types of %s: %w", path, err)
	}
	return p, nil
}

// importModule reads the types of a package of a module from its archive. What it imports is read first, so that
// no type exists twice.
func (ty *Types) importModule(m Provided) (*types.Package, error) {
	for _, path := range m.Imports {
		if _, err := ty.load(path); err != nil {
			return nil, fmt.Errorf("%s, which %s imports: %w", path, m.Path, err)
		}
	}
	f, err := os.Open(m.Archive)
	if err != nil {
		return nil, fmt.Errorf("read types of %s: %w", m.Path, err)
	}
	defer f.Close()
	//lint:ignore SA1019 x/tools will not read archives of Go 1.29 and later, and this kernel takes Go 1.26 alone
	r, err := gcexportdata.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("read types of %s: %w", m.Path, err)
	}
	p, err := gcexportdata.Read(r, ty.fset, ty.loaded, m.Path)
	if err != nil {
		return nil, fmt.Errorf("read types of %s: %w", m.Path, err)
	}
	return p, nil
}

// writeTypes copies the export data of all importable packages from their archives to one file, in the
// compact form that gcexportdata writes: it is read ten times faster than the archives, and needs no other
// package's file.
func (p *preparer) writeTypes(pkgs []listed) error {
	fset := token.NewFileSet()
	exports := map[string]string{}
	for _, l := range pkgs {
		exports[l.ImportPath] = l.Export
	}
	archives := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	var bin bytes.Buffer
	var index []section
	for _, l := range pkgs {
		if l.Export == "" || l.DepOnly || l.Name == "main" || hidden(l.ImportPath) && l.Standard {
			continue
		}
		pkg, err := archives.Import(l.ImportPath)
		if err != nil {
			return fmt.Errorf("%s: %w", l.ImportPath, err)
		}
		off := int64(bin.Len())
		if err := gcexportdata.Write(&bin, fset, pkg); err != nil {
			return fmt.Errorf("%s: %w", l.ImportPath, err)
		}
		index = append(index, section{Path: l.ImportPath, Name: l.Name, Off: off, Len: int64(bin.Len()) - off, Hidden: hidden(l.ImportPath)})
	}
	b, err := json.Marshal(index)
	if err != nil {
		return err
	}
	if err := writeFile(p.Dir+"/types.bin", bin.Bytes()); err != nil {
		return err
	}
	return writeFile(p.Dir+"/types.json", b)
}
