package cell

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"interleave/kernel/cell/source"
)

var assignRE = regexp.MustCompile(`\(\*ⱵⱵv\d+_(\w+)\)(?:, \(\*ⱵⱵv\d+_(\w+)\))? = `)

// assignments lists the variables that a cell's code sets, in the order of the code.
func assignments(code string) (names []string) {
	for _, m := range assignRE.FindAllStringSubmatch(code, -1) {
		for _, n := range m[1:] {
			if n != "" {
				names = append(names, n)
			}
		}
	}
	return names
}

func TestVariablesAreInitialisedInTheOrderOfTheirDependencies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		cells []string
		want  string
	}{
		{"a later variable", []string{"var a = b + 1\nvar b = 2"}, "b a"},
		{"through a function", []string{"var a = f()\nfunc f() int { return b }\nvar b = 2"}, "b a"},
		{"through a method", []string{"type T int\nvar a = T(0).m()\nfunc (T) m() int { return b }\nvar b = 2"}, "b a"},
		{"through a method of a pointer", []string{"type T struct{}\nvar a = new(T).m()\nfunc (*T) m() int { return b }\nvar b = 2"}, "b a"},
		{"through a method expression", []string{"type T int\nvar a = T.m(1)\nfunc (T) m() int { return b }\nvar b = 2"}, "b a"},
		{"through a closure", []string{"var a = func() int { return b }()\nvar b = 2"}, "b a"},
		{"those without a value are first", []string{"var a = f()\nvar b, c int\nfunc f() int { b = 1; return b }"}, "b b c a"},
		{"two of one call", []string{"var a, b = f(c)\nvar c = 1\nfunc f(n int) (int, int) { return n, n }"}, "c a b"},
		{"independent ones in the order of the text", []string{"var a = f()\nvar b = f()\nfunc f() int { return 1 }"}, "a b"},
		{"the value shown comes last", []string{"var a = b\nvar b = 2\na"}, "b a"},
		{"through a function of an earlier cell", []string{"var v = 1\nfunc g() int { return v }", "var w = g()\nvar v = 20"}, "v w"},
		{"statements before them: top to bottom", []string{"fmt.Println()\nvar a = 1\nvar b = a"}, "a b"},
		{"the variable of an earlier cell", []string{"var x = 1", "var x = x + 1\nvar y = x"}, "x y"},
		{"a constant of a later variable's length", []string{"const n = len(list)\nvar list [3]int"}, "list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, p, err := run(t, c.cells...)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(assignments(p.Code), " "); got != c.want {
				t.Errorf("order %q, want %q:\n%s", got, c.want, p.Code)
			}
		})
	}
}

func TestInitFunctionsRunWhenTheirVariablesHaveValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, cell, want string
	}{
		{"after declarations", "func init() { a++ }\nvar a = 1\nfmt.Println(a)", "a init1 Println"},
		{"after the statement that declares", "func init() { a++ }\na := 1\nfmt.Println(a)\nb := 2\nb++", "a init1 Println b"},
		{"through a function", "func init() { f() }\nfunc f() { a++ }\na := 1\nfmt.Println(a)", "a init1 Println"},
		{"at once", "fmt.Println()\nfunc init() {}", "init1 Println"},
		{"in the order of the text", "func init() { a++ }\nfunc init() {}\nfmt.Println()\na := 1", "Println a init1 init2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, p, err := run(t, c.cell)
			if err != nil {
				t.Fatal(err)
			}
			_, body, _ := strings.Cut(p.Code, "func ⱵⱵcell() {")
			body, _, _ = strings.Cut(body, "//line interleave.go")
			var got []string
			for _, m := range regexp.MustCompile(`ⱵⱵ(init\d)\(\)|(Println)\(|\(\*ⱵⱵv\d+_(\w+)\) = `).FindAllStringSubmatch(body, -1) {
				got = append(got, m[1]+m[2]+m[3])
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("order %q, want %q:\n%s", s, c.want, p.Code)
			}
		})
	}
}

// What a function reads too early is checked when it runs, and only where that can happen.
func TestEarlyReadsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		cells   []string
		checked bool
	}{
		{"a call above the declaration", []string{"f()\na := 1\nfunc f() int { return a }"}, true},
		{"in the declaration itself", []string{"a := f()\nfunc f() int { return a }"}, true},
		{"as a value", []string{"g := f\na := 1\nfunc f() int { return a }"}, true},
		{"by way of another function", []string{"g()\na := 1\nfunc f() int { return a }\nfunc g() int { return f() }"}, true},
		{"a method of a type that is mentioned", []string{"type T struct{}\nvar s any = T{}\nfmt.Println(s)\na := 1\nfunc (T) String() string { return fmt.Sprint(a) }"}, true},
		{"a function that earlier code calls", []string{"func f() int { return 0 }", "a := 1\nfunc f() int { return a }"}, true},
		{"a stored function that calls it", []string{"func f() int { return 0 }\nh := func() int { return f() }", "h()\na := 1\nfunc f() int { return a }"}, true},
		{"no call above", []string{"n := 1\na := n\nfunc f() int { return a }\nf()"}, false},
		{"a call of a package above", []string{"t := time.Now()\na := t.Year()\nfunc f() int { return a }\nf()"}, false},
		{"declarations", []string{"var b = f()\nvar a = 1\nfunc f() int { return a }"}, false},
		{"a variable of an earlier cell", []string{"a := 1", "f()\na := 2\nfunc f() int { return a }"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, p, err := run(t, c.cells...)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(p.Code, ".Set("); got != c.checked {
				t.Errorf("checked: %v, want %v:\n%s", got, c.checked, p.Code)
			}
		})
	}
}

func TestVariablesWithoutAValueAreNotRead(t *testing.T) {
	t.Parallel()
	s := New(shared)
	check := func(n int, text string) (*Plan, error) {
		p, err := s.Check(n, text)
		if err == nil {
			p.Commit(true)
		}
		return p, err
	}
	p, err := check(1, "a := 1\nb := 2\nc := 3\nfunc sum() int { return a + b + c }")
	if err != nil {
		t.Fatal(err)
	}
	s.Unset(1, p.Sets, 1)
	if _, err := check(2, "a"); err != nil {
		t.Errorf("a has a value: %v", err)
	}
	for _, cell := range []string{"b", "fmt.Println(c)", "sum()"} {
		if _, err := check(3, cell); err == nil || !strings.Contains(err.Error(), "has no value: cell[1] ended before it was set") {
			t.Errorf("%s: %v", cell, err)
		}
	}
	if _, err := check(4, "b = 7\nc = 8"); err != nil {
		t.Fatal(err)
	}
	if _, err := check(5, "sum()"); err != nil {
		t.Errorf("all have values: %v", err)
	}
}

func TestSetAside(t *testing.T) {
	t.Parallel()
	type last struct {
		notes string // parts of notes, separated by |
		err   string
	}
	for _, c := range []struct {
		name  string
		cells []string
		want  last
	}{
		{"a variable of another type", []string{"x := 1", "func f() int { return x }", `x := "a"`}, last{notes: "f (cell[2]) no longer fits and is set aside|cannot use x (variable of type string)"}},
		{"is missed by later cells", []string{"x := 1", "func f() int { return x }", `x := "a"`, "f()"}, last{err: "cell[4]:1:1: undefined: f"}},
		{"a function with another signature", []string{"func f() int { return 1 }", "func g() int { return f() }\nfunc h() int { return g() }", "func f(n int) string { return \"\" }"},
			last{notes: "g (cell[2]) no longer fits|set aside with it, because they use it: h (cell[2])"}},
		{"comes back", []string{"func f() int { return 1 }", "func g() int { return f() }\nfunc h() int { return g() }", "func f(n int) string { return \"\" }", "func f() int { return 3 }"},
			last{notes: "fits again: g (cell[2]), h (cell[2])"}},
		{"comes back and is used", []string{"func f() int { return 1 }", "func g() int { return f() }", "func f(n int) string { return \"\" }", "func f() int { return 3 }", "g()"}, last{}},
		{"a method", []string{"type T struct{ name string }\nfunc (t T) m() string { return t.name }", "type T struct{ n int }"}, last{notes: "method m of T (cell[1]) no longer fits"}},
		{"methods that fit are kept", []string{"type T struct{ name string }\nfunc (t T) m() string { return t.name }", "type T struct{ name string; n int }", "T{}.m()"}, last{}},
		{"a field takes a method's name", []string{"type T struct{}\nfunc (T) m() {}", "type T struct{ m int }", "T{1}.m"}, last{}},
		{"a type, and its variables", []string{"type A struct{}", "type B struct{ a A }\nb := B{}", "func A() {}"}, last{notes: "B (cell[2]) no longer fits|b was dropped: its type is no longer declared"}},
		{"the cell's own error is the one shown", []string{"func f() int { return 1 }", "func g() int { return f() }", "func f(n int) string { return nope }"}, last{err: "cell[3]:1:31: undefined: nope"}},
		{"the cell's own copy is its own error", []string{"func f() int { return 1 }", "func g() int { return f() }", "func f(n int) string { return \"\" }\nfunc g() int { return f() }"}, last{err: "cell[3]:2:25: not enough arguments"}},
		{"defined again", []string{"func f() int { return 1 }", "func g() int { return f() }", "func f(n int) string { return \"\" }", "func g() string { return f(1) }", "g()"}, last{}},
		{"run again", []string{"const k = 1", "func g() int { return k * 2 }", `const k = "a"`, "const k = 3", "g()"}, last{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, p, err := run(t, c.cells...)
			switch {
			case c.want.err != "" && (err == nil || !strings.Contains(err.Error(), c.want.err)):
				t.Errorf("error %v, want %s", err, c.want.err)
			case c.want.err == "" && err != nil:
				t.Error(err)
			case err == nil:
				notes := strings.Join(p.Notices, "\n")
				for part := range strings.SplitSeq(c.want.notes, "|") {
					if !strings.Contains(notes, part) {
						t.Errorf("notes\n%s\nwithout %q", notes, part)
					}
				}
				if c.want.notes == "" && notes != "" {
					t.Errorf("notes %q", notes)
				}
			}
		})
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	s, _, err := run(t, "len := 3", "type T struct{}\nfunc (T) m() {}\nv := T{}", "func f() int { return len }")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Forget(4, []string{"len", "T"})
	if err != nil {
		t.Fatal(err)
	}
	p.Commit(true)
	if notes := strings.Join(p.Notices, "\n"); !strings.Contains(notes, "f (cell[3]) no longer fits") || !strings.Contains(notes, "v was dropped") {
		t.Errorf("notes %q", notes)
	}
	if _, err = s.Check(5, `len("abc")`); err != nil {
		t.Errorf("len is Go's again: %v", err)
	}
	if names := s.Symbols(); slices.ContainsFunc(names, func(sy Symbol) bool { return sy.Note == "" }) {
		t.Errorf("what is left: %v", names)
	}
	if _, err := s.Forget(6, []string{"nosuch"}); err == nil || !strings.Contains(err.Error(), "nothing is declared with the name nosuch") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestExplainedErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cells     []string
		msg, hint string
	}{
		{[]string{"a := b\nb := 1"}, "undefined: b", "b is declared below, in line 2"},
		{[]string{"fmt.Println(time)"}, "use of package time not in selector", ""},
		{[]string{"import \"math/rand/v2\"\nrand.Intn(3)"}, "undefined: rand.Intn (but have IntN)", ""},
		{[]string{"import dice \"math/rand/v2\"\ndice.Intn(3)"}, "undefined: dice.Intn (but have IntN)", ""},
		{[]string{"len := 3", `len("abc")`}, "cannot call len", "%forget len restores Go's own"},
		{[]string{`string := "x"`, "var s string"}, "string", "%forget string"},
		{[]string{"fmt.Println()\nreturn 0"}, "too many return values", "A cell returns nothing"},
		{[]string{"func f() { return 0 }"}, "too many return values", ""},
		{[]string{"x\u00a0:= 1"}, "an invisible character stands here: U+00A0, a no-break space", "Replace the character with a space"},
		{[]string{"x := 1\u200b"}, "an invisible character stands here: U+200B, a zero-width space", "Delete the character"},
		{[]string{"x := «a»"}, "illegal character U+00AB '«', a typographic quote", `Replace the character with "`},
		{[]string{"%% -n 3\nx := 1"}, "expected", "need no %%"},
	} {
		_, _, err := run(t, c.cells...)
		ds, _ := err.(source.Diagnostics)
		if len(ds) == 0 || !strings.Contains(ds[0].Message, c.msg) || !strings.Contains(ds[0].Hint, c.hint) || c.hint == "" && ds[0].Hint != "" {
			t.Errorf("%q:\n%v\nhint %v", c.cells, err, ds)
		}
	}
}

func TestBareDurations(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"time.Sleep(5)":                        "5 in line 1 is a duration of 5 nanoseconds",
		"func f() {\n\ttime.Sleep(1)\n}":       "1 in line 2 is a duration of 1 nanosecond:",
		"var d time.Duration = 1_000":          "1_000 in line 1 is a duration of 1000 nanoseconds",
		"time.Sleep(5 * time.Millisecond)":     "",
		"time.Sleep(time.Duration(5))":         "",
		"time.Sleep(0)":                        "",
		"n := 3\ntime.Sleep(time.Duration(n))": "",
	} {
		_, p, err := run(t, cell)
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(p.Notices, "\n")
		if want == "" && notes != "" || !strings.Contains(notes, want) {
			t.Errorf("%s: notes %q, want %q", cell, notes, want)
		}
	}
}
