package cell

import (
	"go/types"
	"slices"

	"interleave/kernel/cell/source"
)

// A Variable is a session variable that a cell touches. Its storage is known by name and generation.
type Variable struct {
	Name string
	Gen  int
	Type types.Type
}

// A Move takes over the storage of a variable whose type was built again without a new definition.
type Move struct {
	Name     string
	From, To int
}

// A Setting names the step of a cell that gives a variable its first value. Steps are numbered from 1.
type Setting struct {
	Name string
	Step int
}

// A Plan is a checked cell, ready to be run.
type Plan struct {
	N         int
	Package   int               // number of the package that Code is
	ReuseN    int               // the cell that Reuse was
	Code      string            // the Go package for the compiled engine; empty when Reuse is set
	Imports   []string          // its import paths, cells' packages included
	Bound     []string          // the paths of packages that the cell's own text mentions
	Reuse     int               // run this earlier cell's package again; 0: none
	Drive     string            // the statements for the interpreter; empty when it may not run this cell
	Refused   source.Diagnostic // why the interpreter may not: the first construct outside the faithful set
	Drives    []string          // import paths that Drive uses
	Faithful  []string          // the entries of FaithfulSet that Drive relies on
	Vars      []Variable        // session variables that the cell declares or uses
	Declared  []Variable        // those that it declares
	Again     []Variable        // those that it declares, also when it is run again
	Captured  map[string]bool   // the names that closures in the cell's statements use
	Remade    map[string]bool   // names whose new meaning existing closures cannot see
	Sets      []Setting         // variables that have no value until the cell gives them one
	DriveSets []Setting         // the same when the interpreter runs Drive, whose steps are statements
	Moves     []Move
	Forget    []string       // the names, in a plan made by Forget
	Params    map[string]int // of plain functions and methods in Code, by symbol: how many there are, receivers included
	Jumps     []Jump         // earlier definitions that plain definitions of this cell replace
	Forwards  []Forward
	Stale     []Stale    // code that continues to use earlier definitions
	Literals  []Literal  // function literals that may capture something
	Assigners []Assigner // functions that assign variables
	Notices   []string   // notes for the user, such as variables that were reset
	// a function by which the cell takes the execution tracer, such as "trace.Start"; empty when it takes none
	Tracer string
	// the type of the value that the cell shows last; nil: it shows none, or several, for the reason in NoResult
	Result   types.Type
	NoResult string
	HideNil  bool // the last expression ends in an error: nil is not shown
	Empty    bool // nothing to run, and at most imports declared
	// it declares variables or imports: if nothing was compiled, another process restores them from the text
	// alone
	Lasting bool

	Amended Amends // the amendments with which the plan was made

	commit func(compiled bool)
	again  func(Amends) (*Plan, error)
}

// Amends are needs of a plan's text that only its compiled code shows. Both lists are sorted.
type Amends struct {
	// keys of definitions that must not replace the earlier ones: callers are built again instead
	Cut []string `json:",omitempty"`
	// places in loops that cannot be stopped unless they poll the stop flag, such as "cell[3]:7"
	Looks []string `json:",omitempty"`
}

// with returns the union of both, and reports whether it is more than a.
func (a Amends) with(b Amends) (all Amends, more bool) {
	join := func(x, y []string) []string {
		all := slices.Concat(x, y)
		slices.Sort(all)
		return slices.Compact(all)
	}
	all = Amends{join(a.Cut, b.Cut), join(a.Looks, b.Looks)}
	return all, len(all.Cut) > len(a.Cut) || len(all.Looks) > len(a.Looks)
}

// Amend returns another plan of the same cell, the last that was checked, with a and the amendments so far.
// It returns nil if a adds nothing.
func (p *Plan) Amend(a Amends) (*Plan, error) {
	all, more := p.Amended.with(a)
	if !more {
		return nil, nil
	}
	n, err := p.again(all)
	if err == nil {
		n.Amended = all
	}
	return n, err
}

// Commit makes the cell part of the session. Call it when its code has been loaded, before it runs. With
// compiled, its package was loaded, and the same text can run again without being compiled.
func (p *Plan) Commit(compiled bool) {
	if p.commit != nil {
		p.commit(compiled)
		p.commit = nil
	}
}

// HoldsLock reports whether the variable itself, not the value that it points to, is or has a lock, a
// WaitGroup or the like.
func (v Variable) HoldsLock() bool { return holdsLock(v.Type) }

// holdsLock reports whether a value of a type has a lock, a WaitGroup or the like in it, which goroutines may
// use at any time.
func holdsLock(t types.Type) bool {
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "sync" {
		_, ok := n.Underlying().(*types.Struct)
		return ok
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return holdsLock(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if holdsLock(f.Type()) {
				return true
			}
		}
	}
	return false
}

// plan writes the code of a placed cell and collects the facts that the engine needs.
func (p *placement) plan() *Plan {
	plan := &Plan{
		N: p.src.N, Package: p.src.Serial, Bound: sortedKeys(p.bind.paths),
		Declared: p.declared, Again: p.declared, Moves: p.moves, Sets: p.sets,
		Lasting: len(p.declared)+len(p.named)+len(p.newDots) > 0,
		Empty:   p.empty(),
		HideNil: p.endsInError(), Tracer: p.tracer(),
		Literals: p.literals(), Assigners: p.assigners(), Captured: p.captured, Remade: p.remade, Notices: p.notices,
	}
	var w *emission
	if !plan.Empty {
		e := newEmitter(p)
		w = e.emit()
		plan.Code, plan.Imports, plan.Vars = w.text, w.imports, w.vars
		plan.Result, plan.NoResult = p.result(e)
		plan.Params, plan.Jumps, plan.Forwards = w.params, w.jumps, w.forwards
		plan.Stale = p.staleBodies()
		if len(p.emitted) == 0 && len(p.moves) == 0 && !p.main {
			p.drive(e, plan)
		} else {
			plan.Refused = p.refuseDefinition()
		}
	}
	plan.commit = func(compiled bool) { p.commit(plan, w, compiled) }
	return plan
}

// endsInError reports whether the value of the cell's last expression, or the last of its values, is an
// error.
func (c *checked) endsInError() bool {
	if c.last == nil || c.src.Hidden {
		return false
	}
	t := c.info.Types[c.last].Type
	if tuple, ok := t.(*types.Tuple); ok && tuple.Len() > 0 {
		t = tuple.At(tuple.Len() - 1).Type()
	}
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}
