//go:build interleave_memory

package load

import (
	"fmt"
	"strconv"
	"strings"

	"interleave/kernel/load/pkgbits"
)

// A Function is what the compiler lets callers in other packages know of one: what they have relied on, wherever they were compiled.
type Function struct {
	Inlined bool     // callers may have copies of its body
	Tags    []string // of the receiver and the parameters: where what they point to may be kept, or changed
	Pragma  int      // compiler directives, such as noinline
}

// Functions reads the functions of a package from its archive: those that params names, as object files name them after the path of
// their package, with the number of their parameters, receivers included. What does not have the form that Go 1.26's compiler gives it
// is an error.
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
	d := &exports{PkgDecoder: pkgbits.NewPkgDecoder("", data), obj: a.objs[0], params: params, facts: map[string]Function{}}
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

// exports reads the export data of one package. The format is that of cmd/compile/internal/noder: linker.go writes what is read here.
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

// hasMethods reports whether methods of a type are wanted.
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

// Fits reports whether code that was compiled to call old may call f instead. What old keeps of its arguments, or changes through
// them, f must do at most.
//
// A caller puts a variable on its own stack if no tag says that the callee keeps its address, and converts a string to bytes without
// copying if no tag says that the callee writes to them. A tag is a list of numbers, one for each way on which a value may flow: to the
// heap, into an assignment through it, into a call of it, and to the first results. A number counts the pointers that are followed on
// the shortest such way, and one more; 0 means that there is no way. The shorter the way, the more flows: what is n pointers away
// reaches all that is further away. So a tag is at most another if each of its ways is in the other, as short or shorter; or longer than
// the other's way to the heap, from where everything is reachable already, and which ends the compiler's interest in other ways. A text that does
// not have this form says that all flows to the heap.
func (f Function) Fits(old Function) bool {
	if f.Pragma&^noInline != old.Pragma&^noInline || len(f.Tags) != len(old.Tags) {
		return false
	}
	for i := range f.Tags {
		if !flows(f.Tags[i]).atMost(flows(old.Tags[i])) {
			return false
		}
	}
	return true
}

// noInline is the compiler's flag for //go:noinline (ir.Noinline in cmd/compile/internal/ir), which callers in other packages do not care about.
const noInline = 1 << 4

// A ways is a tag of a parameter: the length of the shortest way to the heap, to an assignment, to a call, to results.
type ways [8]uint8

// flows reads a tag.
func flows(tag string) (w ways) {
	text, ok := strings.CutPrefix(tag, "esc:")
	if !ok || len(text) > len(w) {
		return ways{1}
	}
	copy(w[:], text)
	return w
}

func (w ways) atMost(old ways) bool {
	for i, n := range w {
		switch {
		case n == 0:
		case old[i] != 0 && n >= old[i]:
		case old[0] != 0 && n >= old[0]:
		default:
			return false
		}
	}
	return true
}
