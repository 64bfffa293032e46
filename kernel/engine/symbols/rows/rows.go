// Package rows writes the lines of a table of a package's symbols, as the interpreter takes them: functions,
// types and variables as reflect values. Constants are left out, since the front end writes their values; so are
// generics, which have no value.
package rows

import (
	"bytes"
	"fmt"
	"go/types"
)

// Of returns the lines for a package that is imported as alias, "" when it has nothing to offer.
func Of(p *types.Package, alias string) string {
	var rows bytes.Buffer
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		switch o := o.(type) {
		case *types.Func:
			if o.Signature().TypeParams() == nil {
				fmt.Fprintf(&rows, "\t\t%q: reflect.ValueOf(%s.%s),\n", name, alias, name)
			}
		case *types.Var:
			fmt.Fprintf(&rows, "\t\t%q: reflect.ValueOf(&%s.%s).Elem(),\n", name, alias, name)
		case *types.TypeName:
			if n, ok := o.Type().(*types.Named); ok && n.TypeParams() != nil {
				continue
			}
			if a, ok := o.Type().(*types.Alias); ok && a.TypeParams() != nil {
				continue
			}
			if i, ok := o.Type().Underlying().(*types.Interface); ok && !i.IsMethodSet() {
				continue
			}
			fmt.Fprintf(&rows, "\t\t%q: reflect.ValueOf((*%s.%s)(nil)),\n", name, alias, name)
		}
	}
	return rows.String()
}
