// Package lower turns checked Go into Go that the interpreter runs as the compiler would: a small part of the
// language, in which nothing depends on how the interpreter treats closures, select, defer, named results,
// interfaces, methods or the types of constants. It is pure: typed syntax in, text and tables out.
//
// # What the text uses
//
// Function bodies of one level without closures that share variables; variables of basic types, of slices,
// arrays, maps, pointers and two-way channels of such, and of types with a name in package ty; assignments
// between variables of one type; arithmetic of basics; calls; if, for, break, continue and return. Everything
// else is a call of an operation, a function of package op that the run-time half provides (see Op), with
// Go's own semantics.
//
// Variables that a function literal captures, or whose address is taken, live in a box of their own. A function
// literal becomes a function that makes it from its boxes. Generic functions are written once for each list of
// type arguments.
//
// # Views
//
// Interpreted code must reach unexported fields, which reflection forbids. It therefore sees a value of a
// session's struct type as its view: a struct with the same layout whose fields all have exported names. A
// value is given its own type when it becomes an interface value or leaves the interpreted code.
package lower

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"runtime/debug"
	"strings"
)

// The kinds of operations. A type behind a name is an index into Op.Types.
const (
	OpSymbol  OpKind = "symbol"  // the function Object of a compiled package
	OpVar     OpKind = "var"     // a pointer to the package variable Object
	OpMethod  OpKind = "method"  // the method Name of Types[0], a concrete type, as a function with the receiver first
	OpIMethod OpKind = "imethod" // the same of the interface Types[0]
	OpCast    OpKind = "cast"    // func(Types[0]) Types[1]: the same bits as another type
	OpIface   OpKind = "iface"   // func(Types[0]) Types[2]: a value of real type Types[1] as an interface
	OpAssert  OpKind = "assert"  // func(l, Types[0]) Types[2]: x.(Types[1])
	OpAssert2 OpKind = "assert2" // func(Types[0]) (Types[2], bool)
	OpSwitch  OpKind = "switch"  // func(Types[0]) int: the first of Types[1:] that the value has; nil for the value nil
	OpEqual   OpKind = "equal"   // func(a, b Types[0]) bool, of real type Types[1]
	OpSend    OpKind = "send"    // func(l, Types[0], elem)
	OpRecv    OpKind = "recv"    // func(l, Types[0]) elem
	OpRecv2   OpKind = "recv2"   // func(l, Types[0]) (elem, bool)
	OpClose   OpKind = "close"
	OpSelect  OpKind = "select"  // func(l, block bool, sends and receives by Dirs: channel, value) (int, received…, ok)
	OpMake    OpKind = "make"    // func(l, n, cap int) Types[0]
	OpSlice   OpKind = "slice"   // func(l, x Types[0], lo, hi, max int) Types[1]; Path says which there are, and their signs
	OpCall    OpKind = "call"    // func(l, f Types[0], args...) results: a call of a function value
	OpSpread  OpKind = "spread"  // the same with the last argument as the variadic slice
	OpConvert OpKind = "convert" // func(l, Types[0]) Types[2]: a conversion to real type Types[1] that may panic
	OpMinMax  OpKind = "minmax"  // func(a, b Types[0]) Types[0]; Name: min or max
	OpClear   OpKind = "clear"
	OpAppend  OpKind = "append"  // func(s Types[0], t Types[1]) Types[0]
	OpCopy    OpKind = "copy"    // func(Types[0], Types[1]) int
	OpPrint   OpKind = "print"   // func(l, Types...): Name print or println
	OpArith   OpKind = "arith"   // func(a, b Types[0]) Types[0]; Name: the operator
	OpToken   OpKind = "token"   // func(*rt.Token, f Types[0]) Types[0]: f has the token
	OpGive    OpKind = "give"    // func(*rt.Defers, l, f Types[0]): f, which they call now, can recover
	OpUnsafe  OpKind = "unsafe"  // a function of package unsafe, Name, of Types[0] and an int, with the result Types[1]
	OpMapIter OpKind = "mapiter" // func(Types[0]) *rt.MapIter
	OpHash    OpKind = "hash"    // func(l, Types[0], n int): panics for a map key without a hash; n: keys, or -1 for an assignment
	OpMapNext OpKind = "mapnext" // func(*rt.MapIter) (key, elem, bool)
)

// A Program is lowered Go.
type Program struct {
	// Parts are declarations of functions, each part after those that it needs. Functions that need each other are
	// in one part. The last part declares Run.
	Parts   []string
	Types   []Type
	Ops     []Op
	Methods []Method
}

// A Refusal reports a construct that is outside of what the lowering handles.
type Refusal struct {
	Pos  token.Pos
	What string
}

func (r *Refusal) Error() string {
	return r.What + " is outside what the interpreter is proven to run correctly"
}

// A Package is the checked source that is lowered.
type Package struct {
	Fset  *token.FileSet
	Info  *types.Info
	Pkg   *types.Package
	Files []*ast.File
	// Line returns the number by which a position is reported at run time.
	Line func(token.Pos) int
	// Overlays has the generic functions of packages of the standard library; nil: they are refused.
	Overlays *Overlays
}

type lowerer struct {
	Package
	decls    map[types.Object]*ast.FuncDecl
	text     map[string]string // finished functions, by name
	order    []string
	queue    []func()
	done     map[string]string // key of a function instance → name
	used     map[string]bool   // names of functions
	tyNames  map[string]string
	opNames  map[string]string
	tys      []Type
	funcs    map[string]bool // types of the text that are functions
	floats   map[string]bool // … whose values may hold a negative zero
	ops      []Op
	methods  []Method
	overlaid map[*types.Package]bool
	withM    map[string]bool // types whose methods are queued
	ids      map[types.Object]int
	views    map[string]types.Type
	ctxt     *types.Context
	locals   map[string]*types.Named
	globals  map[types.Object]string
	lits     int
	captured map[types.Object]bool // variables that need a box
}

// Lower lowers a main package: Run in its text initialises the package and calls main.
func Lower(p Package) (prog *Program, err error) {
	l := &lowerer{Package: p, text: map[string]string{}, decls: map[types.Object]*ast.FuncDecl{}, done: map[string]string{}, used: map[string]bool{},
		tyNames: map[string]string{}, funcs: map[string]bool{}, floats: map[string]bool{}, opNames: map[string]string{}, overlaid: map[*types.Package]bool{}, withM: map[string]bool{}, ids: map[types.Object]int{},
		views: map[string]types.Type{}, ctxt: types.NewContext(), locals: map[string]*types.Named{},
		globals: map[types.Object]string{}, captured: map[types.Object]bool{}}
	defer func() {
		if r := recover(); r != nil {
			prog = nil
			var ok bool
			if err, ok = r.(*Refusal); !ok {
				err = fmt.Errorf("the lowering has failed: %v\n%s", r, debug.Stack())
			}
		}
	}()
	var inits []*ast.FuncDecl
	for _, f := range p.Files {
		for _, d := range f.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if fd.Recv == nil && fd.Name.Name == "init" {
				inits = append(inits, fd)
			} else if o := p.Info.Defs[fd.Name]; o != nil {
				l.decls[o] = fd
			}
			l.boxes(fd)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				l.boxes(g)
			}
		}
	}
	l.run(inits)
	for len(l.queue) > 0 {
		f := l.queue[0]
		l.queue = l.queue[1:]
		f()
	}
	return &Program{Parts: l.parts(), Types: l.tys, Ops: l.ops, Methods: l.methods}, nil
}

func refuse(n ast.Node, format string, args ...any) {
	panic(&Refusal{n.Pos(), fmt.Sprintf(format, args...)})
}

func (l *lowerer) unique(name string) string {
	n := name
	for i := 2; l.used[n]; i++ {
		n = fmt.Sprintf("%s_%d", name, i)
	}
	l.used[n] = true
	return n
}

// clean returns a name as it can be part of an identifier of the text.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, s)
}

// run writes Run, which initialises the package's variables, calls the init functions, and main.
func (l *lowerer) run(inits []*ast.FuncDecl) {
	var calls []string
	for _, in := range l.Info.InitOrder {
		calls = append(calls, l.initializer(in))
	}
	for _, d := range inits {
		calls = append(calls, l.function("init", nil, d, nil))
	}
	if m := l.Pkg.Scope().Lookup("main"); m != nil {
		if fn, ok := m.(*types.Func); ok {
			calls = append(calls, l.funcName(fn, nil, nil))
		}
	}
	text := ""
	for _, c := range calls {
		text += "\t" + c + "(l)\n"
	}
	l.add("Run", "func Run(l *int) {\n"+text+"}\n")
}

// global returns the name of the operation that points to a package variable.
func (l *lowerer) global(v *types.Var) string {
	l.real(v.Type())
	return "op." + l.op(Op{Kind: OpVar, Object: v, Types: []types.Type{l.view(v.Type())}})
}

// initializer writes a function that gives package variables their first value.
func (l *lowerer) initializer(in *types.Initializer) string {
	f := l.newFn(nil)
	f.sig = types.NewSignatureType(nil, nil, nil, nil, nil, false)
	if len(in.Lhs) == 1 {
		v := f.value(in.Rhs, in.Lhs[0].Type())
		if in.Lhs[0].Name() == "_" {
			f.discard(v)
		} else {
			f.line("*%s = %s", l.global(in.Lhs[0]), v)
		}
	} else {
		vals, ts := f.multi(in.Rhs)
		for i, v := range in.Lhs {
			if v.Name() != "_" {
				f.line("*%s = %s", l.global(v), f.convert(vals[i], ts[i], v.Type(), in.Rhs))
			}
		}
	}
	name := l.unique("initialise")
	l.write(name, "(l *int)", f)
	return name
}

// write adds a finished function to the text.
func (l *lowerer) write(name, signature string, f *fn) {
	l.add(name, fmt.Sprintf("func %s%s {\n%s%s}\n", name, signature, f.head(), f.b.String()))
}

func (l *lowerer) add(name, text string) {
	l.text[name] = text
	l.order = append(l.order, name)
}
