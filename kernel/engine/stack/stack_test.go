package stack

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
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
	got := Parse(dump)
	if len(got) != 3 {
		t.Fatalf("%d goroutines", len(got))
	}
	if g := got[0]; g.State != "running" || g.Run != "" || g.Lines != nil {
		t.Errorf("first: %+v", g)
	}
	if g := got[1]; g.ID != 7 || g.State != "chan receive" || g.Run != "12" || g.Cell != "cell[5]:3" || strings.Join(g.Lines, " ") != "cell[4]:7 cell[5]:3" {
		t.Errorf("second: %+v", g)
	}
	if g := got[1]; g.String() != "goroutine 7 [chan receive] cell[4]:7" {
		t.Errorf("second reads %q", g)
	}
	if g := got[2]; g.Run != "3" || g.State != "select (no cases)" || g.Place() != `started at a \" b` {
		t.Errorf("third: %+v", g)
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	got := Frames("goroutine 3 [running]:\npanic({0x1, 0x2})\n\truntime/panic.go:860\nmain.(*stack[...]).push(0x1)\n\tcell[2]:4 +0x1\nmain.cell.func1()\n\tcell[3]:9\ncreated by interleave/kernel/engine/rt.Go in goroutine 1\n\trt.go:1")
	if len(got) != 2 || got[0] != (Frame{"(*stack[...]).push", 2, 4}) || got[1] != (Frame{"func1", 3, 9}) {
		t.Errorf("%+v", got)
	}
}

func TestJumpToANewerDefinitionIsOneCall(t *testing.T) {
	t.Parallel()
	const text = "goroutine 8 [running]:\n" +
		"main.pointꞏsum.func1()\n\tcell[7]:3 +0x1\n" +
		"main.pointꞏsum(0x5, {0x1, 0x2})\n\tcell[7]:4 +0x1\n" +
		"main.(*point).sum(...)\n\tcell[2]:9\n" +
		"main.ꞏf-range1(0x5)\n\tcell[7]:11 +0x1\n" +
		"main.ꞏf(0x5)\n\tcell[7]:10 +0x1\n" +
		"main.f(0x5)\n\tcell[2]:8 +0x1\n" +
		"main.cell()\n\tcell[9]:1 +0x1\n"
	want := []Frame{{"point.sum.func1", 7, 3}, {"(*point).sum", 7, 4}, {"f-range1", 7, 11}, {"f", 7, 10}, {"", 9, 1}}
	if got := Frames(text); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Many goroutines that stand at the same place are described in one line, many places in few.
func TestTogether(t *testing.T) {
	t.Parallel()
	var all []Goroutine
	for i := range 25_000 {
		all = append(all, Goroutine{ID: i, State: "chan receive", Lines: []string{"cell[1]:2"}})
	}
	all = append(all, Goroutine{ID: 30_000, State: "chan receive", Lines: []string{"cell[1]:4"}})
	if got := Together(all, len(all)); !slices.Equal(got, []string{"25\u2009000 goroutines [chan receive] cell[1]:2", "goroutine 30000 [chan receive] cell[1]:4"}) {
		t.Errorf("%q", got)
	}
	for i := range 30 {
		all = append(all, Goroutine{ID: i, State: "select", Lines: []string{fmt.Sprintf("cell[2]:%d", i/2)}})
	}
	if got := Together(all, len(all)+70_000); len(got) != 6 || got[5] != "… and 70\u2009024 more" {
		t.Errorf("%q", got)
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
