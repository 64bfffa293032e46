package engine

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// What figures say of a function is who runs it, whoever asks.
func TestRanBy(t *testing.T) {
	t.Parallel()
	made := reflect.MakeFunc(reflect.TypeFor[func()](), func([]reflect.Value) []reflect.Value { return nil }).Interface()
	for _, c := range []struct {
		fn   any
		want string
	}{{func() {}, "compiled"}, {strings.ToUpper, "compiled"}, {made, "yaegi"}, {(func())(nil), "compiled"}, {7, "compiled"}, {nil, ""}} {
		if got := ranBy(c.fn); got != c.want {
			t.Errorf("%T: %q, want %q", c.fn, got, c.want)
		}
	}
}

type state int

func (s state) String() string { return "state " + string(rune('0'+int(s))) }

type bad struct{}

func (bad) Error() string { panic("no") }

type number int

func TestPanicText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    any
		want string
	}{
		{"text", "text"}, {errors.New("broken"), "broken"}, {state(3), "state 3"}, {42, "42"}, {number(7), "engine.number(7)"},
		{struct{ A int }{1}, "struct { A int } {A:1}"}, {bad{}, "engine.bad (its Error or String method panicked)"},
	} {
		if got := panicText(c.v); got != c.want {
			t.Errorf("%v: %q, want %q", c.v, got, c.want)
		}
	}
}

// A cell that is run again is called by its present number wherever a place is told.
func TestPresent(t *testing.T) {
	t.Parallel()
	r := &run{n: 7, shift: map[int]int{2: 7}}
	for in, want := range map[string]string{
		"cell[2]:3": "cell[7]:3", "cell[12]:3": "cell[12]:3", "cell[2]": "cell[2]", "go cell[2]:3, then cell[2]:4 and cell[3]:2": "go cell[7]:3, then cell[7]:4 and cell[3]:2",
	} {
		if got := r.renumberText(in); got != want {
			t.Errorf("%q is presented as %q, want %q", in, got, want)
		}
	}
	if got := r.files(); len(got) != 1 || got["cell[2]"] != "cell[7]" {
		t.Errorf("files: %v", got)
	}
}
