// Package cell is the front end: it knows Go syntax and types, what a session has declared, and how a cell becomes code
// that either engine can run. It is pure: it reads no files, starts nothing, logs nothing, and has never heard of Jupyter.
//
// # From text to code
//
// A session is one Go package that grows. Session.Check takes the text of a cell (Segments has cut magics off before) and
// goes through these steps, a file each:
//
//	split   the text is parsed: imports, functions, and everything else as the body of a function
//	bind    free names are bound to packages, so that later cells cannot change what they mean
//	change  what the cell defines anew, and who depends on it
//	check   go/types sees the cell and its dependants as part of the whole package
//	emit    a Go package for the compiled engine, by edits to the cell's own text
//	lower   what is added to the code: gates and looks; plain and lasting say how code does without them
//	drive   the same for the interpreter, when everything in the cell is in the faithful set
//
// The result is a Plan. Nothing has changed until Plan.Commit is called.
package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// A Session is what is declared so far. Use it from one goroutine.
type Session struct {
	// Plain says that loops and calls can be stopped without a look at the stop flag in them, and that later definitions can be written over the
	// entries of functions. It is set before the first cell.
	Plain bool
	// Inlined says whether the compiler has let callers have copies of a function's body; nil and in doubt: yes.
	Inlined func(Entry) bool

	pkgs    Packages
	pkg     *types.Package // its scope is that of the last check
	fset    *token.FileSet
	units   []*unit
	aside   []*unit // definitions that no longer fit the others
	imports map[string]string
	dots    []string
	spelled map[*ast.Ident]string   // what identifiers were called before they were bound
	sources map[*token.File]*source // to find the cell of a position
	ran     map[string]*reusable    // by text
	aliased map[string]string       // alias → import path
	serial  int                     // of the last cell
	valued  map[string]bool         // keys of functions that were named as values
	former  []*unit                 // functions that were built again or forgotten, whose code may still run
	bodies  map[int]*unit           // what plain cells' statements hold, by serial: closures in them may live on
	stamp   int                     // counts what changes the meaning of free names
	habits  [][2]*regexp.Regexp     // the patterns of habits, once they were needed
}

// New returns an empty session. Without packages it can parse alone.
func New(pkgs Packages) *Session {
	s := &Session{pkgs: pkgs, pkg: types.NewPackage("main", "main"), fset: token.NewFileSet(), imports: map[string]string{}, spelled: map[*ast.Ident]string{},
		sources: map[*token.File]*source{}, ran: map[string]*reusable{}, aliased: map[string]string{}, bodies: map[int]*unit{}, valued: map[string]bool{}}
	if pkgs != nil {
		s.predeclare()
	}
	return s
}

// Fresh returns an empty session that goes on numbering packages where this one is.
func (s *Session) Fresh() *Session {
	f := New(s.pkgs)
	f.serial, f.Plain, f.Inlined = s.serial, s.Plain, s.Inlined
	return f
}

// A reusable is a compiled cell that can run again as it is, while all it mentions stays what it was.
type reusable struct {
	n        int
	serial   int
	stamp    int
	used     map[string]*unit
	methods  []*unit          // that the cell defines
	copies   map[string]*unit // functions and methods of which the cell's statements hold copies
	absent   map[string]bool
	vars     []Variable
	again    []Variable
	captured map[string]bool
	hideNil  bool
	tracer   string
}

// A Variable is a session variable that a cell touches. Its storage is known by name and generation.
type Variable struct {
	Name string
	Gen  int
	Type types.Type
}

// A Move takes over the storage of a variable whose type was built again without being redefined.
type Move struct {
	Name     string
	From, To int
}

// A Setting says which step of a cell gives a variable its first value. Steps are numbered from 1.
type Setting struct {
	Name string
	Step int
}

// A Plan is a checked cell, ready to be run.
type Plan struct {
	N         int
	Package   int             // number of the package that Code is
	ReuseN    int             // the cell that Reuse was
	Code      string          // the Go package for the compiled engine; empty when Reuse is set
	Imports   []string        // its import paths, cells' packages included
	Reuse     int             // run this earlier cell's package again; 0: none
	Drive     string          // the statements for the interpreter; empty when it may not run this cell
	Refused   Diagnostic      // why the interpreter may not: the first construct outside the faithful set
	Drives    []string        // import paths that Drive uses
	Vars      []Variable      // session variables that the cell declares or uses
	Declared  []Variable      // those that it declares
	Again     []Variable      // those that it declares, also when it is run again
	Captured  map[string]bool // the names that closures in the cell's statements use
	Remade    map[string]bool // names whose new meaning closures that exist do not learn of
	Sets      []Setting       // variables that have no value before the cell has given them one
	DriveSets []Setting       // the same when the interpreter runs Drive, whose steps are statements
	Moves     []Move
	Forget    []string       // the names, of a plan that Forget made
	Params    map[string]int // of plain functions and methods in Code, by symbol: how many there are, receivers included
	Jumps     []Jump         // what plain definitions of this cell take the place of
	Forwards  []Forward
	Stale     []Stale  // code that continues to use what it had before
	Notices   []string // what the user must be told: variables that were reset, and the like
	Tracer    string   // a function by which the cell takes the execution tracer, such as "trace.Start"; empty when it does not
	HideNil   bool     // the last expression ends in an error: nil is not worth showing
	Empty     bool     // nothing to run, and at most imports declared
	Lasting   bool     // it declares variables or imports: where nothing was compiled, another process learns of them by the text alone

	Amended Amends // what the plan was made anew with

	commit func(compiled bool)
	again  func(Amends) (*Plan, error)
}

// Amends are what only the compiled code of a plan shows that its text needs. Both lists are sorted.
type Amends struct {
	Cut   []string `json:",omitempty"` // keys of definitions that must not take the place of the earlier ones: callers are built again instead
	Looks []string `json:",omitempty"` // places in loops that cannot be stopped unless they look at the stop flag, such as "cell[3]:7"
}

// with returns what both say, and whether it is more than a.
func (a Amends) with(b Amends) (all Amends, more bool) {
	join := func(x, y []string) []string {
		all := slices.Concat(x, y)
		slices.Sort(all)
		return slices.Compact(all)
	}
	all = Amends{join(a.Cut, b.Cut), join(a.Looks, b.Looks)}
	return all, len(all.Cut) > len(a.Cut) || len(all.Looks) > len(a.Looks)
}

// Amend returns another plan of the same cell, the last that was checked, beside what it was amended with before. It returns nil when
// there is nothing new in a.
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

// Commit makes the cell part of the session. Call it when its code has been loaded, before it runs. compiled says that its
// package was loaded, so that the same text can run again without being compiled.
func (p *Plan) Commit(compiled bool) {
	if p.commit != nil {
		p.commit(compiled)
		p.commit = nil
	}
}

// Check checks cell n against the session. What is wrong with it is returned as Diagnostics.
func (s *Session) Check(n int, text string) (*Plan, error) {
	if p := s.reuse(n, text); p != nil {
		return p, nil
	}
	return s.CheckAnew(n, text)
}

// CheckAnew is Check for one who cannot run the package that an earlier cell of the same text has.
func (s *Session) CheckAnew(n int, text string) (*Plan, error) { return s.checkAnew(n, text, Amends{}) }

func (s *Session) checkAnew(n int, text string, a Amends) (*Plan, error) {
	if s.serial++; s.serial%pruneEvery == 0 {
		s.prune()
	}
	src, diags := parse(s.fset, n, text)
	src.serial, src.spelled = s.serial, s.spelled
	if len(diags) > 0 {
		return nil, s.excerpts(diags, src)
	}
	for _, f := range src.files {
		if f != nil {
			s.sources[f] = src
		}
	}
	named, dots, diags := s.importDecls(src)
	if len(diags) > 0 {
		return nil, s.excerpts(diags, src)
	}
	c := s.newChange(src, named, dots)
	c.amend(a)
	c.define()
	if diags := c.resolve(); len(diags) > 0 {
		return nil, s.excerpts(diags, src)
	}
	p := c.plan()
	p.again = func(a Amends) (*Plan, error) {
		s.serial--
		return s.checkAnew(n, text, a)
	}
	return p, nil
}

func (s *Session) newChange(src *source, named map[string]string, dots []string) *change {
	return &change{
		s: s, src: src, named: named, newDots: dots,
		changed: map[string]bool{}, added: map[string]*unit{}, replaced: map[*unit]*unit{}, reset: map[string]bool{},
		same: map[*unit]*unit{}, why: map[*unit]*Diagnostic{}, revived: map[*unit]bool{},
		info: newInfo(), newVars: map[string]*unit{}, fresh: map[string]bool{},
	}
}

// Upcoming is the number that the next cell's package gets, unless something else is checked before.
func (s *Session) Upcoming() int { return s.serial + 1 }

// Next sets the number that the next cell's package gets, to declare again what another process had compiled.
func (s *Session) Next(serial int) { s.serial = serial - 1 }

// live returns the session's units by name; methods are not among them.
func (s *Session) live() map[string]*unit {
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

// reuse finds the plan of a cell with the same text whose every name still means what it meant.
func (s *Session) reuse(n int, text string) *Plan {
	r := s.ran[text]
	if r == nil || r.stamp != s.stamp {
		return nil
	}
	live := s.live()
	for name, u := range r.used {
		if live[name] != u || u.lost != "" {
			return nil
		}
	}
	for _, u := range r.methods {
		if !slices.Contains(s.units, u) {
			return nil
		}
	}
	for _, u := range r.copies {
		if !slices.Contains(s.units, u) {
			return nil
		}
	}
	for name := range r.absent {
		if live[name] != nil {
			return nil
		}
	}
	return &Plan{N: n, Reuse: r.serial, ReuseN: r.n, Vars: r.vars, Again: r.again, Captured: r.captured, HideNil: r.hideNil, Tracer: r.tracer}
}

// Symbol is one declared name, for %who and completion.
type Symbol struct {
	Name string
	Kind string // "func", "method", "type", "const", "var"
	Type string
	Cell int
	Gen  int    // of a variable
	Note string // "lost", "no value" or "set aside"
}

// Symbols lists what is declared, in order of declaration.
func (s *Session) Symbols() (out []Symbol) {
	kinds := map[kind]string{funcUnit: "func", methodUnit: "method", typeUnit: "type", constUnit: "const", varUnit: "var"}
	for _, u := range slices.Concat(s.units, s.aside) {
		if u.builtin {
			continue
		}
		for _, name := range u.names {
			sy := Symbol{Name: Clean(name), Kind: kinds[u.kind], Cell: u.src.n, Gen: u.home, Note: u.note()}
			switch {
			case u.kind == varUnit:
				sy.Type = typeText(u.typ)
			case u.kind == methodUnit:
				sy.Name, sy.Type = u.recv+"."+name, u.header()
			case u.kind == funcUnit:
				sy.Type = u.header()
			default:
				for _, o := range u.objs {
					if o.Name() == name {
						sy.Type = typeText(o.Type().Underlying())
					}
				}
			}
			out = append(out, sy)
		}
	}
	return out
}

// note is what a list of symbols remarks on a unit.
func (u *unit) note() string {
	switch {
	case u.aside != nil:
		return "set aside"
	case u.lost == lostWithSession:
		return "lost"
	case u.lost != "":
		return "no value"
	}
	return ""
}

// header is a function's type as its author wrote it, on one line and without its name.
func (u *unit) header() string {
	f, ok := u.node.(*ast.FuncDecl)
	if !ok {
		return ""
	}
	text := u.src.text[u.src.offset(f.Name.End()):u.src.offset(f.Type.End())]
	return "func" + oneLine.Replace(strings.Join(strings.Fields(text), " "))
}

// oneLine undoes what lists look like that were written one item a line.
var oneLine = strings.NewReplacer("( ", "(", "[ ", "[", ", )", ")", ", ]", "]")

// typeText is a type as users read it.
func typeText(t types.Type) string {
	return Clean(types.TypeString(t, func(p *types.Package) string {
		if p.Path() == "main" {
			return ""
		}
		return p.Name()
	}))
}

// excerpts adds to each diagnostic the line it speaks of.
func (s *Session) excerpts(ds Diagnostics, src *source) Diagnostics {
	texts := map[int]string{src.n: src.text}
	for _, o := range s.sources {
		if _, ok := texts[o.n]; !ok {
			texts[o.n] = o.text
		}
	}
	for i, d := range ds {
		if d.Line > 0 {
			ds[i].source = excerpt(texts[d.Cell], d.Line)
			if h := s.habitHint(ds[i]); h != "" && d.Cell == src.n && !ds[i].explained {
				ds[i].Hint = h
			}
		}
	}
	return ds
}

func (s *Session) sourceOf(p token.Pos) *source {
	if f := s.fset.File(p); f != nil {
		return s.sources[f]
	}
	return nil
}

// suggest names what the user may have meant.
func (s *Session) suggest(name string) string {
	best, least := "", min(3, 1+len(name)/4)
	consider := func(n string) {
		if tooLong(name, n, least) {
			return
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < least && d < len(name) {
			best, least = n, d
		}
	}
	for _, n := range sortedKeys(s.live()) {
		consider(Clean(n))
	}
	if best == "" || least > 1 {
		for n := range predeclaredNames {
			if len(n) > 3 {
				consider(n)
			}
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("Did you mean %s?", best)
}

// tooLong reports whether two words differ in length by so much that their distance, which takes as long as both lengths
// multiplied, need not be looked at: a name may have a million letters.
func tooLong(a, b string, least int) bool {
	d := len(a) - len(b)
	return d >= least || -d >= least
}

// distance counts the single-letter edits between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			up := row[j]
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(up+1, row[j-1]+1, diag+cost)
			diag = up
		}
	}
	return row[len(b)]
}

// Nearest returns the word that differs from name by a slip of the fingers, or an empty string.
func Nearest(name string, words []string) string {
	best, least := "", 2
	if len(name) > 5 {
		least = 3
	}
	for _, w := range words {
		if tooLong(name, w, least) {
			continue
		}
		if d := distance(name, w); d < least {
			best, least = w, d
		}
	}
	return best
}
