package workers

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/load"
)

// A function that runs in another process and assigns a variable of the session changes that process's copy. Such
// functions get a note. Which functions a function leads to is known from its code, as the loader has linked it,
// except for those that were inlined: they are followed by their names. So the note may come for a function that
// is not called, and it never comes for a variable that the code does not reach.

// assigners are the functions of the session that assign variables. The zero value has none.
type assigners struct {
	mu    sync.Mutex
	at    map[linePlace][]cell.Assigner
	named map[string]linePlace // where the latest one with a name is
}

type linePlace struct{ cell, line int }

// Keep remembers the functions of a cell.
func (s *Session) Keep(n int, list []cell.Assigner) {
	a := &s.assigners
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil {
		a.at, a.named = map[linePlace][]cell.Assigner{}, map[string]linePlace{}
	}
	for _, f := range list {
		at := linePlace{n, f.Line}
		if len(f.Sets)+len(f.Calls) == 0 { // it may take the place of one that does more
			delete(a.named, f.Name)
			continue
		}
		if !slices.ContainsFunc(a.at[at], func(o cell.Assigner) bool { return same(o, f) }) {
			a.at[at] = append(a.at[at], f)
		}
		if f.Name != "" {
			a.named[f.Name] = at
		}
	}
}

func same(a, b cell.Assigner) bool {
	return a.Name == b.Name && slices.Equal(a.Sets, b.Sets) && slices.Equal(a.Calls, b.Calls)
}

// Forget forgets all functions.
func (s *Session) Forget() {
	s.assigners.mu.Lock()
	defer s.assigners.mu.Unlock()
	s.assigners.at, s.assigners.named = nil, nil
}

// noteAssigned notes what a function, given by its name for workers, and those that it calls assign.
func (s *Session) noteAssigned(l *load.Loader, jumps map[uintptr]uintptr, function string) {
	if s.Note == nil {
		return
	}
	a := &s.assigners
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.at) == 0 {
		return
	}
	reach := l.Reach(addresses(l, function, nil), jumps)
	labels := map[string]string{}
	for _, k := range heldBy(function) {
		labels[names.Clean(k.Name)] = s.label(k.Name, k.Gen)
	}
	for _, symbol := range reach.Variables {
		name, gen := variableOf(symbol)
		labels[names.Clean(name)] = s.label(name, gen)
	}
	if len(labels) == 0 {
		return
	}
	var queue []linePlace
	for _, entry := range reach.Code {
		if jumps[entry] != 0 { // another one has taken its place
			continue
		}
		if f := runtime.FuncForPC(entry); f != nil && f.Entry() == entry {
			if at, ok := placeOf(entry); ok {
				queue = append(queue, at)
			}
		}
	}
	var literals []linePlace // noted only for what functions with a name do not assign
	seen := map[linePlace]bool{}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		for _, f := range a.at[at] {
			if f.Name == "" {
				literals = append(literals, at)
			} else if text := assignment(f, at, labels); text != "" {
				s.Note(text)
				forget(labels, f.Sets)
			}
			for _, name := range f.Calls {
				if at, ok := a.named[name]; ok {
					queue = append(queue, at)
				}
			}
		}
	}
	for _, at := range literals {
		for _, f := range a.at[at] {
			if text := assignment(f, at, labels); f.Name == "" && text != "" {
				s.Note(text)
				forget(labels, f.Sets)
			}
		}
	}
}

// forget takes variables out of those that notes are for.
func forget(labels map[string]string, sets []string) {
	for _, name := range sets {
		delete(labels, name)
	}
}

// placeOf returns where in a cell the function with an entry is.
func placeOf(entry uintptr) (at linePlace, ok bool) {
	_, place := describe(entry)
	number, line, _ := strings.Cut(strings.TrimPrefix(place, "cell["), "]:")
	var err, err2 error
	at.cell, err = strconv.Atoi(number)
	at.line, err2 = strconv.Atoi(line)
	return at, err == nil && err2 == nil
}

// assignment is the note about a function, or "" if it assigns none of some variables.
func assignment(f cell.Assigner, at linePlace, labels map[string]string) string {
	var sets []string
	for _, name := range f.Sets {
		if l := labels[name]; l != "" {
			sets = append(sets, l)
		}
	}
	if len(sets) == 0 {
		return ""
	}
	name, copies := names.Clean(f.Name), "copy"
	if name == "" {
		name = fmt.Sprintf("the function literal at cell[%d]:%d", at.cell, at.line)
	}
	if len(sets) > 1 {
		copies = "copies"
	}
	return fmt.Sprintf("%s assigns %s; in another process that changes the process's %s only", name, strings.Join(sets, ", "), copies)
}
