//go:build interleave_memory

package load

import (
	"fmt"
	"strconv"
	"strings"

	"interleave/kernel/load/pkgbits"
)

// Functions reads functions of a package from its archive. params holds their names, as object files have
// them after the path of the package, and the number of their parameters, receivers included. Data that do
// not have the form of Go 1.26's compiler are an error.
func Functions(file string, params map[string]int) (facts map[string]Function, err error) {
	mem, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	a := &archive{mem: mem}
	defer a.close()
	defer func() {
		if r := recover(); r != nil { // pkgbits panics
			facts, err = nil, fmt.Errorf("%s: the compiler's export data: %v", file, r)
		}
	}()
	if err := a.members(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(a.objs) == 0 {
		return nil, fmt.Errorf("%s holds no object", file)
	}
	data, err := exportData(mem)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d := &exports{
		PkgDecoder: pkgbits.NewPkgDecoder("", data),
		obj:        a.objs[0],
		params:     params,
		facts:      map[string]Function{},
	}
	d.read()
	return d.facts, nil
}

// exportData returns the export data in an archive, which is the end of its first member.
func exportData(mem []byte) (string, error) {
	const first, header, begin, end = 8, 60, "\n$$B\n", "\n$$\n"
	if len(mem) > first+header {
		size, err := strconv.Atoi(strings.TrimSpace(string(mem[first+48 : first+58])))
		if err == nil && size > 0 && first+header+size <= len(mem) {
			_, data, ok := strings.Cut(string(mem[first+header:first+header+size]), begin)
			data, complete := strings.CutSuffix(data, end)
			if ok && complete && strings.HasPrefix(data, "u") {
				return data[1:], nil
			}
		}
	}
	return "", fmt.Errorf("there is no unified export data")
}

// exports reads the export data of one package. The format is that of cmd/compile/internal/noder: linker.go
// writes what is read here.
type exports struct {
	pkgbits.PkgDecoder
	obj    *object
	params map[string]int
	facts  map[string]Function
}

func (d *exports) read() {
	r := d.NewDecoder(pkgbits.SectionMeta, pkgbits.PublicRootIdx, pkgbits.SyncPublic)
	r.Sync(pkgbits.SyncPkg)
	r.Reloc(pkgbits.SectionPkg)
	if r.Version().Has(pkgbits.HasInit) {
		r.Bool()
	}
	self := ""
	for i, n := 0, r.Len(); i < n; i++ {
		r.Sync(pkgbits.SyncObject)
		if r.Version().Has(pkgbits.DerivedFuncInstance) {
			r.Bool()
		}
		idx := r.Reloc(pkgbits.SectionObj)
		r.Len()
		path, name, kind := d.PeekObj(idx)
		if self == "" {
			self = path
		}
		if path != self {
			continue
		}
		_, wanted := d.params[name]
		switch {
		case kind == pkgbits.ObjFunc && wanted:
			r := d.NewDecoder(pkgbits.SectionObjExt, idx, pkgbits.SyncObject1)
			d.function(&r)
			if _, ok := d.facts[name]; !ok || r.Data.Len() > 0 {
				panic("the data of " + name + " are another function's")
			}
		case kind == pkgbits.ObjType && d.hasMethods(name):
			r := d.NewDecoder(pkgbits.SectionObjExt, idx, pkgbits.SyncObject1)
			r.Sync(pkgbits.SyncTypeExt)
			r.Sync(pkgbits.SyncPragma)
			r.Int()
			r.Int64() // symbols of the type
			r.Int64() // and its pointer
			for r.Data.Len() > 0 {
				d.function(&r)
			}
		}
	}
}

// hasMethods reports whether the caller asked for methods of a type.
func (d *exports) hasMethods(name string) bool {
	for f := range d.params {
		if strings.HasPrefix(f, name+".") || strings.HasPrefix(f, "(*"+name+").") {
			return true
		}
	}
	return false
}

// function reads what the compiler adds to a function's type.
func (d *exports) function(r *pkgbits.Decoder) {
	var f Function
	r.Sync(pkgbits.SyncFuncExt)
	r.Sync(pkgbits.SyncPragma)
	f.Pragma = r.Int()
	r.Sync(pkgbits.SyncLinkname)
	i := r.Int64()
	if i < 0 || int(i) >= d.obj.ends[ofPackage] {
		panic("a function without a symbol of its package")
	}
	_, name, _ := strings.Cut(strings.TrimPrefix(strings.Clone(d.obj.Sym(uint32(i)).Name(d.obj.Reader)), CellPrefix), ".")
	params, known := d.params[name]
	if !known || !r.Bool() {
		panic("a function " + name)
	}
	r.Uint64() // calling convention
	for range params {
		f.Tags = append(f.Tags, strings.Clone(r.String()))
	}
	if f.Inlined = r.Bool(); f.Inlined {
		r.Len()
		r.Bool()
	}
	r.Sync(pkgbits.SyncEOF)
	d.facts[name] = f
}
