package cell

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// Cells that leave nothing behind leave no syntax either; those whose definitions are used keep theirs, and diagnostics show it.
func TestTidy(t *testing.T) {
	t.Parallel()
	s := New(shared)
	n := 0
	var notices []string
	run := func(text string) error {
		n++
		p, err := s.Check(n, text)
		if err == nil {
			p.Commit(p.Drive == "")
			notices = p.Notices
		}
		return err
	}
	if err := run("func twice(n int) int {\n\treturn limit * n\n}\nconst limit = 2"); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if err := run(fmt.Sprintf("x := %d\nfmt.Sprint(x)", i)); err != nil {
			t.Fatal(err)
		}
		if err := run("nowhere"); err == nil {
			t.Fatal("an undefined name is accepted")
		}
	}
	if got := len(s.texts); got > 2 {
		t.Errorf("the texts of %d cells are kept", got)
	}
	if err := run("twice(x)"); err != nil {
		t.Error(err)
	}
	if err := run("limit := \"much\"\n_ = limit"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(notices, "\n"); !strings.Contains(got, "cell[1]:2") {
		t.Errorf("the line of the first cell that no longer fits is not named: %s", got)
	}
}

// A cell that is refused leaves nothing behind: not after two thousand of them, for whatever reason they are refused.
func TestRefusedCellsLeaveNothing(t *testing.T) {
	t.Parallel()
	refused := []string{
		"y := x + %d; fmt.Println(y, nowhere)",
		"func f%d(",
		"\"%d",
		"const a = %d\nvar z string = a",
		"type point struct{ x%d int }\nvar q point = 1",
		"import \"no/such/package%d\"",
		"func (p point) scale(by int) point { return nowhere%d }",
		"len := len(%d)\nlen()",
		"import \"strings\"\nstrings.Nothing%d()",
		"func twice(n string) string { return %d }",
		"f := func() { undefined%d() }",
		"ctx = %d",
	}
	s := New(shared)
	s.Plain = true
	n := 0
	for _, text := range []string{"type point struct{ x, y int }\nconst (\n\ta = iota\n\tb\n)\nx := 1", "func twice(p point) int { return 2 * p.x * b }"} {
		n++
		p, err := s.Check(n, text)
		if err != nil {
			t.Fatal(err)
		}
		p.Commit(true)
	}
	refuse := func(i int) {
		for _, r := range refused {
			n++
			if _, err := s.Check(n, fmt.Sprintf(r, i)); err == nil {
				t.Fatalf("%s is accepted", r)
			}
		}
	}
	for i := range 3 { // packages are read when they are first mentioned
		refuse(1000 + i)
	}
	before := size(reflect.ValueOf(s))
	for i := range 2000 / len(refused) {
		refuse(2000 + i)
	}
	if after := size(reflect.ValueOf(s)); after > before {
		t.Errorf("the session held %d values before and %d after", before, after)
	}
}

// size counts what can be reached from a value: what pointers point to, and elements of slices and maps.
func size(v reflect.Value) int {
	type place struct {
		at uintptr
		t  reflect.Type
	}
	seen, n := map[place]bool{}, 0
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			p := place{v.Pointer(), v.Type()}
			if v.IsNil() || seen[p] || v.Type() == reflect.TypeFor[*testPackages]() { // which other tests use as well
				return
			}
			seen[p] = true
			n++
			visit(v.Elem())
		case reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				visit(v.Field(i))
			}
		case reflect.Slice:
			p := place{v.Pointer(), v.Type()}
			if v.Len() == 0 || seen[p] {
				return
			}
			seen[p] = true
			n += v.Len()
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Map:
			p := place{v.Pointer(), v.Type()}
			if v.IsNil() || seen[p] {
				return
			}
			seen[p] = true
			n += v.Len()
			for it := v.MapRange(); it.Next(); {
				visit(it.Key())
				visit(it.Value())
			}
		}
	}
	visit(v)
	return n
}
