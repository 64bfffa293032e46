package lower

import (
	"fmt"
	"go/types"
	"strings"
)

// session reports whether an object belongs to the code that is lowered.
func (l *lowerer) session(o types.Object) bool {
	return o.Pkg() != nil && (o.Pkg() == l.Pkg || o.Pkg() == viewPkg || l.overlaid[o.Pkg()])
}

// key identifies a type: two types have the same key if and only if they are identical.
func (l *lowerer) key(t types.Type) string {
	var b strings.Builder
	l.writeKey(&b, t)
	return b.String()
}

func (l *lowerer) writeKey(b *strings.Builder, t types.Type) {
	tuple := func(t *types.Tuple) {
		b.WriteByte('(')
		for v := range t.Variables() {
			l.writeKey(b, v.Type())
			b.WriteByte(',')
		}
		b.WriteByte(')')
	}
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		b.WriteString(types.Typ[t.Kind()].Name()) // byte is uint8
	case *types.Named:
		fmt.Fprintf(b, "%s#%d", t.Obj().Name(), l.id(t.Obj()))
		if n := t.TypeArgs().Len(); n > 0 {
			b.WriteByte('[')
			for a := range t.TypeArgs().Types() {
				l.writeKey(b, a)
				b.WriteByte(',')
			}
			b.WriteByte(']')
		}
	case *types.Pointer:
		b.WriteByte('*')
		l.writeKey(b, t.Elem())
	case *types.Slice:
		b.WriteString("[]")
		l.writeKey(b, t.Elem())
	case *types.Array:
		fmt.Fprintf(b, "[%d]", t.Len())
		l.writeKey(b, t.Elem())
	case *types.Map:
		b.WriteString("map[")
		l.writeKey(b, t.Key())
		b.WriteByte(']')
		l.writeKey(b, t.Elem())
	case *types.Chan:
		fmt.Fprintf(b, "chan%d(", t.Dir())
		l.writeKey(b, t.Elem())
		b.WriteByte(')')
	case *types.Signature:
		fmt.Fprintf(b, "func%t", t.Variadic())
		tuple(t.Params())
		tuple(t.Results())
	case *types.Struct:
		b.WriteString("struct{")
		for i := range t.NumFields() {
			f := t.Field(i)
			if !f.Exported() && f.Pkg() != nil {
				b.WriteString(f.Pkg().Path() + ".")
			}
			fmt.Fprintf(b, "%s %t ", f.Name(), f.Embedded())
			l.writeKey(b, f.Type())
			fmt.Fprintf(b, " %q;", t.Tag(i))
		}
		b.WriteByte('}')
	case *types.Interface:
		b.WriteString("interface{")
		if t.IsComparable() && t.NumMethods() == 0 {
			b.WriteString("comparable")
		}
		for m := range t.Methods() {
			if !m.Exported() && m.Pkg() != nil {
				b.WriteString(m.Pkg().Path() + ".")
			}
			b.WriteString(m.Name())
			l.writeKey(b, m.Type())
			b.WriteByte(';')
		}
		b.WriteByte('}')
	case *types.TypeParam:
		fmt.Fprintf(b, "%s#%d", t.Obj().Name(), l.id(t.Obj()))
	case *types.Tuple:
		tuple(t)
	default:
		b.WriteString(t.String())
	}
}

func (l *lowerer) id(o types.Object) int {
	n, ok := l.ids[o]
	if !ok {
		n = len(l.ids) + 1
		l.ids[o] = n
	}
	return n
}

// typ returns the text of a view.
func (l *lowerer) typ(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if t.Kind() != types.UnsafePointer && t.Info()&types.IsUntyped == 0 {
			return types.Typ[t.Kind()].Name()
		}
	case *types.Pointer:
		return "*" + l.typ(t.Elem())
	case *types.Slice:
		return "[]" + l.typ(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), l.typ(t.Elem()))
	case *types.Map:
		return "map[" + l.typ(t.Key()) + "]" + l.typ(t.Elem())
	case *types.Chan:
		if t.Dir() == types.SendRecv {
			return "chan " + l.typ(t.Elem())
		}
	}
	return "ty." + l.tyName(t)
}

func (l *lowerer) tyName(t types.Type) string {
	k := l.key(t)
	if n, ok := l.tyNames[k]; ok {
		return n
	}
	n := fmt.Sprintf("T%d", len(l.tys)+1)
	if named, ok := types.Unalias(t).(*types.Named); ok {
		n += "_" + clean(named.Obj().Name())
	}
	l.tyNames[k] = n
	if _, ok := t.Underlying().(*types.Signature); ok {
		l.funcs["ty."+n] = true
	}
	l.tys = append(l.tys, Type{n, t})
	l.real(t)
	return n
}

// op returns the name of an operation.
func (l *lowerer) op(o Op) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %v %v ", o.Kind, o.Text, o.Path, o.Dirs)
	if o.Object != nil {
		fmt.Fprintf(&b, "%d ", l.id(o.Object))
	}
	for _, t := range o.Types {
		if t == nil {
			b.WriteString("nil;")
			continue
		}
		l.writeKey(&b, t)
		b.WriteByte(';')
	}
	k := b.String()
	if n, ok := l.opNames[k]; ok {
		return n
	}
	name := string(o.Kind)
	if o.Object != nil {
		name = o.Object.Name()
	} else if o.Kind == OpMethod || o.Kind == OpIMethod {
		name = o.Text
	}
	n := strings.ToUpper(name[:1]) + clean(name[1:]) + fmt.Sprintf("_%d", len(l.ops)+1)
	if c := n[0]; c < 'A' || c > 'Z' {
		n = "X" + clean(n)
	}
	o.Name = n
	l.opNames[k] = n
	l.ops = append(l.ops, o)
	for _, t := range o.Types {
		if t != nil {
			l.real(t)
		}
	}
	return n
}

// real queues the methods of the session types in a type, since values of it may get where methods are called
// by name.
func (l *lowerer) real(t types.Type) {
	k := l.key(t)
	if l.withM[k] {
		return
	}
	l.withM[k] = true
	tuple := func(t *types.Tuple) {
		for v := range t.Variables() {
			l.real(v.Type())
		}
	}
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if l.session(t.Obj()) && t.Obj().Pkg() != viewPkg && !types.IsInterface(t) {
			l.queue = append(l.queue, func() { l.methodsOf(t) })
		}
		for a := range t.TypeArgs().Types() {
			l.real(a)
		}
		l.real(t.Underlying())
	case *types.Pointer:
		l.real(t.Elem())
	case *types.Slice:
		l.real(t.Elem())
	case *types.Array:
		l.real(t.Elem())
	case *types.Chan:
		l.real(t.Elem())
	case *types.Map:
		l.real(t.Key())
		l.real(t.Elem())
	case *types.Signature:
		tuple(t.Params())
		tuple(t.Results())
	case *types.Struct:
		for f := range t.Fields() {
			l.real(f.Type())
		}
	case *types.Interface:
		for m := range t.Methods() {
			l.real(m.Type())
		}
	}
}

// methodsOf writes the implementations of the methods that a session type declares.
func (l *lowerer) methodsOf(t *types.Named) {
	for m := range t.Origin().Methods() {
		d := l.decls[m]
		if d == nil || m.Name() == "_" {
			continue
		}
		l.real(l.methodSignature(t, m))
		l.methods = append(l.methods, Method{Type: t, Name: m.Name(), Func: l.methodMaker(t, m)})
	}
}

// methodSignature returns the signature of a method for a type's arguments.
func (l *lowerer) methodSignature(t *types.Named, m *types.Func) types.Type {
	sig := m.Signature()
	e := env{}
	for i := range sig.RecvTypeParams().Len() {
		e[sig.RecvTypeParams().At(i)] = t.TypeArgs().At(i)
	}
	return l.subst(types.NewSignatureType(nil, nil, nil, sig.Params(), sig.Results(), sig.Variadic()), e, "")
}
