//go:build interleave_memory

package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"interleave/kernel/load/goobj"
	"interleave/kernel/load/objabi"
)

// An archive is the compiler's output for a package: a file of members in the format of the ar command. The
// ones that matter are object files, one from the compiler and perhaps some from the assembler. The file is
// mapped while a Load needs it: large packages cost only the pages that are looked at.
type archive struct {
	path string // of the package
	objs []*object
	mem  []byte

	names map[string]place // by name, see byName; made when first needed

	opened bool // the present Load takes symbols from it
}

// An object is an object file. Its symbols are numbered: first those that belong to the package, then two
// sorts whose names are made of their content, then those that any package may define, and at last those that
// it refers to by name.
type object struct {
	*goobj.Reader
	of    *archive
	ends  [4]int // of the sorts that it defines, added up
	pkgs  []string
	names map[goobj.SymRef]string // of symbols of other packages; made when first needed
	syms  []*symbol               // those that the present Load lays out
	// where the names of its files begin in the present Load's table, -1 when they are not in it
	unit int
}

// The sorts of symbols that an object defines, as indices of object.ends.
const (
	ofPackage = iota
	hashed64
	hashed
	ofAnyPackage
)

// openArchive maps a package's archive.
func openArchive(path, file string) (*archive, error) {
	mem, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	a := &archive{path: path, mem: mem}
	if err := a.members(); err != nil {
		a.close()
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return a, nil
}

func mapFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if fi.Size() == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	mem, err := syscall.Mmap(int(f.Fd()), 0, int(fi.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: name, Err: err}
	}
	return mem, nil
}

// close unmaps the file. Strings that come from it must have been copied.
func (a *archive) close() {
	syscall.Munmap(a.mem)
	a.objs, a.mem = nil, nil
}

// members reads the archive's table of contents.
func (a *archive) members() error {
	const magic, header = "!<arch>\n", 60
	if !bytes.HasPrefix(a.mem, []byte(magic)) {
		return fmt.Errorf("not an archive")
	}
	for at := len(magic); at+header <= len(a.mem); {
		h := a.mem[at : at+header]
		size, err := strconv.Atoi(strings.TrimSpace(string(h[48:58])))
		if err != nil || size < 0 || at+header+size > len(a.mem) {
			return fmt.Errorf("a member at %d has no size", at)
		}
		body := a.mem[at+header : at+header+size]
		at += header + size + size&1
		// Objects of the Go compiler begin with lines of text; other members come from the C compiler, or
		// hold types.
		text := bytes.Index(body, []byte("\n!\n"))
		if strings.TrimRight(string(h[:16]), " ") == "__.PKGDEF" || text < 0 || !bytes.HasPrefix(body, []byte("go object ")) {
			continue
		}
		r := goobj.NewReaderFromBytes(body[text+3:], true)
		if r == nil {
			return fmt.Errorf("an object of an unknown version of Go")
		}
		o := &object{Reader: r, of: a, pkgs: r.Pkglist(), unit: -1}
		o.ends = [4]int{r.NSym(), r.NHashed64def(), r.NHasheddef(), r.NNonpkgdef()}
		for i := 1; i < len(o.ends); i++ {
			o.ends[i] += o.ends[i-1]
		}
		o.syms = make([]*symbol, o.ends[ofAnyPackage])
		a.objs = append(a.objs, o)
	}
	return nil
}

// defines returns the number of the symbol of o that a reference means.
func (o *object) defines(ref goobj.SymRef) (i uint32, ok bool) {
	switch ref.PkgIdx {
	case goobj.PkgIdxSelf:
		return ref.SymIdx, true
	case goobj.PkgIdxHashed64:
		return uint32(o.ends[ofPackage]) + ref.SymIdx, true
	case goobj.PkgIdxHashed:
		return uint32(o.ends[hashed64]) + ref.SymIdx, true
	case goobj.PkgIdxNone:
		i := uint32(o.ends[hashed]) + ref.SymIdx
		return i, int(i) < o.ends[ofAnyPackage]
	}
	return 0, false
}

// byContent reports whether a symbol's name is made of its content.
func (o *object) byContent(i uint32) bool {
	return int(i) >= o.ends[ofPackage] && int(i) < o.ends[hashed]
}

// nameOf returns the name of what a reference means. It is valid while the archive is mapped.
func (o *object) nameOf(ref goobj.SymRef) string {
	if i, ok := o.defines(ref); ok {
		return o.Sym(i).Name(o.Reader)
	}
	switch ref.PkgIdx {
	case goobj.PkgIdxBuiltin:
		name, _ := goobj.BuiltinName(int(ref.SymIdx))
		return name
	case goobj.PkgIdxNone:
		return o.Sym(uint32(o.ends[hashed]) + ref.SymIdx).Name(o.Reader)
	}
	if o.names == nil {
		o.names = make(map[goobj.SymRef]string, o.NRefName())
		for i := range o.NRefName() {
			n := o.RefName(i)
			o.names[n.Sym()] = n.Name(o.Reader)
		}
	}
	return o.names[ref]
}

// aux returns the bytes of a symbol that describes another, such as a table of line numbers.
func (o *object) aux(ref goobj.SymRef) []byte {
	if i, ok := o.defines(ref); ok && !ref.IsZero() {
		return o.Data(i)
	}
	return nil
}

func kindOf(s *goobj.Sym) objabi.SymKind { return objabi.SymKind(s.Type()) }

// key identifies a symbol: its name, and a mark behind it for functions that take their arguments on the
// stack.
func key(name string, abi uint16) string {
	if abi == 0 {
		return name + stackABI
	}
	return name
}

const stackABI = "\x00stack"
