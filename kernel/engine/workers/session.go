package workers

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/engine/rt"
	"interleave/kernel/load"
	"interleave/runtime/host"
	"interleave/runtime/remote"
)

// A Source is a session's code.
type Source interface {
	// Shared returns the loader of cells, nil before there is a cell, and the entries of functions with those
	// that have taken their place.
	Shared() (*load.Loader, map[uintptr]uintptr)
	// Extras returns how a cell is loaded; see Cell.
	Extras(path string) ([]cell.Move, map[string]string)
	// Body returns the symbol of the function that a function of a cell only calls, or "".
	Body(symbol string) string
}

// A Session describes the code of a session.
type Session struct {
	Source  Source
	Worker  func() (*exec.Cmd, error) // the command that starts a worker
	Missing error                     // why functions cannot run in other processes, or nil
	// Captured returns the names of local variables that function literals which begin in a line of a cell
	// capture, and of how many of the session's variables each has a pointer, -1 if they differ.
	Captured func(n, line int) (names []string, variables int)
	// Note shows a note under the cell of the calling goroutine, if it has not had it.
	Note      func(text string)
	assigners assigners
	numbers   sync.Map // of cells, by those of their packages
	common
}

// What a worker is given. Symbols are names that load.Loader.Name has returned.
type needs struct {
	Cells []Cell
	Jumps [][2]string // entries of functions, and of those that take their place
	// for cells, by import path, which of the variables that a function may read too early have a value
	Given map[string][]bool `json:",omitempty"`
}

// A Cell is what a worker loads.
type Cell struct {
	Path    string
	Moves   []cell.Move       `json:",omitempty"` // variables that take over storage first
	Instead map[string]string `json:",omitempty"` // functions that stand in for others
}

// Command returns the command that starts a worker.
func (s *Session) Command() (*exec.Cmd, error) {
	if s.Missing != nil {
		return nil, s.Missing
	}
	return s.Worker()
}

func (s *Session) loader() *load.Loader {
	l, _ := s.Source.Shared()
	return l
}

var errNoCells = errors.New("no cell was compiled yet, so there is no function")

// Function describes a function.
func (s *Session) Function(fn reflect.Value) (host.Function, error) {
	l, jumps := s.Source.Shared()
	switch {
	case s.Missing != nil:
		return host.Function{}, s.Missing
	case l == nil:
		return host.Function{}, errNoCells
	}
	entry := fn.Pointer()
	name, place := describe(entry)
	holds := ""
	if !load.InProgram(remote.ClosureOf(fn)) {
		var ok bool
		if holds, ok = s.held(fn, name, place); !ok {
			return host.Function{}, s.bound(name, place)
		}
	}
	wire := l.Name(entry)
	if holds == "" {
		wire = s.body(l, jumps, entry)
	}
	if wire == "" {
		start, end := l.Text()
		if entry < start || entry >= end {
			return host.Function{}, fmt.Errorf("%s has no name by which another process could find it: define it as a function", name)
		}
		wire = inHost(entry - start)
	}
	s.noteAssigned(l, jumps, wire+holds)
	label := name
	if place != "" {
		label += " (" + place + ")"
	}
	return host.Function{Name: wire + holds, Label: label}, nil
}

// body returns the name of the function at an entry, or of the one that it leads to without doing anything else:
// the value of a function has an entry of its own in the cell that mentions it, and a worker that calls the
// function itself need not load that cell.
func (s *Session) body(l *load.Loader, jumps map[uintptr]uintptr, entry uintptr) string {
	for {
		name := l.Name(entry)
		next := jumps[entry]
		if next == 0 {
			next = l.Find(s.Source.Body(name))
		}
		if next == 0 || next == entry {
			return name
		}
		entry = next
	}
}

// holdsMark separates the name of a function literal from those of the variables of which it holds pointers.
const holdsMark = "\n"

// held returns the names of the session's variables of which a function literal has captured pointers, with a
// mark before each, if it has captured nothing else.
func (s *Session) held(fn reflect.Value, name, place string) (names string, ok bool) {
	n, line, ok := cellLine(place)
	if !ok || name != literalName || s.Captured == nil {
		return "", false
	}
	local, count := s.Captured(n, line)
	if len(local) > 0 || count < 1 {
		return "", false
	}
	for _, p := range remote.CapturedBy(fn, count) {
		keys := rt.KeysAt(p)
		if len(keys) == 0 {
			return "", false
		}
		names += holdsMark + joined(keys)
	}
	return names, true
}

// cellLine reads a place that describe has returned.
func cellLine(place string) (n, line int, ok bool) {
	file, at, _ := strings.Cut(place, "]:")
	n, err := strconv.Atoi(strings.TrimPrefix(file, "cell["))
	line, err2 := strconv.Atoi(at)
	return n, line, err == nil && err2 == nil
}

// describe returns the name of a function as the user knows it, and its place in a cell, if it has one.
func describe(entry uintptr) (name, place string) {
	f := runtime.FuncForPC(entry)
	if f == nil {
		return "a function", ""
	}
	// values of functions have entries of their own, in a file that is named after the cell's
	file, line := f.FileLine(entry)
	if _, number, ok := strings.Cut(file, "["); ok && strings.HasSuffix(number, "]") {
		place = fmt.Sprintf("cell[%s:%d", number, line)
	}
	name = strings.TrimPrefix(names.Clean(f.Name()), "main.")
	name, _, _ = strings.Cut(name, "[...]")
	if last := name[strings.LastIndexByte(name, '.')+1:]; strings.HasPrefix(last, "func") && isNumber(last[4:]) {
		name = literalName
	}
	return name, place
}

const literalName = "a function literal"

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// bound is why a function value cannot be sent: it holds values.
func (s *Session) bound(name, place string) error {
	if method, ok := strings.CutSuffix(name, "-fm"); ok {
		return fmt.Errorf("%s is bound to a value: use the method expression %s and pass the value as the first argument",
			strings.NewReplacer("(*", "", ")", "").Replace(method), method)
	}
	if strings.HasPrefix(name, "reflect.") {
		return errors.New("the function was made at run time by package reflect, and another process does not have it: write it as a function")
	}
	captured, pass := "variables", "pass them as arguments, or declare them as variables of the session"
	if n, line, ok := cellLine(place); ok && s.Captured != nil {
		if list, _ := s.Captured(n, line); len(list) > 0 {
			captured = strings.Join(list, ", ")
			if len(list) == 1 {
				pass = "pass it as an argument, or declare it as a variable of the session"
			}
		}
	}
	if place != "" {
		place = " at " + place
	}
	return fmt.Errorf("the function literal%s captures %s, which another process does not have: %s", place, captured, pass)
}

// Reads returns the variables that a function reads when it has values of some types.
func (s *Session) Reads(function string, types []string) (list []host.Variable) {
	l, jumps := s.Source.Shared()
	seen := map[string]bool{}
	add := func(name string, gen int) {
		p, keys := rt.Pointer(name, gen)
		if p == nil || seen[joined(keys)] {
			return
		}
		seen[joined(keys)] = true
		list = append(list, host.Variable{Name: joined(keys), Label: s.label(name, gen), Pointer: p})
	}
	for _, symbol := range l.Reach(addresses(l, function, types), jumps).Variables {
		add(variableOf(symbol))
	}
	for _, k := range heldBy(function) {
		add(k.Name, k.Gen)
	}
	return list
}

// heldBy returns the variables of which a function, given by its name for workers, holds pointers.
func heldBy(function string) (list []rt.Key) {
	for _, name := range strings.Split(function, holdsMark)[1:] {
		if keys := keysOf(name); len(keys) > 0 {
			list = append(list, keys[0])
		}
	}
	return list
}

// label is how users know a variable of a generation, which is the number of the package that declares it.
func (s *Session) label(name string, gen int) string {
	n, ok := s.numbers.Load(gen)
	if !ok {
		n = gen
	}
	return fmt.Sprintf("%s (cell[%d])", names.Clean(name), n)
}

// Number records that a package is that of a cell.
func (s *Session) Number(pkg, cell int) { s.numbers.Store(pkg, cell) }

// addresses returns where a function and types are, of those that belong to cells.
func addresses(l *load.Loader, function string, types []string) (list []uintptr) {
	function, _, _ = strings.Cut(function, holdsMark)
	for _, name := range append([]string{function}, types...) {
		if at := l.Find(name); at != 0 {
			list = append(list, at)
		}
	}
	return list
}

// variableOf reads the symbol of a pointer to a variable, such as interleave/cells/c3.ⱵⱵv1_count.
func variableOf(symbol string) (name string, gen int) {
	_, rest, _ := strings.Cut(symbol, names.Own+"v")
	number, name, _ := strings.Cut(rest, "_")
	gen, _ = strconv.Atoi(number)
	return name, gen
}

// joined names a variable by all keys of its storage: a worker may know one of them only.
func joined(keys []rt.Key) string {
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte('=')
		}
		fmt.Fprintf(&b, "%d_%s", k.Gen, k.Name)
	}
	return b.String()
}

func keysOf(name string) (keys []rt.Key) {
	for one := range strings.SplitSeq(name, "=") {
		gen, name, _ := strings.Cut(one, "_")
		n, err := strconv.Atoi(gen)
		if err != nil {
			return nil
		}
		keys = append(keys, rt.Key{Name: name, Gen: n})
	}
	return keys
}

// Needs returns what a worker has to load before it calls a function with values of some types.
func (s *Session) Needs(function string, types []string, loaded map[string]bool) []byte {
	l, jumps := s.Source.Shared()
	var n needs
	for _, path := range l.Reach(addresses(l, function, types), jumps).Cells {
		if !loaded[path] {
			loaded[path] = true
			moves, instead := s.Source.Extras(path)
			n.Cells = append(n.Cells, Cell{path, moves, instead})
		}
		number, err := numberOf(path)
		if c := rt.Lookup(number); err == nil && c != nil && len(c.Early) > 0 {
			given := c.Given()
			if key := fmt.Sprint(path, given); !loaded[key] {
				if n.Given == nil {
					n.Given = map[string][]bool{}
				}
				loaded[key], n.Given[path] = true, given
			}
		}
	}
	for from, to := range jumps {
		jump := [2]string{l.Name(from), l.Name(to)}
		key := jump[0] + ">" + jump[1]
		if jump[0] != "" && jump[1] != "" && loaded[pathOf(jump[0])] && loaded[pathOf(jump[1])] && !loaded[key] {
			loaded[key] = true
			n.Jumps = append(n.Jumps, jump)
		}
	}
	if len(n.Cells)+len(n.Jumps)+len(n.Given) == 0 {
		return nil
	}
	slices.SortFunc(n.Jumps, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	b, err := json.Marshal(n)
	if err != nil {
		return nil
	}
	return b
}

// numberOf returns the number of a cell's package.
func numberOf(path string) (int, error) {
	return strconv.Atoi(strings.TrimPrefix(path, names.PackagePrefix))
}

// pathOf returns the import path in a symbol of a cell.
func pathOf(symbol string) string {
	i := strings.Index(symbol, load.CellPrefix)
	if i < 0 {
		return ""
	}
	rest := symbol[i+len(load.CellPrefix):]
	end := strings.IndexByte(rest, '.')
	if end < 0 {
		return ""
	}
	return symbol[i : i+len(load.CellPrefix)+end]
}

// TypeName returns the name of a type.
func (s *Session) TypeName(t reflect.Type) string { return typeName(s.loader(), t) }

// Type returns the type with a name.
func (s *Session) Type(name string) reflect.Type { return typeOf(s.loader(), name) }

// Fixed returns the name of a pointer that workers have.
func (s *Session) Fixed(p unsafe.Pointer) (name, variable string, ok bool) {
	return s.fixedPointer(s.loader(), p)
}

// At returns the pointer with a name.
func (s *Session) At(name string) (unsafe.Pointer, reflect.Type) { return at(s.loader(), name) }

var errSession = errors.New("this process is a session, not a worker")

// Load is for workers.
func (s *Session) Load([]byte) error { return errSession }

// Call is for workers.
func (s *Session) Call(string, reflect.Type) (reflect.Value, error) {
	return reflect.Value{}, errSession
}

// Variable is for workers.
func (s *Session) Variable(string) any { return nil }
