package lower

import (
	"embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"strings"
	"sync"
)

//go:embed overlay/*/*.go
var overlayFiles embed.FS

// overlays are the packages whose generic functions are lowered from a source of this package, with its folder.
var overlays = map[string]string{"cmp": "cmp", "errors": "errors", "iter": "iter", "maps": "maps", "slices": "slices", "sync": "sync"}

// natives are functions of overlays that the runtime of lowered code has.
var natives = map[string]string{"overlay/iter.pull": "rt.Pull"}

// Overlays are generic functions of packages of the standard library, for callers that have no instances of them. They
// are checked once for all programs whose packages come from one importer.
type Overlays struct {
	from types.Importer
	mu   sync.Mutex
	made map[string]*overlay // by import path
}

type overlay struct {
	pkg   *types.Package
	info  *types.Info
	files []*ast.File
}

// NewOverlays returns the overlays for programs whose packages come from an importer.
func NewOverlays(from types.Importer) *Overlays {
	return &Overlays{from: from, made: map[string]*overlay{}}
}

// of returns the overlay for a package, or nil.
func (o *Overlays) of(importPath string) *overlay {
	folder, ok := overlays[importPath]
	if o == nil || !ok {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if made, ok := o.made[importPath]; ok {
		return made
	}
	made, err := o.load(importPath, folder)
	if err != nil {
		panic(fmt.Errorf("overlay of package %s: %w", importPath, err))
	}
	o.made[importPath] = made
	return made
}

func (o *Overlays) load(importPath, folder string) (*overlay, error) {
	entries, err := overlayFiles.ReadDir(path.Join("overlay", folder))
	if err != nil {
		return nil, err
	}
	made := &overlay{info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{},
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}}}
	fset := token.NewFileSet()
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := overlayFiles.ReadFile(path.Join("overlay", folder, e.Name()))
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(fset, e.Name(), text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		made.files = append(made.files, f)
	}
	conf := types.Config{Importer: o.from, Sizes: types.SizesFor("gc", "amd64")}
	made.pkg, err = conf.Check("overlay/"+importPath, fset, made.files, made.info)
	return made, err
}

// source returns the function of an overlay that stands for a generic function of a package, or the function itself.
func (l *lowerer) source(o *types.Func) *types.Func {
	if o.Pkg() == nil || l.session(o) || o.Signature().TypeParams() == nil {
		return o
	}
	over := l.Overlays.of(o.Pkg().Path())
	if over == nil {
		return o
	}
	f, ok := over.pkg.Scope().Lookup(o.Name()).(*types.Func)
	if !ok {
		return o
	}
	if !l.overlaid[over.pkg] {
		l.overlay(over)
	}
	return f
}

// overlay makes the functions of an overlay known.
func (l *lowerer) overlay(o *overlay) {
	l.overlaid[o.pkg] = true
	// The caller's tables stay as they are.
	if len(l.overlaid) == 1 {
		i := *l.Info
		i.Types, i.Defs, i.Uses, i.Implicits = maps.Clone(i.Types), maps.Clone(i.Defs), maps.Clone(i.Uses), maps.Clone(i.Implicits)
		i.Instances, i.Selections = maps.Clone(i.Instances), maps.Clone(i.Selections)
		l.Info = &i
	}
	maps.Copy(l.Info.Types, o.info.Types)
	maps.Copy(l.Info.Defs, o.info.Defs)
	maps.Copy(l.Info.Uses, o.info.Uses)
	maps.Copy(l.Info.Implicits, o.info.Implicits)
	maps.Copy(l.Info.Instances, o.info.Instances)
	maps.Copy(l.Info.Selections, o.info.Selections)
	for _, file := range o.files {
		for _, d := range file.Decls {
			if fd, ok := d.(*ast.FuncDecl); ok {
				l.decls[o.info.Defs[fd.Name]] = fd
				l.boxes(fd)
			}
		}
	}
}
