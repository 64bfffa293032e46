package lower

import (
	"go/ast"
	"go/token"
	"strings"
)

func (f *fn) ifStmt(s *ast.IfStmt) {
	if s.Init != nil {
		f.stmt(s.Init)
	}
	from := len(f.taken)
	f.ready = map[ast.Expr]string{}
	c := f.whole(s.Cond)
	f.release(from)
	f.line("if %s {", c)
	f.block(s.Body.List)
	if s.Else != nil {
		f.line("} else {")
		f.ind++
		f.stmt(s.Else)
		f.ind--
	}
	f.line("}")
}

// body writes the body of a loop of the text, which break and continue can leave, and returns its text.
func (f *fn) nested(t *target, write func()) string {
	t.fn = f
	t.name = f.name("L")
	f.targets = append(f.targets, t)
	outer := f.b
	f.b = strings.Builder{}
	f.ind++
	write()
	f.ind--
	text := f.b.String()
	f.b = outer
	f.targets = f.targets[:len(f.targets)-1]
	return text
}

func (f *fn) loop(t *target, head, body string) {
	if t.used {
		f.b.WriteString(strings.Repeat("\t", f.ind-1) + t.name + ":\n")
	}
	f.line("%s {", head)
	f.b.WriteString(body)
	f.line("}")
}

func (f *fn) forStmt(s *ast.ForStmt, label string) {
	if s.Init != nil {
		f.stmt(s.Init)
	}
	// Each iteration has its own variables.
	var own []*local
	if a, ok := s.Init.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
		for _, x := range a.Lhs {
			if o := f.isNew(x); o != nil {
				if v := f.lookup(o); v.boxed {
					own = append(own, v)
				}
			}
		}
	}
	post := func() {
		for _, v := range own {
			n := f.temp("*" + v.typ)
			f.line("%s = new(%s)", n, v.typ)
			f.line("*%s = *%s", n, v.name)
			f.line("%s = %s", v.name, n)
		}
		if s.Post != nil {
			f.stmt(s.Post)
		}
	}
	head := "for"
	t := &target{label: label, loop: true, post: post}
	body := f.nested(t, func() {
		if s.Cond != nil {
			from := len(f.taken)
			f.ready = map[ast.Expr]string{}
			c := ""
			if before := f.apart(func() { c = f.whole(s.Cond) }); before == "" {
				head = "for " + c
			} else {
				f.b.WriteString(before)
				f.line("if !%s {", parens(c))
				f.line("\tbreak")
				f.line("}")
			}
			f.release(from)
		}
		f.poll()
		f.stmts(s.Body.List)
		post()
	})
	f.loop(t, head, body)
}

func parens(s string) string {
	if simple(s) || strings.HasPrefix(s, "(") && closes(s) {
		return s
	}
	return "(" + s + ")"
}

// closes reports whether the parenthesis at the beginning is closed at the end.
func closes(s string) bool {
	depth := 0
	for i, c := range s {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i == len(s)-1
			}
		case '"', '\'', '`':
			return false
		}
	}
	return false
}

func (f *fn) branch(s *ast.BranchStmt) {
	switch s.Tok {
	case token.GOTO:
		f.jump(s)
		return
	case token.FALLTHROUGH:
		refuse(s, "%s", s.Tok)
	}
	inner := true // no loop of the text lies between
	for i := len(f.targets) - 1; i >= 0; i-- {
		t := f.targets[i]
		found := s.Label == nil && (s.Tok == token.BREAK || t.loop) || s.Label != nil && t.label == s.Label.Name
		if s.Label == nil && s.Tok == token.BREAK && t.label != "" && !t.loop && !t.pseudo {
			found = false
		}
		if found && t.starts == nil {
			if t.yield != "" {
				if s.Tok == token.CONTINUE {
					f.line("*%s = 0", t.yield)
					f.line("return true")
				} else {
					f.line("*%s = 1", t.yield)
					f.line("return false")
				}
				return
			}
			if s.Tok == token.BREAK && !t.loop {
				t.used = true
				f.line("break %s", t.name)
				return
			}
			if s.Tok == token.CONTINUE && t.post != nil {
				t.post()
			}
			if inner {
				f.line("%s", s.Tok)
			} else {
				t.used = true
				f.line("%s %s", s.Tok, t.name)
			}
			return
		}
		inner = false
	}
	if f.through != nil {
		f.branchThrough(s)
		return
	}
	refuse(s, "this %s", s.Tok)
}

func (f *fn) labelledBlock(s *ast.LabeledStmt) {
	t := &target{label: s.Label.Name}
	body := f.nested(t, func() { f.stmts(s.Stmt.(*ast.BlockStmt).List) })
	f.once(t, body)
}

// once writes statements that a break can leave.
func (f *fn) once(t *target, body string) {
	if !t.used {
		for _, line := range strings.SplitAfter(body, "\n") {
			f.b.WriteString(strings.TrimPrefix(line, "\t"))
		}
		return
	}
	f.ind++
	brk := strings.Repeat("\t", f.ind) + "break\n"
	f.ind--
	f.loop(t, "for", body+brk)
}

// jumped returns the labels of statements in a list to which goto statements in it lead, with the number of the statement.
func jumped(list []ast.Stmt) map[string]int {
	labels := map[string]int{}
	for i, s := range list {
		for l, ok := s.(*ast.LabeledStmt); ok; l, ok = l.Stmt.(*ast.LabeledStmt) {
			labels[l.Label.Name] = i
		}
	}
	if len(labels) == 0 {
		return nil
	}
	to := map[string]int{}
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.BranchStmt:
				if n.Tok == token.GOTO {
					if i, ok := labels[n.Label.Name]; ok {
						to[n.Label.Name] = i
					}
				}
			}
			return true
		})
	}
	return to
}

// machine writes a list of statements with labels for goto: a loop that is left at the end. What stands before the label
// that a goto leads to is skipped in its next iteration.
func (f *fn) machine(list []ast.Stmt, labels map[string]int) {
	from := f.temp("int")
	f.line("%s = 0", from)
	t := &target{starts: labels, from: from, used: true}
	body := f.nested(t, func() {
		f.poll()
		first := 0
		for i := range list {
			end := i+1 == len(list)
			for _, k := range labels {
				end = end || k == i+1
			}
			if !end {
				continue
			}
			f.line("if %s <= %d {", from, first)
			f.ind++
			for _, s := range list[first : i+1] {
				f.stmt(s)
			}
			f.ind--
			f.line("}")
			first = i + 1
		}
		f.line("break")
	})
	f.loop(t, "for", body)
}

// jump writes a goto.
func (f *fn) jump(s *ast.BranchStmt) {
	for i := len(f.targets) - 1; i >= 0; i-- {
		t := f.targets[i]
		if k, ok := t.starts[s.Label.Name]; ok {
			f.line("%s = %d", t.from, k)
			f.line("continue %s", t.name)
			return
		}
	}
	if f.through == nil {
		refuse(s, "this goto")
	}
	f.leaveWith(func(o *fn) { o.jump(s) })
}
