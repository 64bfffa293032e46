package cell

import (
	"slices"
	"strings"
	"testing"

	"interleave/kernel/cell/hint"
	"interleave/kernel/cell/source"
)

// Every habit is recognised by its own hint and by no earlier one, and the hint leads to a cell without fault.
func TestHabits(t *testing.T) {
	t.Parallel()
	for _, h := range hint.Examples() {
		_, err := New(shared).Check(1, h.Wrong)
		ds, _ := err.(source.Diagnostics)
		want := strings.ReplaceAll(h.Hint, "${1}", "make3") // the one call that a hint names
		if !slices.ContainsFunc(ds, func(d source.Diagnostic) bool { return d.Hint == want }) {
			t.Errorf("%q: no hint %q in %+v", h.Wrong, want, ds)
		}
		if _, err := New(shared).Check(1, h.Right); err != nil {
			t.Errorf("%q: %v", h.Right, err)
		}
	}
}

// What is merely wrong gets no hint of this kind.
func TestNoHabit(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"fmt.Println(1", "var s string = 1", "missing(2)", "x := missing + 1", "x := )", "func f() int { return \"a\" }", "a := []int{1 2}", "n := 1\nn = absent", "switch { case absent:\n}"} {
		s := New(shared)
		_, err := s.Check(1, code)
		ds, ok := err.(source.Diagnostics)
		if !ok || len(ds) == 0 {
			t.Errorf("%q: %v", code, err)
		}
		for _, d := range ds {
			if h := hint.Habit(d.Message, d.Excerpt, d.Column); h != "" {
				t.Errorf("%q: %s gets the hint %q", code, d, h)
			}
		}
	}
}

// The hint for a type that cannot be inferred names the function that is called, whatever it is.
func TestInferHint(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"gather(3)":    "The arguments do not determine the type; write it in brackets, such as gather[int](…)",
		"pair[int](3)": "The arguments do not determine the type; write it in brackets, such as pair[int](…)",
	} {
		code := "func gather[T any](n int) (t T) { return t }\nfunc pair[A, B any](a A) (b B) { return b }\n" + call
		_, err := New(shared).Check(1, code)
		if ds, _ := err.(source.Diagnostics); len(ds) != 1 || ds[0].Hint != want {
			t.Errorf("%s: %+v, want the hint %q", call, ds, want)
		}
	}
}
