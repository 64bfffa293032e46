package engine

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseGoroutines(t *testing.T) {
	t.Parallel()
	dump := `goroutine 1 [running]:
main.main()
	/src/main.go:8 +0x130

goroutine 7 [chan receive, 2 minutes labels:{"cell": "cell[5]:3", "run": "12"}]:
main.wait(0xc0000)
	cell[4]:7 +0x19
main.cell.func1()
	cell[5]:3 +0x20
created by interleave/kernel/engine/rt.Go in goroutine 1
	interleave/kernel/engine/rt/rt.go:40 +0xf9

goroutine 9 gp=0xc0001 m=nil [select (no cases) labels:{"cell": "a \" b", "run": "3"}]:
runtime.gopark()
`
	got := parseGoroutines(dump)
	if len(got) != 3 {
		t.Fatalf("%d goroutines", len(got))
	}
	if g := got[0]; g.state != "running" || g.run != "" || g.lines != nil {
		t.Errorf("first: %+v", g)
	}
	if g := got[1]; g.id != 7 || g.state != "chan receive" || g.run != "12" || g.cell != "cell[5]:3" || strings.Join(g.lines, " ") != "cell[4]:7 cell[5]:3" {
		t.Errorf("second: %+v", g)
	}
	if g := got[1]; g.String() != "goroutine 7 [chan receive] cell[4]:7" {
		t.Errorf("second reads %q", g)
	}
	if g := got[2]; g.run != "3" || g.state != "select (no cases)" || g.place() != `started at a \" b` {
		t.Errorf("third: %+v", g)
	}
}

func TestFramesIn(t *testing.T) {
	t.Parallel()
	got := framesIn("goroutine 3 [running]:\npanic({0x1, 0x2})\n\truntime/panic.go:860\nmain.(*stack[...]).push(0x1)\n\tcell[2]:4 +0x1\nmain.cell.func1()\n\tcell[3]:9\ncreated by interleave/kernel/engine/rt.Go in goroutine 1\n\trt.go:1")
	if len(got) != 2 || got[0] != (frame{"(*stack[...]).push", 2, 4}) || got[1] != (frame{"func1", 3, 9}) {
		t.Errorf("%+v", got)
	}
}

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
		{struct{ A int }{1}, "struct { A int } {A:1}"}, {bad{}, "engine.bad (its text cannot be had: the method panicked)"},
	} {
		if got := panicText(c.v); got != c.want {
			t.Errorf("%v: %q, want %q", c.v, got, c.want)
		}
	}
}

func TestSourceLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[int]string{1: "a", 2: "b", 3: "", 9: ""} {
		if got := sourceLine("a\nb\n", line); got != want {
			t.Errorf("line %d: %q", line, got)
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
		if got := r.present(in); got != want {
			t.Errorf("%q is presented as %q, want %q", in, got, want)
		}
	}
	if got := r.files(); len(got) != 1 || got["cell[2]"] != "cell[7]" {
		t.Errorf("files: %v", got)
	}
}
