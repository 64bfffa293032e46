//go:build interleave_memory

package load

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// CellPrefix is how import paths of cells begin.
const CellPrefix = "interleave/cells/"

// A Config holds what a Loader works with.
type Config struct {
	Index   string                                     // the file that WriteIndex made
	Archive func(path string) (file string, err error) // the archive of a package, cells included
	// called with an address in a cell's code before the runtime knows the cell; an error is Load's
	Check func(path string, pc uintptr) error
	Added func(path string) // called before any of a cell's code runs
	// Packages lists the packages, beside cells, that archives hold and the index does not know: those of modules.
	// It may be nil.
	Packages func() []string
	// Instead maps functions of a cell to other functions of it that do the same and stand in for them; it
	// may be nil. Symbols are without the package.
	Instead func(path string) map[string]string
}

// A Loader links cells into this process. Its methods may be called from several goroutines.
type Loader struct {
	archive  func(path string) (string, error)
	check    func(path string, pc uintptr) error
	added    func(path string)
	packages func() []string
	instead  func(path string) map[string]string

	mu      sync.Mutex
	index   *index
	region  region
	known   map[string]uintptr // what was loaded, by key
	modules []*module
	pending []Pending

	names map[uintptr]string // the reverse of known, made when it is needed; see reversed
	named int                // entries of known that it has

	// Types, and interface tables with them, that were laid out although reflect had made them before:
	// address → address of reflect's.
	sameTypes map[uintptr]uintptr
}

// Open returns a Loader for the running program.
func Open(c Config) (*Loader, error) {
	x, err := openIndex(c.Index)
	if err != nil {
		return nil, fmt.Errorf("open the index of symbols: %w", err)
	}
	l := &Loader{
		archive:   c.Archive,
		check:     c.Check,
		added:     c.Added,
		packages:  c.Packages,
		instead:   c.Instead,
		index:     x,
		known:     map[string]uintptr{},
		sameTypes: map[uintptr]uintptr{},
	}
	id, err := hostID(self)
	switch {
	case err != nil:
		err = fmt.Errorf("identify the host: %w", err)
	case id != x.HostID:
		err = fmt.Errorf("the index of symbols is that of another host: %s", c.Index)
	default:
		if err = l.region.reserve(); err != nil {
			err = fmt.Errorf("reserve memory for cells: %w", err)
		}
	}
	if err != nil {
		syscall.Munmap(x.mem)
		return nil, err
	}
	return l, nil
}

// self is the running program's file, even when another file has taken its name.
const self = "/proc/self/exe"

// Load links the object in the archive of the cell with an import path. It initialises the packages that only
// this cell imports, but for those of modules, then the cell; TakePending has the others. When it fails nothing has changed.
func (l *Loader) Load(path, file string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.modules) >= mostModules {
		return fmt.Errorf("this session has %d compiled cells, which is the limit: restart the kernel", len(l.modules))
	}
	for range 100 {
		if done, err := l.load(path, file); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("load %s: other goroutines kept creating types or interface tables that it contains", path)
}

// mostModules is how many cells the runtime has room for.
const mostModules = 1<<15 - 1

// load is one attempt of Load. done is false when goroutines have meanwhile made a type or table that the
// cell has, too.
func (l *Loader) load(path, file string) (done bool, err error) {
	k := &link{Loader: l, archives: map[string]*archive{}, byKey: map[string]*symbol{}, tables: map[pair]*symbol{}}
	defer k.close()
	a, err := openArchive(path, file)
	if err != nil {
		return false, err
	}
	k.archives[path], a.opened = a, true
	if len(a.objs) != 1 {
		return false, fmt.Errorf("%s holds %d objects, not the compiler's alone", file, len(a.objs))
	}
	k.cell = a.objs[0]
	k.roots()
	if err := k.followAll(); err != nil {
		return false, err
	}
	k.substitute(path)
	order, err := k.initOrder()
	if err != nil {
		return false, err
	}
	m, err := k.layOut(path)
	if err != nil || m == nil {
		return false, err
	}
	if !cellAddModule(&m.cellModule, func() bool {
		if l.check != nil {
			err = l.check(path, m.Minpc)
		}
		return err == nil
	}) {
		return false, err
	}
	// From here on nothing fails.
	m.sortEdges()
	l.modules = append(l.modules, m)
	l.region.commit()
	for key, s := range k.byKey {
		l.known[strings.Clone(key)] = s.code().addr
		if s.same != 0 {
			l.sameTypes[s.addr] = s.same
		}
	}
	if l.added != nil {
		l.added(path)
	}
	var now []unsafe.Pointer
	for i, task := range addresses(order) {
		if path := order[i].o.of.path; l.inModule(path) {
			l.pending = append(l.pending, Pending{path, task})
		} else {
			now = append(now, task)
		}
	}
	cellInit(now)
	return true, nil
}

// A Pending is a package of a module that is loaded and not initialised: its init functions are code of others,
// which may panic, block or run without end.
type Pending struct {
	Path string
	task unsafe.Pointer
}

// Run initialises the package, once.
func (p Pending) Run() { cellInit([]unsafe.Pointer{p.task}) }

// TakePending returns the packages that have to be initialised before code of the cells that were loaded, in their
// order. The caller runs them; they are not returned again.
func (l *Loader) TakePending() []Pending {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pending
	l.pending = nil
	return p
}

// inModule reports whether a package is one of a module.
func (l *Loader) inModule(path string) bool {
	return l.packages != nil && slices.Contains(l.packages(), path)
}

// close unmaps the archives.
func (l *link) close() {
	for _, a := range l.archives {
		a.close()
	}
}

// Entry returns the address of a function of a cell that was loaded, 0 if the cell has no such function.
// While Load is running, only the functions that Load calls may call it.
func (l *Loader) Entry(path, symbol string) uintptr { return l.known[path+"."+symbol] }
