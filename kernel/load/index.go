//go:build interleave_memory

package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// An index holds the places of symbols, in the host or in archives. It is a file that WriteIndex makes when
// the host is installed, mapped by all sessions at once. Names are known by a hash of 64 bits; WriteIndex
// makes sure that no two have the same.
type index struct {
	mem      []byte
	host     []uint64 // hashes, sorted
	hostAt   []uint64 // addresses
	rest     []uint64 // hashes of what the archives define and the host lacks, sorted
	restAt   []place
	packages []string // by their number in a place
	header
}

// A place is where an archive defines a symbol.
type place struct {
	Package, Object uint16
	Symbol          uint32
}

// A header is the beginning of the file. All numbers have the machine's byte order, since the file is for
// this machine only.
type header struct {
	Magic  [8]byte
	HostID uint64 // a hash of the host's file, since an index belongs to one host
	TLS    int64  // where the runtime's pointer to the running goroutine is, from the thread pointer
	Etext  uint64 // end of the host's code
	Types  uint64 // how many symbols of types the host has
	NHost  uint64
	NRest  uint64
	NPaths uint64 // bytes of package paths, one a line
}

var indexMagic = [8]byte{'c', 'e', 'l', 'l', 'i', 'd', 'x', '1'}

func openIndex(file string) (*index, error) {
	mem, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	x := &index{mem: mem}
	if len(mem) < int(unsafe.Sizeof(header{})) {
		return nil, fmt.Errorf("%s is too short", file)
	}
	x.header = *(*header)(unsafe.Pointer(&mem[0]))
	at := int(unsafe.Sizeof(header{}))
	if x.Magic != indexMagic {
		return nil, fmt.Errorf("%s is not an index of symbols", file)
	}
	if want := at + 16*int(x.NHost) + 16*int(x.NRest) + int(x.NPaths); len(mem) != want {
		return nil, fmt.Errorf("%s has %d bytes, not %d", file, len(mem), want)
	}
	words := func(n uint64) []uint64 {
		s := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(mem[at:]))), n)
		at += 8 * int(n)
		return s
	}
	x.host, x.hostAt, x.rest = words(x.NHost), words(x.NHost), words(x.NRest)
	x.restAt = unsafe.Slice((*place)(unsafe.Pointer(unsafe.SliceData(words(x.NRest)))), x.NRest)
	x.packages = strings.Split(string(mem[at:]), "\n")
	return x, nil
}

// inHost returns the address of the host's symbol with a key, 0 when there is no such symbol.
func (x *index) inHost(key string) uintptr {
	if i, ok := slices.BinarySearch(x.host, hashOf(linkName(key))); ok {
		return uintptr(x.hostAt[i])
	}
	return 0
}

// inArchives finds the definition of a symbol that the host lacks.
func (x *index) inArchives(key string) (pkg string, p place, ok bool) {
	i, ok := slices.BinarySearch(x.rest, hashOf(key))
	if !ok {
		return "", place{}, false
	}
	p = x.restAt[i]
	return x.packages[p.Package], p, true
}

// hashOf is FNV-1a.
func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// encode writes an index.
func (x *index) encode() []byte {
	x.Magic = indexMagic
	paths := strings.Join(x.packages, "\n")
	x.NHost, x.NRest, x.NPaths = uint64(len(x.host)), uint64(len(x.rest)), uint64(len(paths))
	b, err := binary.Append(nil, binary.NativeEndian, x.header)
	if err != nil {
		panic(err) // all fields have a fixed size
	}
	for _, list := range [][]uint64{x.host, x.hostAt, x.rest} {
		for _, w := range list {
			b = binary.NativeEndian.AppendUint64(b, w)
		}
	}
	for _, p := range x.restAt {
		b = binary.NativeEndian.AppendUint16(b, p.Package)
		b = binary.NativeEndian.AppendUint16(b, p.Object)
		b = binary.NativeEndian.AppendUint32(b, p.Symbol)
	}
	return append(b, paths...)
}

// entries are the lines of an index while it is made.
type entries[V any] struct {
	seen map[uint64]string
	list []entry[V]
}

type entry[V any] struct {
	hash  uint64
	value V
}

var errHash = errors.New("two symbols have the same hash")

// add records a symbol. The first with a name counts.
func (e *entries[V]) add(name string, v V) error {
	if e.seen == nil {
		e.seen = map[uint64]string{}
	}
	h := hashOf(name)
	if old, ok := e.seen[h]; ok {
		if old != name {
			return fmt.Errorf("%w: %q and %q", errHash, old, name)
		}
		return nil
	}
	e.seen[h] = name
	e.list = append(e.list, entry[V]{h, v})
	return nil
}

func (e *entries[V]) has(name string) bool {
	_, ok := e.seen[hashOf(name)]
	return ok
}

// sorted returns the hashes and what belongs to them.
func (e *entries[V]) sorted() (hashes []uint64, values []V) {
	slices.SortFunc(e.list, func(a, b entry[V]) int {
		if a.hash < b.hash {
			return -1
		}
		return 1
	})
	for _, x := range e.list {
		hashes, values = append(hashes, x.hash), append(values, x.value)
	}
	return hashes, values
}
