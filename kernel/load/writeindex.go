//go:build interleave_memory

package load

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"interleave/kernel/load/goobj"
)

// leastTypes is the least share of types among a host's symbols, in percent. cmd/link drops most types in
// programs to which it expects nothing to be added later: then 2 % are left of 50 %.
const leastTypes = 15

// WriteIndex writes the index of the running program, which must be a host, to a file. archives are the
// packages' archives by path. It fails when cells cannot be loaded into this program.
func WriteIndex(file string, archives map[string]string) error {
	f, err := elf.Open(self)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC {
		return errors.New("the host is a position-independent program, whose addresses are not known before it runs")
	}
	x := &index{}
	if x.HostID, err = hostID(self); err != nil {
		return err
	}
	defs, err := scanArchives(archives)
	if err != nil {
		return err
	}
	host, err := x.scanHost(f, defs.assembly)
	if err != nil {
		return err
	}
	if n := len(host.list); 100*int(x.Types) < leastTypes*n {
		return fmt.Errorf("the linker left only %d types among the %d symbols of the host", x.Types, n)
	}
	var rest entries[place]
	for _, d := range defs.list {
		if host.has(linkName(d.key)) {
			continue
		}
		if err := rest.add(d.key, d.at); err != nil {
			return err
		}
	}
	x.host, x.hostAt = host.sorted()
	x.rest, x.restAt = rest.sorted()
	x.packages = defs.packages
	// A session may have mapped the existing file.
	next := file + ".new"
	if err := os.WriteFile(next, x.encode(), 0o644); err != nil {
		return err
	}
	return os.Rename(next, file)
}

// hostID is a hash of a program's build ID, which the go command makes of all that went into it.
func hostID(exe string) (uint64, error) {
	f, err := elf.Open(exe)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	s := f.Section(".note.go.buildid")
	if s == nil {
		return 0, errors.New("the host has no build ID")
	}
	b, err := s.Data()
	if err != nil {
		return 0, err
	}
	return hashOf(string(b)), nil
}

// definitions are what archives define for all packages to use.
type definitions struct {
	packages []string
	list     []definition
	assembly map[string]bool // functions of assembly
}

type definition struct {
	key string
	at  place
}

func scanArchives(archives map[string]string) (*definitions, error) {
	d := &definitions{assembly: map[string]bool{}}
	d.packages = slices.Sorted(maps.Keys(archives))
	if len(d.packages) > math.MaxUint16 {
		return nil, fmt.Errorf("%d packages are too many", len(d.packages))
	}
	for n, path := range d.packages {
		a, err := openArchive(path, archives[path])
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", path, err)
		}
		for j, o := range a.objs {
			for i := range o.ends[ofAnyPackage] {
				s := o.Sym(uint32(i))
				text := kindOf(s).IsText()
				if text && s.ABI() == 0 && o.FromAssembly() {
					d.assembly[strings.Clone(s.Name(o.Reader))] = true
				}
				if o.byContent(uint32(i)) || s.ABI() == goobj.SymABIstatic || s.NameLen(o.Reader) == 0 {
					continue
				}
				k := strings.Clone(s.Name(o.Reader))
				if text {
					k = key(k, s.ABI())
				}
				d.list = append(d.list, definition{k, place{uint16(n), uint16(j), uint32(i)}})
			}
		}
		a.close()
	}
	return d, nil
}

// scanHost reads the symbols of the host's file.
func (x *index) scanHost(f *elf.File, assembly map[string]bool) (*entries[uint64], error) {
	syms, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	x.TLS = tlsOffset(f, syms)
	both := map[string]bool{}
	for _, s := range syms {
		if name, ok := strings.CutSuffix(s.Name, ".abi0"); ok {
			both[name] = true
		}
	}
	host := &entries[uint64]{}
	for _, s := range syms {
		typ := elf.ST_TYPE(s.Info)
		if s.Name == "runtime.etext" {
			x.Etext = s.Value
		}
		if elf.ST_BIND(s.Info) != elf.STB_GLOBAL || s.Section == elf.SHN_UNDEF || s.Value == 0 ||
			typ != elf.STT_FUNC && typ != elf.STT_OBJECT {
			continue
		}
		name := s.Name
		if n, ok := strings.CutSuffix(name, ".abi0"); ok {
			name = n + stackABI
		} else if typ == elf.STT_FUNC && assembly[name] && !both[name] && cellIsAssembly(uintptr(s.Value)) {
			// The linker marks the one of two forms that has the stack's convention. Where the host has one
			// form alone, its name is plain: that of assembly, or the compiler's wrapper, into which the
			// function was inlined.
			name += stackABI
		}
		if strings.HasPrefix(name, "type:") {
			x.Types++
		}
		if err := host.add(name, s.Value); err != nil {
			return nil, err
		}
	}
	if x.Etext == 0 {
		return nil, errors.New("the host has no symbol runtime.etext")
	}
	return host, nil
}

// linkName is a symbol's name in the host's file: cmd/link shortens the names of types, which can be very
// long, to a hash.
func linkName(name string) string {
	sum := func(s string) string {
		b := sha256.Sum256([]byte(s))
		b[0] ^= 0xff // cmd/internal/hash.Sum32 differs from SHA-256 by this
		return base64.StdEncoding.EncodeToString(b[:6])
	}
	isType := strings.HasPrefix(name, "type:")
	switch {
	case !isType && !strings.Contains(name, "@"),
		strings.HasPrefix(name, "type:runtime."),
		strings.HasPrefix(name, "go:string."),
		len(name) <= 14 && !strings.Contains(name, "@"):
		return name
	case isType && name[5] == '.':
		return "type:." + sum(name[5:])
	case isType:
		return "type:" + sum(name[5:])
	}
	i, j := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if j <= i {
		j = len(name)
	}
	return name[:i+1] + sum(name[i+1:j]) + name[j:]
}
