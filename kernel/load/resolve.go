//go:build interleave_memory

package load

import (
	"fmt"
	"net/url"
	"strings"
	"unsafe"

	"interleave/kernel/load/goobj"
	"interleave/kernel/load/objabi"
)

// A link is one call of Load, until the runtime knows of it.
type link struct {
	*Loader
	cell     *object
	archives map[string]*archive // mapped for this link
	all      []*symbol           // to be laid out
	queue    []*symbol           // of these, those whose references have not been followed
	byKey    map[string]*symbol
	tables   map[pair]*symbol // of interfaces
	inits    []*symbol        // inittask symbols among them
	err      error            // the first reference without a target
}

// A symbol is one that this link lays out.
type symbol struct {
	o    *object
	i    uint32 // its number in o
	name string
	kind objabi.SymKind
	size int
	itab bool
	addr uintptr
	data []byte  // where it is laid out
	same uintptr // what stands for it where addresses are compared, 0 for itself
	by   *symbol // a function that stands in for this one in all references, or nil
}

// code is the function that references to s lead to.
func (s *symbol) code() *symbol {
	if s.by != nil {
		return s.by
	}
	return s
}

// substitute lets functions of a cell stand in for others.
func (l *link) substitute(path string) {
	if l.instead == nil {
		return
	}
	names := l.instead(path)
	if len(names) == 0 {
		return
	}
	functions := map[string]*symbol{}
	for _, s := range l.all {
		if name, ok := strings.CutPrefix(s.name, path+"."); ok && s.kind.IsText() {
			functions[name] = s
		}
	}
	for name, other := range names {
		if s, by := functions[name], functions[other]; s != nil && by != nil {
			s.by = by
		}
	}
}

// A target is what a reference leads to: a symbol of this link, or an address of the process.
type target struct {
	sym  *symbol
	addr uintptr
}

// address is where the target is, once symbols are laid out.
func (t target) address() uintptr {
	if t.sym != nil {
		return t.sym.code().addr
	}
	return t.addr
}

// ownCopy reports whether a symbol is laid out in each module that mentions it: references to it are offsets
// within the module.
func ownCopy(name string) bool {
	for _, p := range []string{"runtime.gcbits.", "type:.namedata.", "type:.importpath.", "gclocals"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	for _, p := range []string{
		".arginfo1", ".argliveinfo", ".stkobj", ".opendefer", ".wrapinfo", ".args_stackmap", ".arginfo0",
	} {
		if strings.HasSuffix(name, p) {
			return true
		}
	}
	return false
}

// roots takes all symbols of the cell itself: another cell may refer to any of them later.
func (l *link) roots() {
	o := l.cell
	for i := range o.ends[ofPackage] {
		if kindOf(o.Sym(uint32(i))) < objabi.STLSBSS {
			l.take(o, uint32(i))
		}
	}
	l.takeInit(o)
}

// takeInit takes the symbol by which the runtime initialises a package.
func (l *link) takeInit(o *object) {
	for i := o.ends[hashed]; i < o.ends[ofAnyPackage]; i++ {
		if strings.HasSuffix(o.Sym(uint32(i)).Name(o.Reader), initSuffix) {
			l.take(o, uint32(i))
		}
	}
}

const initSuffix = "..inittask"

// followAll takes what the symbols need, until nothing is missing.
func (l *link) followAll() error {
	for len(l.queue) > 0 && l.err == nil {
		s := l.queue[len(l.queue)-1]
		l.queue = l.queue[:len(l.queue)-1]
		l.follow(s)
	}
	return l.err
}

func (l *link) follow(s *symbol) {
	o := s.o
	for _, r := range o.Relocs(s.i) {
		switch t := relocType(&r); {
		case t == objabi.R_WEAKADDROFF: // a method that is only needed if something else refers to it
		case t == objabi.R_INITORDER, t == objabi.R_KEEP, t == objabi.R_CALLIND, r.Siz() > 0:
			l.resolve(o, r.Sym())
		}
	}
	for _, a := range o.Auxs(s.i) {
		switch {
		case s.kind.IsText() && a.Type() == goobj.AuxFuncdata, hasPointers(s.kind) && a.Type() == goobj.AuxGotype:
			l.resolve(o, a.Sym())
		}
	}
}

// relocType is the kind of a reference. Some are marked as weak: a linker may drop their targets when nothing
// else refers to them. These are methods in the tables of interfaces, and the functions that fill the maps of
// a package. A later cell may need them, so they are treated like other references. Offsets of a type's
// methods stay weak.
func relocType(r *goobj.Reloc) objabi.RelocType {
	if t := objabi.RelocType(r.Type()); t&objabi.R_WEAK == 0 || t == objabi.R_WEAKADDROFF {
		return t
	} else {
		return t &^ objabi.R_WEAK
	}
}

// hasPointers reports whether symbols of a kind are variables in which the garbage collector looks for
// pointers.
func hasPointers(k objabi.SymKind) bool { return k.IsDATA() || k == objabi.SBSS }

// take returns the target for a symbol that o defines: an existing symbol with its name, or the symbol
// itself, which is then laid out.
func (l *link) take(o *object, i uint32) target {
	if s := o.syms[i]; s != nil {
		return target{sym: s}
	}
	def := o.Sym(i)
	s := &symbol{o: o, i: i, name: def.Name(o.Reader), kind: kindOf(def), size: int(def.Siz()), itab: def.IsItab()}
	k := ""
	if l.shared(s, def.ABI()) {
		k = s.name
		if s.kind.IsText() {
			k = key(k, def.ABI())
		}
		if first := l.byKey[k]; first != nil {
			o.syms[i] = first
			return target{sym: first}
		}
		if at := l.inProcess(k); at != 0 {
			return target{addr: at}
		}
	}
	var pair pair
	if s.itab {
		pair.inter, pair.typ = l.pairOf(s)
		if at := knownTable(pair); at != 0 {
			return target{addr: at}
		}
		if first := l.tables[pair]; first != nil {
			o.syms[i] = first
			return target{sym: first}
		}
	}
	o.syms[i] = s
	if k != "" {
		l.byKey[k] = s
	}
	if s.itab {
		l.tables[pair] = s
	}
	l.all = append(l.all, s)
	l.queue = append(l.queue, s)
	if strings.HasSuffix(s.name, initSuffix) {
		l.inits = append(l.inits, s)
	}
	return target{sym: s}
}

// shared reports whether a symbol's name means the same in all packages that define it.
func (l *link) shared(s *symbol, abi uint16) bool {
	// A composite literal's initial value is static, but belongs to one variable of the package, which
	// inlined code may name.
	static := abi == goobj.SymABIstatic && !strings.Contains(s.name, "..stmp_")
	return s.name != "" && !s.o.byContent(s.i) && !static && !ownCopy(s.name)
}

// inProcess returns the address of a symbol of the host, of earlier cells and of the packages that they
// brought along, or 0.
func (l *Loader) inProcess(key string) uintptr {
	if at := l.known[key]; at != 0 {
		return at
	}
	return l.index.inHost(key)
}

// A pair is what an interface table is for. Code compares tables by their addresses, so each pair has one, although
// each package that mentions the pair brings a table along.
type pair struct{ inter, typ target }

// knownTable returns the table of an interface and a type that the runtime has already. It can have one only
// where both types are in the process.
func knownTable(p pair) uintptr {
	if p.inter.addr == 0 || p.typ.addr == 0 {
		return 0
	}
	return uintptr(cellFindItab(pointer(p.inter.addr), pointer(p.typ.addr)))
}

// pairOf returns the interface and the type of a table.
func (l *link) pairOf(s *symbol) (inter, typ target) {
	for _, r := range s.o.Relocs(s.i) {
		switch r.Off() {
		case 0:
			inter = l.resolve(s.o, r.Sym())
		case 8:
			typ = l.resolve(s.o, r.Sym())
		}
	}
	return inter, typ
}

// pointer makes an address of memory that the garbage collector does not manage a pointer.
func pointer(a uintptr) unsafe.Pointer { return unsafe.Add(nil, a) }

// resolve finds what a reference in o means.
func (l *link) resolve(o *object, ref goobj.SymRef) target {
	if ref.IsZero() {
		return target{}
	}
	if i, ok := o.defines(ref); ok {
		return l.take(o, i)
	}
	switch ref.PkgIdx {
	case goobj.PkgIdxBuiltin:
		name, abi := goobj.BuiltinName(int(ref.SymIdx))
		return l.byName(o, name, uint16(abi))
	case goobj.PkgIdxNone:
		return l.byName(o, o.nameOf(ref), o.Sym(uint32(o.ends[hashed])+ref.SymIdx).ABI())
	}
	name := o.nameOf(ref)
	if at := l.inProcess(name); at != 0 {
		return target{addr: at}
	}
	if s := l.byKey[name]; s != nil {
		return target{sym: s}
	}
	a := l.open(o.pkgs[ref.PkgIdx])
	if a == nil {
		return target{}
	}
	return l.take(a.objs[0], ref.SymIdx)
}

// byName finds a symbol of which a reference gives only the name and, for a function, the calling convention.
// A variable is the same in both.
func (l *link) byName(o *object, name string, abi uint16) target {
	if listOfModules[name] && l.inModule(o.of.path) {
		l.fail(&RefusedError{strings.Clone(o.of.path), strings.Clone(name)})
		return target{}
	}
	keys := []string{name}
	if abi == 0 {
		keys = []string{key(name, 0), name}
	}
	for _, k := range keys {
		if at := l.inProcess(k); at != 0 {
			return target{addr: at}
		}
		if s := l.byKey[k]; s != nil {
			return target{sym: s}
		}
		if pkg, p, ok := l.index.inArchives(k); ok {
			if a := l.open(pkg); a != nil && int(p.Object) < len(a.objs) && int(p.Symbol) < a.objs[p.Object].ends[ofAnyPackage] {
				return l.take(a.objs[p.Object], p.Symbol)
			}
			return target{}
		}
	}
	if t, ok := l.inPackage(o, name, keys); ok {
		return t
	}
	l.fail(fmt.Errorf("%s refers to %s, which no package defines", o.of.path, strings.Clone(name)))
	return target{}
}

// inPackage looks for a symbol that is not in the index, which has neither cells nor packages of modules: first in
// the object that refers to it and those beside it, then in the package whose path its name begins with, or
// contains. The wrapper of a method, for one, is defined beside its type and laid out when a later cell needs it.
func (l *link) inPackage(o *object, name string, keys []string) (target, bool) {
	tried := map[string]bool{}
	for _, path := range append([]string{o.of.path}, pathsIn(name)...) {
		if tried[path] {
			continue
		}
		tried[path] = true
		if !strings.HasPrefix(path, CellPrefix) && path != o.of.path && !l.inModule(path) {
			continue
		}
		a := l.open(path)
		if a == nil {
			return target{}, false
		}
		if at, ok := a.byName(keys); ok {
			return l.take(a.objs[at.Object], at.Symbol), true
		}
	}
	if l.packages == nil {
		return target{}, false
	}
	// pushed by a package with another path, by linkname
	for _, path := range l.packages() {
		if tried[path] {
			continue
		}
		if a := l.look(path); a != nil {
			if at, ok := a.byName(keys); ok {
				return l.take(l.open(path).objs[at.Object], at.Symbol), true
			}
		}
	}
	return target{}, false
}

// byName finds the symbol that an archive defines for others under one of some keys.
func (a *archive) byName(keys []string) (at place, ok bool) {
	if a.names == nil {
		a.names = map[string]place{}
		for j, o := range a.objs {
			for i := range o.ends[ofAnyPackage] {
				if s := o.Sym(uint32(i)); !o.byContent(uint32(i)) && s.ABI() != goobj.SymABIstatic {
					if n := s.Name(o.Reader); n != "" {
						if kindOf(s).IsText() {
							n = key(n, s.ABI())
						}
						if _, first := a.names[n]; !first {
							a.names[n] = place{Object: uint16(j), Symbol: uint32(i)}
						}
					}
				}
			}
		}
	}
	for _, k := range keys {
		if at, ok = a.names[k]; ok {
			return at, true
		}
	}
	return place{}, false
}

// pathsIn returns the import paths of packages that a symbol's name contains: in example.com/a.F it is
// example.com/a, in go:itab.*example.com/a.T,io.Reader there are two.
func pathsIn(name string) (paths []string) {
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return strings.ContainsRune("*,[]();:{} ", r) }) {
		slash := strings.LastIndexByte(part, '/')
		dot := strings.IndexByte(part[slash+1:], '.')
		if dot < 0 {
			continue
		}
		paths = append(paths, strings.Clone(unescaped(part[:slash+1+dot])))
	}
	return paths
}

// unescaped returns an import path as it is written in Go: in symbols, dots of its last part are escaped.
func unescaped(path string) string {
	if p, err := url.PathUnescape(path); err == nil {
		return p
	}
	return path
}

// open returns the archive of a package that has symbols which the process lacks. On failure it returns nil
// and sets l.err. The package is initialised as well, unless the process has done so.
func (l *link) open(path string) *archive {
	a := l.look(path)
	if a != nil && !a.opened {
		a.opened = true
		l.takeInit(a.objs[0])
	}
	return a
}

// look is like open, but does not have the package initialised.
func (l *link) look(path string) *archive {
	path = unescaped(path)
	if a := l.archives[path]; a != nil {
		return a
	}
	file, err := l.archive(path)
	var a *archive
	if err == nil {
		a, err = openArchive(strings.Clone(path), file)
	}
	if err == nil && len(a.objs) == 0 {
		a.close()
		err = fmt.Errorf("%s holds no object", file)
	}
	if err != nil {
		l.fail(fmt.Errorf("package %s: %w", strings.Clone(path), err))
		return nil
	}
	l.archives[a.path] = a
	return a
}

// nameOf returns the name of what a reference in o means, wherever it stands: an object does not repeat the
// names of functions of other packages that were inlined.
func (l *link) nameOf(o *object, ref goobj.SymRef) string {
	name := o.nameOf(ref)
	if name != "" || ref.IsZero() {
		return name
	}
	if other := l.definer(o, ref); other != nil {
		name = other.Sym(ref.SymIdx).Name(other.Reader)
		o.names[ref] = name
	}
	return name
}

// definer returns the object of another package that defines what a reference in o means by its number, or nil.
func (l *link) definer(o *object, ref goobj.SymRef) *object {
	if _, here := o.defines(ref); here || int(ref.PkgIdx) >= len(o.pkgs) {
		return nil
	}
	if a := l.look(o.pkgs[ref.PkgIdx]); a != nil && int(ref.SymIdx) < a.objs[0].ends[ofPackage] {
		return a.objs[0]
	}
	return nil
}

func (l *link) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}
