// Package cell is the front end: it knows Go syntax and types, the declarations of a session, and how to turn
// a cell into code that either engine can run. It is pure: it reads no files, starts no processes, logs
// nothing, and does not know Jupyter.
//
// # From text to code
//
// A Scope is one Go package that grows with the session. Scope.Check takes the text of a cell (Segments has
// cut magics off before) in four steps. Each step returns a value that the next one reads and does not
// change:
//
//	source      parse.go, split.go: the text is parsed: imports, functions, and everything else as the body of a
//	            function
//	definition  define.go, bind.go: what the cell declares and replaces; free names are bound to packages,
//	            so that later cells cannot change their meaning
//	checked     settle.go, spread.go, round.go: go/types checks the cell and its dependants as part of the
//	            package
//	placement   place.go: which package holds what, and in which order the cell's code runs; notices.go:
//	            notes for the user
//	emission    emit.go: a Go package for the compiled engine, made by edits to the cell's own text; lower.go
//	            and plain.go: code that is added; drive.go: the same for the interpreter, when everything in
//	            the cell is in the faithful set
//
// The result is a Plan. The session does not change until Plan.Commit is called (commit.go). A refused cell
// leaves only the number of its package, the names of the packages that it mentioned, and its text until the
// next cell is checked.
package cell

import (
	"go/token"
	"go/types"
	"slices"

	"interleave/kernel/cell/source"
)

// A Scope holds the declarations of a session so far. Use it from one goroutine.
type Scope struct {
	// Plain reports that loops and calls can be stopped without polling the stop flag, and that later
	// definitions can be written over the entries of functions. It is set before the first cell.
	Plain bool
	// Inlined reports whether the compiler has let callers have copies of a function's body, true in doubt. When
	// it is nil, all functions count as inlined.
	Inlined func(Entry) bool

	pkgs    Packages
	pkg     *types.Package // its scope is that of the last check
	fset    *token.FileSet
	units   []*unit
	aside   []*unit // definitions that no longer fit the others
	imports map[string]string
	dots    []string
	texts   []*source.Source     // of the cells with declarations in the session, to find the cell of a position
	latest  *source.Source       // the cell that was parsed last, until it is committed
	ran     map[string]*reusable // by text
	aliased map[string]string    // alias → import path
	serial  int                  // of the last cell
	valued  map[string]bool      // keys of functions that were named as values
	former  []*unit              // functions that were built again or forgotten, whose code may still run
	bodies  map[int]*unit        // what statements of plain cells hold, by serial: closures in them may still exist
	stamp   int                  // number of changes to the meaning of free names
	results *results             // of cells
}

// New returns an empty scope. Without packages it can parse alone.
func New(pkgs Packages) *Scope {
	s := &Scope{pkgs: pkgs, pkg: types.NewPackage("main", "main"), fset: token.NewFileSet(),
		imports: map[string]string{},
		ran:     map[string]*reusable{}, aliased: map[string]string{}, bodies: map[int]*unit{}, valued: map[string]bool{}, results: newResults()}
	if pkgs != nil {
		s.predeclare()
	}
	return s
}

// Changed is called when Packages.Present has begun to return other paths.
func (s *Scope) Changed() { s.stamp++ }

// Fresh returns an empty scope that continues the numbering of packages of this one.
func (s *Scope) Fresh() *Scope {
	f := New(s.pkgs)
	f.serial, f.Plain, f.Inlined = s.serial, s.Plain, s.Inlined
	return f
}

// Check checks cell n against the session. Errors in the cell are returned as Diagnostics.
func (s *Scope) Check(n int, text string) (*Plan, error) {
	if p := s.reuse(n, text); p != nil {
		return p, nil
	}
	return s.CheckAnew(n, text)
}

// CheckAnew is Check for a caller that cannot run the package of an earlier cell with the same text.
func (s *Scope) CheckAnew(n int, text string) (*Plan, error) { return s.checkAnew(n, text, Amends{}) }

// checkAnew runs the four steps.
func (s *Scope) checkAnew(n int, text string, a Amends) (*Plan, error) {
	src, diags := s.read(n, text)
	if len(diags) > 0 {
		return nil, s.excerpts(diags, src)
	}
	named, dots, diags := s.importDecls(src)
	if len(diags) > 0 {
		return nil, s.excerpts(diags, src)
	}
	definition := s.define(src, named, dots, a)
	if len(definition.refused) > 0 {
		return nil, s.excerpts(definition.refused, src)
	}
	checked, diags := definition.settle()
	if len(diags) > 0 {
		return nil, s.excerpts(diags, src)
	}
	plan := checked.place().plan()
	plan.again = func(a Amends) (*Plan, error) {
		s.serial--
		return s.checkAnew(n, text, a)
	}
	return plan, nil
}

// read parses the text of a cell and gives the next number to its package.
func (s *Scope) read(n int, text string) (*source.Source, source.Diagnostics) {
	if s.latest != nil {
		s.tidy(nil)
	}
	s.serial++
	src, diags := source.Parse(s.fset, n, text)
	src.Serial = s.serial
	s.latest = src
	return src, diags
}

// tidy forgets the text and the syntax of cells without anything left: cells that were refused or declared
// nothing, and cells whose definitions were all replaced. Positions of diagnostics are looked up in the
// remaining ones. committed is a cell that has just become part of the session, or nil.
func (s *Scope) tidy(committed *source.Source) {
	if s.latest != nil && s.latest != committed {
		s.forgetText(s.latest)
	}
	s.latest = nil
	if committed == nil {
		return
	}
	needed := map[*source.Source]bool{}
	for _, units := range [][]*unit{s.units, s.aside} {
		for _, u := range units {
			needed[u.src] = true
		}
	}
	s.texts = slices.DeleteFunc(append(s.texts, committed), func(src *source.Source) bool {
		if !needed[src] {
			s.forgetText(src)
		}
		return !needed[src]
	})
}

func (s *Scope) forgetText(src *source.Source) {
	for _, f := range src.Files {
		if f != nil {
			s.fset.RemoveFile(f)
		}
	}
}

// Upcoming returns the number that the package of the next cell gets, unless another cell is checked before.
func (s *Scope) Upcoming() int { return s.serial + 1 }

// Next sets the number that the package of the next cell gets, to declare again what another process had
// compiled.
func (s *Scope) Next(serial int) { s.serial = serial - 1 }

// live returns the session's units by name, without methods.
func (s *Scope) live() map[string]*unit {
	m := make(map[string]*unit, len(s.units))
	for _, u := range s.units {
		if u.kind != methodUnit {
			for _, n := range u.names {
				m[n] = u
			}
		}
	}
	return m
}

// excerpts adds to each diagnostic the line that it is about.
func (s *Scope) excerpts(ds source.Diagnostics, src *source.Source) source.Diagnostics {
	texts := map[int]string{src.N: src.Text}
	for _, o := range s.texts {
		if _, ok := texts[o.N]; !ok {
			texts[o.N] = o.Text
		}
	}
	return ds.WithExcerpts(src.N, func(cell int) string { return texts[cell] })
}

// sourceOf returns the cell of a position: the one that is being checked, or an earlier one with declarations
// in the session.
func (s *Scope) sourceOf(p token.Pos) *source.Source {
	if s.latest != nil && s.latest.Offset(p) >= 0 {
		return s.latest
	}
	for _, src := range s.texts {
		if src.Offset(p) >= 0 {
			return src
		}
	}
	return nil
}
