//go:build amd64

//lint:file-ignore U1000 places.go uses it, in hosts that link cells into their memory

package breaks

import "slices"

// A graph is a function's basic blocks: b consists of the instructions from starts[b] to last(b).
type graph struct {
	list       []instr
	starts     []int
	block      []int // of an instruction
	succ, pred [][]int
	order      []int // of a block in a depth-first search, counted when it is left; -1 when nothing leads there
	idom       []int // the block that dominates it immediately
}

// find returns the index of the instruction at pc, -1 if none begins there.
func find(list []instr, pc uintptr) int {
	i, ok := slices.BinarySearchFunc(list, pc, func(x instr, pc uintptr) int {
		switch {
		case x.pc < pc:
			return -1
		case x.pc > pc:
			return 1
		}
		return 0
	})
	if !ok {
		return -1
	}
	return i
}

// newGraph returns the graph of a function; restart is the target of jumps that call it again when morestack
// has made room; these jumps do not form loops.
func newGraph(list []instr, restart uintptr) *graph {
	g := &graph{list: list}
	lead := make([]bool, len(list)+1)
	lead[0] = true
	for i, x := range list {
		if x.jump || x.ends {
			lead[i+1] = true
		}
		if x.jump {
			if k := find(list, x.to); k >= 0 {
				lead[k] = true
			}
		}
	}
	g.block = make([]int, len(list))
	for i := range list {
		if lead[i] {
			g.starts = append(g.starts, i)
		}
		g.block[i] = len(g.starts) - 1
	}
	n := len(g.starts)
	g.succ, g.pred = make([][]int, n), make([][]int, n)
	edge := func(a, b int) { g.succ[a], g.pred[b] = append(g.succ[a], b), append(g.pred[b], a) }
	var tables []int
	for b := range n {
		x := list[g.last(b)]
		if x.jump && x.to != restart {
			if k := find(list, x.to); k >= 0 {
				edge(b, g.block[k])
			}
		}
		if x.table {
			tables = append(tables, b)
		}
		if !x.ends && b+1 < n {
			edge(b, b+1)
		}
	}
	for _, b := range tables { // may lead to any block that nothing else leads to
		for c := 1; c < n; c++ {
			if (len(g.pred[c]) == 0 || slices.Contains(g.pred[c], b)) && !slices.Contains(g.succ[b], c) {
				edge(b, c)
			}
		}
	}
	g.dominators()
	return g
}

// last is the index of a block's last instruction.
func (g *graph) last(b int) int {
	if b+1 < len(g.starts) {
		return g.starts[b+1] - 1
	}
	return len(g.list) - 1
}

// dominators fills order and idom, by the iteration of Cooper, Harvey and Kennedy.
func (g *graph) dominators() {
	n := len(g.starts)
	g.order, g.idom = slices.Repeat([]int{-1}, n), slices.Repeat([]int{-1}, n)
	var left []int
	seen := make([]bool, n)
	type visit struct{ block, next int }
	for stack := []visit{{0, 0}}; len(stack) > 0; {
		v := &stack[len(stack)-1]
		seen[v.block] = true
		if v.next == len(g.succ[v.block]) {
			g.order[v.block] = len(left)
			left = append(left, v.block)
			stack = stack[:len(stack)-1]
			continue
		}
		c := g.succ[v.block][v.next]
		v.next++
		if !seen[c] {
			stack = append(stack, visit{c, 0})
		}
	}
	g.idom[0] = 0
	for changed := true; changed; {
		changed = false
		for _, b := range slices.Backward(left) {
			if b == 0 {
				continue
			}
			dom := -1
			for _, p := range g.pred[b] {
				if g.order[p] < 0 || g.idom[p] < 0 {
					continue
				}
				if dom < 0 {
					dom = p
					continue
				}
				for q := p; dom != q; {
					for g.order[dom] < g.order[q] {
						dom = g.idom[dom]
					}
					for g.order[q] < g.order[dom] {
						q = g.idom[q]
					}
				}
			}
			if g.idom[b] != dom {
				g.idom[b], changed = dom, true
			}
		}
	}
}

// dominates reports whether every way to b leads through a.
func (g *graph) dominates(a, b int) bool {
	for g.order[b] >= 0 && b != a && b != 0 {
		b = g.idom[b]
	}
	return b == a && g.order[b] >= 0
}

// body returns the blocks of the loop that the edge from latch to head closes.
func (g *graph) body(latch, head int) map[int]bool {
	in := map[int]bool{head: true}
	for todo := []int{latch}; len(todo) > 0; {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !in[b] {
			in[b] = true
			todo = append(todo, g.pred[b]...)
		}
	}
	return in
}

// quiet reports whether a block writes no memory that others see.
func (g *graph) quiet(b int) bool {
	for i := g.starts[b]; i <= g.last(b); i++ {
		if g.list[i].writes {
			return false
		}
	}
	return true
}
