//go:build interleave_memory

package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"interleave/kernel/load/goobj"
	"interleave/kernel/load/objabi"
)

// The runtime's tables of functions, as cmd/link writes them. Package runtime describes them in symtab.go:
//
//	header      where the others are
//	names       of functions, each ended by a zero
//	files       names of source files, likewise
//	units       which files a compilation unit has
//	pctab       for each function, what changes from instruction to instruction: size of the frame, file, line, …
//	functions   address and place of each function's description, sorted by address; then the descriptions
//	trees       which calls were inlined in a function
//	buckets     for each 4096 bytes of code, the function to begin the search with
//
// Everything but the addresses is known before the code is laid out, so the tables are built first and
// completed later.

// functionTables are the tables of a link's functions while they are being built.
type functionTables struct {
	link  *link
	text  []*symbol
	infos []function

	names, files, pctab []byte
	nameAt, pctabAt     map[string]uint32
	fileAt              map[string]uint32
	units               []uint32
	table               []byte // functions
	startAt             []int  // of each description in table
	trees               []byte
	treeAt              []int // of each function's in trees, -1 when it has none
	deferReturn         uintptr
}

// A function is the description of a function in its object.
type function struct {
	info     []byte
	lengths  goobj.FuncInfoLengths
	pcsp     []byte
	pcfile   []byte
	pcline   []byte
	pcinline []byte
	pcdata   [][]byte
	funcdata []goobj.SymRef
}

// Numbers that package internal/abi gives: of tables, and of the size of things.
const (
	pcdataInlTree   = 2
	funcdataInlTree = 3
	funcSize        = 44 // of runtime._func
	inlCallSize     = 16 // of runtime.inlinedCall
	bucketCode      = 4096
	bucketParts     = 16
	bucketSize      = 4 + bucketParts
	headerSize      = 9 * 8
	noOffset        = ^uint32(0)
)

// function reads an object's description of one of its functions.
func (o *object) function(i uint32) (f function) {
	for _, a := range o.Auxs(i) {
		switch a.Type() {
		case goobj.AuxFuncInfo:
			f.info = o.aux(a.Sym())
			f.lengths = (*goobj.FuncInfo)(nil).ReadFuncInfoLengths(f.info)
		case goobj.AuxPcsp:
			f.pcsp = o.aux(a.Sym())
		case goobj.AuxPcfile:
			f.pcfile = o.aux(a.Sym())
		case goobj.AuxPcline:
			f.pcline = o.aux(a.Sym())
		case goobj.AuxPcinline:
			f.pcinline = o.aux(a.Sym())
		case goobj.AuxPcdata:
			f.pcdata = append(f.pcdata, o.aux(a.Sym()))
		case goobj.AuxFuncdata:
			f.funcdata = append(f.funcdata, a.Sym())
		}
	}
	if n := int(f.lengths.NumInlTree); n > 0 {
		for len(f.pcdata) <= pcdataInlTree {
			f.pcdata = append(f.pcdata, nil)
		}
		f.pcdata[pcdataInlTree] = f.pcinline
		for len(f.funcdata) <= funcdataInlTree {
			f.funcdata = append(f.funcdata, goobj.SymRef{})
		}
	}
	return f
}

// functions makes the tables of functions that are laid out in this order.
func (l *link) functions(text []*symbol) *functionTables {
	t := &functionTables{
		link: l, text: text, names: []byte{0}, pctab: []byte{0},
		nameAt: map[string]uint32{}, pctabAt: map[string]uint32{}, fileAt: map[string]uint32{},
		deferReturn: l.inProcess("runtime.deferreturn"),
	}
	for _, a := range l.archives {
		for _, o := range a.objs {
			o.unit = -1
		}
	}
	at := 8*len(text) + 8
	for _, s := range text {
		f := s.o.function(s.i)
		at = align(at, 8)
		t.infos, t.startAt = append(t.infos, f), append(t.startAt, at)
		at += funcSize + 4*len(f.pcdata) + 4*len(f.funcdata)
	}
	t.table = make([]byte, at)
	for i, s := range text {
		binary.LittleEndian.PutUint32(t.table[8*i+4:], uint32(t.startAt[i]))
		t.describe(s, &t.infos[i], t.table[t.startAt[i]:])
	}
	return t
}

// describe writes a function's description, but for addresses.
func (t *functionTables) describe(s *symbol, f *function, b []byte) {
	le, info := binary.LittleEndian, (*goobj.FuncInfo)(nil)
	le.PutUint32(b[4:], t.name(s.name))
	if f.info != nil {
		le.PutUint32(b[8:], info.ReadArgs(f.info))
		le.PutUint32(b[36:], uint32(info.ReadStartLine(f.info)))
		b[40], b[41] = byte(info.ReadFuncID(f.info)), byte(info.ReadFuncFlag(f.info))
	}
	le.PutUint32(b[12:], t.deferReturnCall(s))
	le.PutUint32(b[16:], t.offset(f.pcsp))
	le.PutUint32(b[20:], t.offset(f.pcfile))
	le.PutUint32(b[24:], t.offset(f.pcline))
	le.PutUint32(b[28:], uint32(len(f.pcdata)))
	le.PutUint32(b[32:], t.unit(s.o))
	b[43] = byte(len(f.funcdata))
	for j, d := range f.pcdata {
		le.PutUint32(b[funcSize+4*j:], t.offset(d))
	}
	t.treeAt = append(t.treeAt, -1)
	if n := f.lengths.NumInlTree; n > 0 {
		t.treeAt[len(t.treeAt)-1] = len(t.trees)
		for j := range n {
			t.inlined(s.o, info.ReadInlTree(f.info, f.lengths.InlTreeOff, j))
		}
	}
}

// deferReturnCall finds where a function continues after it recovered from a panic: a call of
// runtime.deferreturn. It returns 0 when there is no such call.
func (t *functionTables) deferReturnCall(s *symbol) uint32 {
	for _, r := range s.o.Relocs(s.i) {
		if k := objabi.RelocType(r.Type()); k == callKind {
			if at := t.link.resolve(s.o, r.Sym()); at.sym == nil && at.addr == t.deferReturn {
				return uint32(r.Off()) - callOpcode
			}
		}
	}
	return 0
}

// inlined describes a call that was inlined.
func (t *functionTables) inlined(o *object, node goobj.InlTreeNode) {
	var id uint8
	var line int32
	name := t.link.nameOf(o, node.Func)
	if i, ok := o.defines(node.Func); ok {
		if f := o.function(i); f.info != nil {
			info := (*goobj.FuncInfo)(nil)
			id, line = byte(info.ReadFuncID(f.info)), info.ReadStartLine(f.info)
		}
	} else if at := t.link.inProcess(name); at != 0 {
		id, line = cellFunc(at)
	} else if other := t.link.definer(o, node.Func); other != nil {
		if f := other.function(node.Func.SymIdx); f.info != nil {
			info := (*goobj.FuncInfo)(nil)
			id, line = byte(info.ReadFuncID(f.info)), info.ReadStartLine(f.info)
		}
	}
	b := make([]byte, inlCallSize)
	b[0] = id
	binary.LittleEndian.PutUint32(b[4:], t.name(name))
	binary.LittleEndian.PutUint32(b[8:], uint32(node.ParentPC))
	binary.LittleEndian.PutUint32(b[12:], uint32(line))
	t.trees = append(t.trees, b...)
}

func (t *functionTables) name(s string) uint32 { return intern(&t.names, t.nameAt, s, "\x00") }

// offset is where bytes stand in pctab; 0 means no bytes.
func (t *functionTables) offset(b []byte) uint32 {
	if len(b) == 0 {
		return 0
	}
	return intern(&t.pctab, t.pctabAt, string(b), "")
}

// intern returns where text stands in a table, adding it when it is new.
func intern(table *[]byte, at map[string]uint32, text, end string) uint32 {
	if i, ok := at[text]; ok {
		return i
	}
	i := uint32(len(*table))
	at[strings.Clone(text)] = i
	*table = append(append(*table, text...), end...)
	return i
}

// unit returns where an object's list of files begins.
func (t *functionTables) unit(o *object) uint32 {
	if o.unit < 0 {
		o.unit = len(t.units)
		for i := range o.NFile() {
			t.units = append(t.units, intern(&t.files, t.fileAt, strings.TrimPrefix(o.File(i), "gofile.."), "\x00"))
		}
	}
	return uint32(o.unit)
}

// size is how much memory the tables take, for code of some length.
func (t *functionTables) size(code int) int {
	n := headerSize
	for _, part := range []int{
		len(t.table), len(t.trees), buckets(code) * bucketSize,
		4 * len(t.units), len(t.names), len(t.files), len(t.pctab),
	} {
		n = align(n, 8) + part
	}
	return align(n, 8)
}

func buckets(code int) int { return (code + bucketCode - 1) / bucketCode }

// write completes the tables with addresses and lays them out.
func (t *functionTables) write(m *module, mem []byte) error {
	le := binary.LittleEndian
	base, at := uintptr(unsafe.Pointer(&mem[0])), headerSize
	put := func(b []byte) []byte {
		at = align(at, 8)
		to := mem[at : at+len(b) : at+len(b)]
		copy(to, b)
		at += len(b)
		return to
	}
	offset := func(a uintptr) uint32 { return uint32(a - m.Text) }
	table, trees := put(t.table), put(t.trees)
	treesAt := base + uintptr(at-len(trees))
	for i, s := range t.text {
		b := table[t.startAt[i]:]
		le.PutUint32(table[8*i:], offset(s.addr))
		le.PutUint32(b, offset(s.addr))
		data := b[funcSize+4*len(t.infos[i].pcdata):]
		for j, ref := range t.infos[i].funcdata {
			v, err := t.funcdata(m, s, ref)
			if err != nil {
				return err
			}
			if j == funcdataInlTree && t.treeAt[i] >= 0 {
				v = uint32(treesAt + uintptr(t.treeAt[i]) - m.Gofunc)
			}
			le.PutUint32(data[4*j:], v)
		}
	}
	le.PutUint32(table[8*len(t.text):], offset(m.Maxpc))
	find, err := t.findTable(m)
	if err != nil {
		return err
	}
	find = put(find)
	units := put(make([]byte, 4*len(t.units)))
	for i, v := range t.units {
		le.PutUint32(units[4*i:], v)
	}
	names, files, pctab := put(t.names), put(t.files), put(t.pctab)

	copy(mem, "\xf1\xff\xff\xff\x00\x00")
	mem[6], mem[7] = pcQuantum, 8
	where := func(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))) - base) }
	for i, v := range []uint64{
		uint64(len(t.text)), uint64(len(t.fileAt)), 0,
		where(names), where(units), where(files), where(pctab), where(table),
	} {
		le.PutUint64(mem[8+8*i:], v)
	}
	m.Pcheader = unsafe.Pointer(&mem[0])
	m.Funcnametab, m.Filetab, m.Pctab, m.Pclntable = names, files, pctab, table
	m.Cutab = unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(units))), len(t.units))
	m.Nftab = len(t.text) + 1
	m.Findfunctab = uintptr(unsafe.Pointer(unsafe.SliceData(find)))
	return nil
}

// funcdata is the offset of a table that belongs to a function.
func (t *functionTables) funcdata(m *module, s *symbol, ref goobj.SymRef) (uint32, error) {
	if ref.IsZero() {
		return noOffset, nil
	}
	to := t.link.resolve(s.o, ref)
	switch {
	case to.sym == nil || to.sym.addr < m.Gofunc || to.sym.addr >= m.Epclntab:
		return 0, fmt.Errorf("%s: its table %s lies outside of the cell", s.name, s.o.nameOf(ref))
	case to.sym.size == 0:
		return noOffset, nil
	}
	return uint32(to.sym.addr - m.Gofunc), nil
}

// findTable makes the buckets.
func (t *functionTables) findTable(m *module) ([]byte, error) {
	b := make([]byte, buckets(int(m.Maxpc-m.Minpc))*bucketSize)
	k := 0
	for i := 0; i < len(b); i += bucketSize {
		first := -1
		for part := range bucketParts {
			pc := m.Minpc + uintptr(i/bucketSize*bucketCode+part*(bucketCode/bucketParts))
			for k+1 < len(t.text) && t.text[k+1].addr <= pc {
				k++
			}
			if first < 0 {
				first = k
				binary.LittleEndian.PutUint32(b[i:], uint32(first))
			}
			if k-first > 255 {
				return nil, errors.New("more than 256 functions in 4096 bytes of code")
			}
			b[i+4+part] = byte(k - first)
		}
	}
	return b, nil
}
