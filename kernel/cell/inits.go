package cell

import (
	"fmt"
	"go/ast"
	"strings"
)

// Code of a cell's function before and between its statements: it initialises variables in the order of their
// dependencies, calls init functions, and records how many steps are finished.

const stepVar = own + "n"

// setFlag returns the name of the flag that is set when a variable has its first value.
func setFlag(name string) string { return own + "set_" + name }

// An initFunc is an init function of the cell, with its name in the cell's package and the number of steps
// that are finished before it is called.
type initFunc struct {
	name  string
	after int
}

// initStep finds when to call an init function: when all variables that it may read have their values, but
// not before the cell's declarations are initialised.
func (e *emitter) initStep(u *unit) int {
	after := len(e.c.steps) - len(e.c.after)
	needs := e.c.reach.from(u.node, byName)
	for i, st := range e.c.steps {
		for _, name := range st.sets {
			if needs[name] && e.c.fresh[name] {
				after = max(after, i+1)
			}
		}
	}
	return after
}

// callInits writes the calls of init functions that follow a number of steps. They are called in the order of
// the text.
func (e *emitter) callInits(inits []initFunc, done int) (s string) {
	latest := 0
	for _, f := range inits {
		latest = max(latest, f.after)
		if latest == done {
			s += f.name + "(); "
		}
	}
	return s
}

// counted reports whether the cell's code counts finished steps: only when it gives variables their first
// value.
func (e *emitter) counted() bool {
	for _, st := range e.c.steps {
		for _, name := range st.sets {
			if e.c.fresh[name] {
				return true
			}
		}
	}
	return false
}

// finished writes the code that runs when a number of steps are finished.
func (e *emitter) finished(n int) (s string) {
	for _, name := range e.c.steps[n-1].sets {
		if _, ok := e.c.early[name]; ok {
			s += setFlag(name) + " = 1; "
		}
	}
	if e.counted() {
		s += fmt.Sprintf("%s = %d; ", stepVar, n)
	}
	return s
}

// initializers writes the declarations that come before the statements: first variables without a value, then
// the others in their order.
func (e *emitter) initializers() string {
	var b strings.Builder
	if e.counted() {
		fmt.Fprintf(&b, "%s = 0\n", stepVar)
	}
	for _, g := range e.c.decls {
		for _, sp := range g.Specs {
			v := sp.(*ast.ValueSpec)
			if len(v.Values) > 0 {
				continue
			}
			for _, id := range v.Names {
				if o := e.c.info.Defs[id]; o != nil && id.Name != "_" {
					fmt.Fprintf(&b, "%s = %s\n", e.variable(e.unitOf(o)), e.zero(o.Type()))
				}
			}
		}
	}
	for i, st := range e.c.steps {
		if st.init == nil {
			break
		}
		var to []string
		for _, id := range st.init.names {
			if id.Name == "_" {
				to = append(to, "_")
			} else {
				to = append(to, e.variable(e.unitOf(e.c.info.Defs[id])))
			}
		}
		left := strings.Join(to, ", ")
		if left == "_" && st.init.spec.Type != nil { // a constant may fit no other type
			e.walk(st.init.spec.Type)
			left = "var _ " + e.apply(e.src.Code, e.src.Offset(st.init.spec.Type.Pos()), e.src.End(st.init.spec.Type))
		}
		e.walk(st.init.value)
		text := e.apply(e.src.Code, e.src.Offset(st.init.value.Pos()), e.src.End(st.init.value))
		fmt.Fprintf(&b, "*%s = %d\n//line cell[%d]:%d\n%s = %s\n%s\n", e.rt("Line"), st.line, e.src.N, st.line, left, text,
			e.finished(i+1))
	}
	return b.String()
}
