package lower

import (
	"go/scanner"
	"go/token"
	"slices"
)

// parts puts functions together that need each other, and each part behind what it needs: Tarjan's strongly
// connected components. The interpreter looks through the whole text that a function was compiled with when a panic
// passes it.
func (l *lowerer) parts() (parts []string) {
	needs := map[string][]string{}
	for name, text := range l.text {
		var s scanner.Scanner
		set := token.NewFileSet()
		s.Init(set.AddFile("", -1, len(text)), []byte(text), nil, 0)
		for {
			_, tok, lit := s.Scan()
			if tok == token.EOF {
				break
			}
			if _, ok := l.text[lit]; ok && tok == token.IDENT && lit != name {
				needs[name] = append(needs[name], lit)
			}
		}
	}
	index, low, on := map[string]int{}, map[string]int{}, map[string]bool{}
	var stack []string
	var visit func(name string)
	visit = func(name string) {
		index[name] = len(index) + 1
		low[name] = index[name]
		stack, on[name] = append(stack, name), true
		for _, n := range needs[name] {
			if index[n] == 0 {
				visit(n)
				low[name] = min(low[name], low[n])
			} else if on[n] {
				low[name] = min(low[name], index[n])
			}
		}
		if low[name] != index[name] {
			return
		}
		i := slices.Index(stack, name)
		text := ""
		for _, n := range stack[i:] {
			on[n] = false
			text += l.text[n] + "\n"
		}
		stack = stack[:i]
		parts = append(parts, text)
	}
	for _, name := range l.order {
		if name != "Run" && index[name] == 0 {
			visit(name)
		}
	}
	visit("Run")
	return parts
}
