package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/pattern"
	"interleave/kernel/cell/source"
)

// diagnose converts the checker's errors to diagnostics, in the order of the cells' text and without
// repetition.
func (c *checked) diagnose(errs []types.Error) (ds source.Diagnostics) {
	seen := map[string]bool{}
	for _, e := range errs {
		d := source.Diagnostic{Cell: c.src.N, Kind: source.TypeError, Message: c.readable(e.Msg)}
		if strings.HasPrefix(e.Msg, "\t") && len(ds) > 0 { // continues the error before
			message := strings.TrimSpace(d.Message)
			if src := c.s.sourceOf(e.Pos); src != nil && strings.Contains(message, " refers to ") { // one step of a cycle
				line, _ := src.Position(e.Pos)
				message += fmt.Sprintf(" (cell[%d]:%d)", src.N, line)
			}
			ds[len(ds)-1].Message += "; " + message
			continue
		}
		if src := c.s.sourceOf(e.Pos); src != nil {
			d.Cell = src.N
			d.Line, d.Column = src.Position(e.Pos)
		}
		if d.Cell == c.src.N {
			c.explain(&d, e)
		}
		if strings.Contains(e.Msg, names.Edited) && d.Hint == "" {
			d.Hint = "One of the two is of the module before it was edited: run the cell that declares it again"
		}
		if k := d.String(); !seen[k] {
			seen[k] = true
			ds = append(ds, d)
		}
	}
	slices.SortStableFunc(ds, func(a, b source.Diagnostic) int {
		if a.Cell != b.Cell {
			if a.Cell == c.src.N {
				return -1
			}
			if b.Cell == c.src.N {
				return 1
			}
			return a.Cell - b.Cell
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return ds
}

var aliasRE = pattern.New(own + `_[\pL\d_]+`)

// readable rewrites a message of the checker in the words of the cell: additions of the front end are
// removed, and packages have the names that the cell uses.
func (c *checked) readable(msg string) string {
	msg = aliasRE().ReplaceAllStringFunc(msg, func(a string) string {
		if path, ok := c.s.aliased[a]; ok {
			return c.packageName(path)
		}
		return a
	})
	msg = strings.ReplaceAll(names.Clean(msg), " in argument to show", "")
	msg = strings.ReplaceAll(msg, " (declared at -)", "") // in a package without text here
	return strings.ReplaceAll(msg, "\n\t", " ")
}

// packageName returns the cell's name for a package.
func (c *checked) packageName(path string) string {
	for _, name := range sortedKeys(c.bind.imports) {
		if c.bind.imports[name] == path {
			return name
		}
	}
	if p, err := c.s.pkgs.Import(path); err == nil {
		return p.Name()
	}
	return path
}

var (
	selectedRE = pattern.New(`^([\pL_][\pL\d_]*)\.[\pL\d_]+ undefined \(type `)
	methodRE   = pattern.New(`\.([\pL_][\pL\d_]*) undefined \(type \*?([\pL_][\pL\d_]*)(?:\[.*\])? has no field or method`)
	missingRE  = pattern.New(`\*?([\pL_][\pL\d_]*)(?:\[.*\])? does not implement .*\(missing method ([\pL_][\pL\d_]*)\)`)
)

// explain adds a hint to an error of the cell's own, or rewords it.
func (c *checked) explain(d *source.Diagnostic, e types.Error) {
	aside := func(name, recv string) bool {
		d.Hint = c.asideHint(name, recv)
		d.Explained = d.Hint != ""
		return d.Explained
	}
	if name, ok := strings.CutPrefix(d.Message, "undefined: "); ok {
		spelled := strings.TrimPrefix(e.Msg, "undefined: ")
		switch below := c.declaredBelow(spelled, e.Pos); {
		case below != "":
			d.Hint, d.Explained = below, true
		case aside(spelled, ""):
		case c.isPackage(name):
			d.Message = "use of package " + name + " not in selector"
		default:
			d.Hint = c.s.suggest(name, c.visible(e.Pos)...)
		}
		return
	}
	if m := methodRE().FindStringSubmatch(d.Message); m != nil && aside(m[1], m[2]) {
		return
	}
	if m := missingRE().FindStringSubmatch(d.Message); m != nil && aside(m[2], m[1]) {
		return
	}
	if m := selectedRE().FindStringSubmatch(d.Message); m != nil {
		d.Hint = c.s.tookName(m[1])
	}
	if strings.HasPrefix(d.Message, "too many return values") && c.returnsAtTop(e.Pos) {
		d.Explained = true
		d.Hint = "A cell returns nothing: it shows the value of its last expression. " +
			"Write the value alone on the last line"
	}
	if h := c.shadowHint(d.Message); d.Hint == "" && h != "" {
		d.Hint, d.Explained = h, true
	}
}

// returnsAtTop reports whether a position is in a return statement of the cell itself, outside of functions.
func (c *checked) returnsAtTop(p token.Pos) (found bool) {
	for _, st := range c.body {
		ast.Inspect(st, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt:
				found = found || x.Pos() <= p && p <= x.End()
			}
			return true
		})
	}
	return found
}

// isPackage reports whether a name means a package that a cell can use.
func (c *checked) isPackage(name string) bool {
	return c.bind.imports[name] != "" || len(c.s.pkgs.Named(name)) > 0
}

// tookName explains that a variable has the name of the package that the user means.
func (s *Scope) tookName(name string) string {
	u, paths := s.live()[name], s.pkgs.Named(name)
	if u == nil || u.kind != varUnit || len(paths) == 0 {
		return ""
	}
	return fmt.Sprintf("%s is the variable of cell[%d] now: import %q restores the name of the package", name,
		u.src.N, paths[0])
}

// shadowHint explains that a predeclared name that a message mentions has another meaning in this session.
func (c *checked) shadowHint(msg string) string {
	for _, word := range wordRE().FindAllString(msg, -1) {
		u := c.old[shadow(word)]
		if u == nil || c.gone[u] || !predeclaredNames[word] {
			continue
		}
		kinds := map[kind]string{funcUnit: "function", typeUnit: "type", constUnit: "constant", varUnit: "variable"}
		return fmt.Sprintf("%s is the %s of cell[%d] now: %%forget %s restores Go's own", word, kinds[u.kind], u.src.N, word)
	}
	return ""
}

var wordRE = pattern.New(`[\pL_][\pL\d_]*`)
