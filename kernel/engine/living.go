package engine

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"interleave/kernel/engine/stack"
	"interleave/runtime/quantity"
)

// A living goroutine is one of a run, as the runtime's own record shows it. The record does not contain its
// place: reading stacks stops the world, and with a hundred thousand goroutines would stop it for seconds.
type living struct {
	g     unsafe.Pointer // with id, for look
	id    uint64
	tag   *tag
	at    uintptr // in the code that started it; see tag.startedAt
	state string
	busy  bool // it runs or is about to
	main  bool // it is the cell's own
}

// each calls f for the living goroutines of the run, at about 20 ns each.
func (r *run) each(f func(living)) {
	recorders := map[uintptr]bool{} // by start
	cellGoroutines(func(g unsafe.Pointer, id uint64, p unsafe.Pointer, state string, busy bool, start, at uintptr) {
		t := (*tag)(p)
		if t.run != r {
			return
		}
		recorder, known := recorders[start]
		if !known {
			if fn := runtime.FuncForPC(start); fn != nil {
				recorder = isRecorder(fn.Name())
			}
			recorders[start] = recorder
		}
		if !recorder {
			f(living{g, id, t, at, state, busy, id == r.mainID.Load()})
		}
	})
}

// count counts the living goroutines of the run.
func (r *run) count() (all, busy int) {
	r.each(func(l living) {
		all++
		if l.busy {
			busy++
		}
	})
	return all, busy
}

// calls returns a number that changes when goroutines of the run make system calls: a goroutine that is in a
// call each time it is checked need not be blocked.
func (r *run) calls() (sum uint64) {
	cellCalls(func(t unsafe.Pointer, call uint64) {
		if (*tag)(t).run == r {
			sum += call
		}
	})
	return sum
}

// goroutinesOfCells counts the living goroutines of all cells.
func goroutinesOfCells() (n int) {
	cellGoroutines(func(unsafe.Pointer, uint64, unsafe.Pointer, string, bool, uintptr, uintptr) { n++ })
	return n
}

// livingOfCells describes the living goroutines of all cells by where most of them were started.
func livingOfCells() string {
	type start struct {
		tag *tag
		at  uintptr
	}
	starts := map[start]int{}
	cellGoroutines(func(_ unsafe.Pointer, _ uint64, t unsafe.Pointer, _ string, _ bool, _, at uintptr) {
		starts[start{(*tag)(t), at}]++
	})
	all, places := 0, map[string]int{}
	for s, n := range starts {
		all += n
		places[s.tag.startedAt(s.at)] += n
	}
	order := slices.SortedFunc(maps.Keys(places), func(a, b string) int {
		return cmp.Or(places[b]-places[a], cmp.Compare(a, b))
	})
	shown := order[:min(len(order), 3)]
	text := quantity.Plural(all, "goroutine is", "goroutines are") + " still running, started at " + strings.Join(shown, ", ")
	if more := len(order) - len(shown); more > 0 {
		text += " and " + quantity.Plural(more, "other place")
	}
	return text
}

// living lists the living goroutines of the run.
func (r *run) living() (all []living) {
	r.each(func(l living) { all = append(all, l) })
	return all
}

// look reads the stacks of some living goroutines. It stops the world for about 20 µs each.
func (r *run) look(at []living) []stack.Goroutine {
	gs, ids := make([]unsafe.Pointer, len(at)), make([]uint64, len(at))
	for i, l := range at {
		gs[i], ids[i] = l.g, l.id
	}
	const most = 4 << 20
	for size := 16<<10 + 4<<10*len(at); ; size *= 4 {
		buf := make([]byte, min(size, most))
		n := cellStacks(buf, gs, ids)
		if n < len(buf) || len(buf) == most {
			return r.known(stack.Parse(string(buf[:n])), at)
		}
	}
}

// known gives the places of goroutines the cell numbers that the user knows, and adds where each was started,
// and the line of interpreted code, which stacks do not show.
func (r *run) known(all []stack.Goroutine, at []living) []stack.Goroutine {
	started := map[int]living{}
	for _, l := range at {
		started[int(l.id)] = l
	}
	for i, g := range all {
		if l, ok := started[g.ID]; ok {
			all[i].Cell = l.tag.startedAt(l.at)
		}
		if line := r.line.Load(); g.Main && len(g.Lines) == 0 && line > 0 {
			all[i].Lines = []string{fmt.Sprintf("cell[%d]:%d", r.n, line)}
		}
		for j, l := range g.Lines {
			g.Lines[j] = r.renumberText(l)
		}
	}
	return all
}

const (
	mostLooked = 200 // goroutines whose stacks are read for a report
)

// report describes goroutines of the run in a few lines. It reads the places of up to mostLooked goroutines.
// More are grouped by the place of their start and the state in which they wait, and it reads the places of
// some of each group.
func (r *run) report(all []living) []string {
	if len(all) <= mostLooked {
		return stack.Together(r.look(all), len(all))
	}
	type kind struct {
		state string
		tag   *tag
		at    uintptr
	}
	kinds := map[kind][]living{}
	for _, l := range all {
		k := kind{l.state, l.tag, l.at}
		kinds[k] = append(kinds[k], l)
	}
	order := slices.SortedFunc(maps.Keys(kinds), func(a, b kind) int {
		return cmp.Or(len(kinds[b])-len(kinds[a]), cmp.Compare(a.tag.startedAt(a.at), b.tag.startedAt(b.at)),
			cmp.Compare(a.state, b.state))
	})
	var lines []string
	rest := len(all)
	for _, k := range order[:min(len(order), stack.MostKinds)] {
		of := kinds[k]
		rest -= len(of)
		seen := r.look(sample(of, mostLooked/stack.MostKinds))
		if len(of) == 1 && len(seen) == 1 {
			lines = append(lines, seen[0].String())
			continue
		}
		line := fmt.Sprintf("%s [%s] started at %s", quantity.Plural(len(of), "goroutine"), k.state, k.tag.startedAt(k.at))
		if at := seenAt(seen); len(at) > 0 {
			line += ", seen at " + strings.Join(at, ", ")
		}
		lines = append(lines, line)
	}
	if rest > 0 {
		lines = append(lines, fmt.Sprintf("… and %s more", quantity.Count(rest)))
	}
	return lines
}

// sample returns n of all, evenly spread.
func sample(all []living, n int) []living {
	if len(all) <= n {
		return all
	}
	some := make([]living, n)
	for i := range some {
		some[i] = all[i*len(all)/n]
	}
	return some
}

// seenAt lists where goroutines are. Of many places it lists a few.
func seenAt(all []stack.Goroutine) []string {
	const most = 3
	count := map[string]int{}
	for _, g := range all {
		if len(g.Lines) > 0 {
			count[g.Lines[0]]++
		}
	}
	at := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(a, b))
	})
	if len(at) > most {
		at = append(at[:most], "…")
	}
	return at
}
