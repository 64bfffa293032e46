package lower

import (
	"go/ast"
	"go/types"
	"strings"
)

func (f *fn) returnStmt(s *ast.ReturnStmt) {
	if f.through != nil {
		f.returnThrough(s)
		return
	}
	f.setResults(s, f.resultSig())
	if f.results == nil {
		return
	}
	if f.defers != "" && f.parent != nil && f.through == nil && f.sig.Results().Len() == 0 {
		f.line("return")
		return
	}
	f.returnResults()
}

// resultSig returns the signature whose results return statements give.
func (f *fn) resultSig() *types.Signature {
	g := f
	for g.parent != nil && (g.through != nil || g.defers != "" && g.sig.Results().Len() == 0 && g.parent.sig != nil && g.isBody()) {
		g = g.parent
	}
	return g.sig
}

// isBody reports whether f is the body of its parent, which defers calls.
func (f *fn) isBody() bool {
	if f.parent == nil || f.results == nil {
		return false
	}
	for _, d := range f.parent.declared {
		if d == "var "+f.defers+" *rt.Defers" {
			return true
		}
	}
	return false
}

// setResults writes the assignment of a return statement's values to the variables of the results. Without
// such variables it writes the statement.
func (f *fn) setResults(s *ast.ReturnStmt, sig *types.Signature) {
	n := sig.Results().Len()
	var vals []string
	switch {
	case len(s.Results) == 0:
		if f.results == nil {
			f.line("return")
		}
		return
	case len(s.Results) == 1 && n > 1:
		vs, from := f.multi(s.Results[0])
		for i, v := range vs {
			vals = append(vals, f.convert(v, from[i], sig.Results().At(i).Type(), s))
		}
	default:
		f.hoist(s.Results...)
		for i, x := range s.Results {
			v := f.valueOf(x, sig.Results().At(i).Type())
			if n > 1 && f.results != nil || strings.HasPrefix(v, "*") {
				v = f.copied(v, f.view(sig.Results().At(i).Type()))
			}
			vals = append(vals, v)
		}
	}
	if f.results == nil {
		// The interpreter puts the values of other operands into the wrong result.
		for i, v := range vals {
			if !simple(v) && !isNumber(v) && (n > 1 || !strings.HasPrefix(v, "(") || strings.HasPrefix(v, "(!")) {
				vals[i] = f.copied(v, f.view(sig.Results().At(i).Type()))
			}
		}
		f.line("return %s", strings.Join(vals, ", "))
		return
	}
	for i, r := range f.results {
		if r.boxed {
			f.uses(local{name: r.name, typ: "*" + r.typ})
			f.line("*%s = %s", r.name, vals[i])
		} else {
			f.line("%s = %s", r.name, vals[i])
		}
	}
}
