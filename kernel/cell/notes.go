package cell

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// Code that is legal Go but probably not what its author means gets a note under the cell.

// bareDurations finds plain numbers that become durations: time.Sleep(5) sleeps for five nanoseconds.
func (c *checked) bareDurations() (notes []string) {
	seen := map[string]bool{}
	var look func(n ast.Node)
	look = func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.BinaryExpr: // 5 * time.Second
				for _, y := range []ast.Expr{x.X, x.Y} {
					if _, ok := ast.Unparen(y).(*ast.BasicLit); !ok {
						look(y)
					}
				}
				return false
			case *ast.CallExpr:
				if c.info.Types[x.Fun].IsType() { // time.Duration(5) is explicit
					return false
				}
			case *ast.BasicLit:
				tv := c.info.Types[x]
				if !isDuration(tv.Type) || tv.Value == nil || constant.Sign(tv.Value) == 0 || deliberate(x.Value, tv.Value) {
					return true
				}
				line, _ := c.src.Position(x.Pos())
				ns := constant.ToInt(tv.Value).ExactString()
				unit := "nanoseconds"
				if ns == "1" {
					unit = "nanosecond"
				}
				text := fmt.Sprintf("%s in line %d is a duration of %s %s: "+
					"write %[1]s*time.Second, %[1]s*time.Millisecond … for another unit", x.Value, line, ns, unit)
				if !seen[text] {
					seen[text] = true
					notes = append(notes, text)
				}
			}
			return true
		})
	}
	for _, st := range c.body {
		look(st)
	}
	for _, u := range c.news {
		if f, ok := u.node.(*ast.FuncDecl); ok && f.Body != nil {
			look(f.Body)
		}
	}
	return notes
}

// deliberate reports whether a number of nanoseconds looks intended: it is a millisecond or more, or written
// like 1e6.
func deliberate(text string, v constant.Value) bool {
	return strings.ContainsAny(text, "eE") || constant.Compare(v, token.GEQ, constant.MakeInt64(1e6))
}

func isDuration(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "time" && n.Obj().Name() == "Duration"
}

// noProgram notes a func main that is not called, because its package clause names another package.
func (c *checked) noProgram() (notes []string) {
	if !c.src.Program || c.src.Package == "main" {
		return nil
	}
	for _, f := range c.src.Funcs {
		if f.Recv == nil && f.Name.Name == "main" {
			return []string{fmt.Sprintf("package %s is no program: func main is declared and not called", c.src.Package)}
		}
	}
	return nil
}
