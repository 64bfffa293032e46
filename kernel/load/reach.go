//go:build interleave_memory

package load

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	_ "unsafe" // for linkname
)

// What a function may use is known exactly: its code refers to other functions, types and variables of cells,
// and these references were followed when the cell was linked. Another process can therefore be given what a
// function needs, and nothing else. A type refers to all its methods, which may be called through interfaces.

// An edge is a reference between symbols of cells: the one at from refers to the one at to. Both are offsets in the region.
type edge struct{ from, to uint32 }

// refer notes that a symbol refers to an address, unless the address is the host's or has no references of its
// own.
func (r *relocator) refer(s *symbol, t target) {
	at := t.address()
	if at < r.region.start || at >= r.region.end || at == s.addr {
		return
	}
	if t.sym != nil && !t.sym.kind.IsText() && !isVariable(t.sym.name) && len(t.sym.o.Relocs(t.sym.i)) == 0 {
		return
	}
	r.m.edges = append(r.m.edges, edge{uint32(s.addr - r.region.start), uint32(at - r.region.start)})
}

// sortEdges makes edges ready to be searched.
func (m *module) sortEdges() {
	slices.SortFunc(m.edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	m.edges = slices.Clip(slices.Compact(m.edges))
}

// isVariable reports whether a symbol is the pointer by which code of a cell reaches a session variable.
func isVariable(name string) bool {
	_, name, ok := strings.Cut(strings.TrimPrefix(name, CellPrefix), ".")
	return ok && strings.HasPrefix(name, "ⱵⱵv")
}

// A Reach is all that some symbols of cells lead to.
type Reach struct {
	Variables []string  // symbols of pointers to session variables, without those of packages that Cells lacks
	Cells     []string  // import paths of the cells that have to be loaded, in the order in which they were
	Code      []uintptr // entries of functions, among other symbols
}

// Reach follows references from symbols of cells, given by their addresses. jumps has the functions that others
// have taken the place of: their entries, and those of the others.
func (l *Loader) Reach(from []uintptr, jumps map[uintptr]uintptr) (r Reach) {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := l.reversed()
	seen := map[uintptr]bool{}
	needed := map[*module]bool{}
	var queue []uintptr
	push := func(at uintptr) {
		if at >= l.region.start && at < l.region.next && !seen[at] {
			seen[at] = true
			queue = append(queue, at)
		}
	}
	for _, at := range from {
		push(at)
	}
	for len(queue) > 0 {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		push(jumps[at])
		m := l.moduleAt(at)
		if m == nil {
			continue
		}
		needed[m] = true
		if name := names[at]; isVariable(name) {
			r.Variables = append(r.Variables, name)
			continue
		}
		r.Code = append(r.Code, at)
		off := uint32(at - l.region.start)
		i, _ := slices.BinarySearchFunc(m.edges, off, func(e edge, off uint32) int { return cmp.Compare(e.from, off) })
		for ; i < len(m.edges) && m.edges[i].from == off; i++ {
			push(l.region.start + uintptr(m.edges[i].to))
		}
	}
	l.complete(needed, jumps)
	for _, m := range l.modules {
		if needed[m] {
			r.Cells = append(r.Cells, m.Path)
		}
	}
	slices.Sort(r.Variables)
	return r
}

// complete adds the modules that modules refer to anywhere, without which they cannot be linked, and those with
// code that has taken the place of code in them.
func (l *Loader) complete(needed map[*module]bool, jumps map[uintptr]uintptr) {
	further := map[*module][]*module{}
	for from, to := range jumps {
		if m, n := l.moduleAt(from), l.moduleAt(to); m != nil && n != nil && m != n {
			further[m] = append(further[m], n)
		}
	}
	for queue := slices.Collect(maps.Keys(needed)); len(queue) > 0; {
		m := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		add := func(to *module) {
			if to != nil && !needed[to] {
				needed[to] = true
				queue = append(queue, to)
			}
		}
		for _, e := range m.edges {
			add(l.moduleAt(l.region.start + uintptr(e.to)))
		}
		for _, to := range further[m] {
			add(to)
		}
	}
}

func (l *Loader) moduleAt(at uintptr) *module {
	i, found := slices.BinarySearchFunc(l.modules, at, func(m *module, at uintptr) int { return cmp.Compare(m.Minpc, at) })
	if !found {
		i--
	}
	if i < 0 || at >= l.modules[i].End {
		return nil
	}
	return l.modules[i]
}

// reversed returns the names of shared symbols by address. l.mu is held.
func (l *Loader) reversed() map[uintptr]string {
	if l.names == nil {
		l.names = map[uintptr]string{}
	}
	if len(l.names) < l.named || l.named != len(l.known) {
		for name, at := range l.known {
			l.names[at] = name
		}
		l.named = len(l.known)
	}
	return l.names
}

// Name returns the name of a function, type or variable of cells at an address, "" for all else. Find returns
// the address again, also in another process that has loaded the same cell.
func (l *Loader) Name(at uintptr) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.moduleAt(at) == nil {
		return ""
	}
	return l.reversed()[at]
}

// Find returns the address of what has a name in cells, or 0.
func (l *Loader) Find(name string) uintptr {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[name]
}

//go:linkname cellInModule runtime.cellInModule
func cellInModule(p uintptr) bool

// InProgram reports whether an address is in the memory of the program or of cells that exists without being
// allocated: code, constants, package-level variables.
func InProgram(at uintptr) bool { return cellInModule(at) }

// Text returns where the program's own code begins and ends.
func (l *Loader) Text() (start, end uintptr) {
	start, _ = cellText()
	return start, uintptr(l.index.Etext)
}

// Types returns where the program's own types begin.
func (l *Loader) Types() uintptr {
	_, types := cellText()
	return types
}

// InHost returns the address of a symbol of the program, or 0.
func (l *Loader) InHost(name string) uintptr { return l.index.inHost(name) }
