// Package stack parses what Go's runtime prints about goroutines of cells: which goroutine it is, where in
// cells its calls are, and why a process died. It works on texts, and must not know how cells are run.
package stack

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"interleave/kernel/cell/names"
	"interleave/runtime/quantity"
)

// A Goroutine is one goroutine of Go's traceback.
type Goroutine struct {
	ID    int
	State string   // "chan receive", "running" …
	Run   string   // label: the request it belongs to
	Cell  string   // label: where it was started
	Main  bool     // it is a cell's own
	Lines []string // its places in cells, innermost first
	Text  string   // its calls, without the one that created it
}

// Place returns where it is, as far as that is known.
func (g Goroutine) Place() string {
	if len(g.Lines) > 0 {
		return g.Lines[0]
	}
	return "started at " + g.Cell
}

func (g Goroutine) String() string {
	return fmt.Sprintf("goroutine %d [%s] %s", g.ID, g.State, g.Place())
}

// Together describes goroutines in a few lines: those in the same state at the same place share one. total is
// their number, all are those with known stacks.
func Together(all []Goroutine, total int) (lines []string) {
	count := map[string]int{}
	var alike []Goroutine // the first of each kind
	for _, g := range all {
		key := g.State + " " + g.Place()
		if count[key]++; count[key] == 1 {
			alike = append(alike, g)
		}
	}
	rest := total
	for i, g := range alike {
		if i == MostKinds {
			break
		}
		n := count[g.State+" "+g.Place()]
		rest -= n
		if n == 1 {
			lines = append(lines, g.String())
		} else {
			lines = append(lines, fmt.Sprintf("%s [%s] %s", quantity.Plural(n, "goroutine"), g.State, g.Place()))
		}
	}
	if rest > 0 {
		lines = append(lines, fmt.Sprintf("… and %s more", quantity.Count(rest)))
	}
	return lines
}

var (
	headRE  = regexp.MustCompile(`^goroutine (\d+)[^\[]*\[([^\]]*?)(?: labels:\{(.*)\})?\]:$`)
	labelRE = regexp.MustCompile(`"(\w+)": "((?:[^"\\]|\\.)*)"`)
	PlaceRE = regexp.MustCompile(`cell\[(\d+)\]:(\d+)`)
)

// Parse reads tracebacks as Go prints them. The patched runtime adds the labels.
func Parse(dump string) (out []Goroutine) {
	for block := range strings.SplitSeq(dump, "\n\n") {
		head, rest, _ := strings.Cut(block, "\n")
		m := headRE.FindStringSubmatch(head)
		if m == nil {
			continue
		}
		g := Goroutine{}
		g.ID, _ = strconv.Atoi(m[1])
		g.State, _, _ = strings.Cut(m[2], ",")
		for _, l := range labelRE.FindAllStringSubmatch(m[3], -1) {
			switch l[1] {
			case "run":
				g.Run = l[2]
			case "cell":
				g.Cell = l[2]
			}
		}
		rest, _, _ = strings.Cut(rest, "created by ")
		g.Main = strings.Contains(rest, Main+"(")
		g.Lines, g.Text = PlaceRE.FindAllString(rest, -1), rest
		out = append(out, g)
	}
	return out
}

// Main is the function at the bottom of a cell's own goroutine.
const Main = "interleave/kernel/engine.(*run).main"

// MostKinds is the number of kinds of goroutines that Together describes.
const MostKinds = 5

// A Frame is one call on a stack, as the user knows it.
type Frame struct {
	Function string
	Cell     int
	Line     int
}

// A Trace collects the calls in cells, innermost first. An earlier definition and the newer one that it has
// jumped to are one call: the name is that of the earlier one, which contains the receiver, and the place
// that of the newer one.
type Trace struct {
	Frames []Frame
	jumped bool // to the last of them
}

func (t *Trace) Add(name, place string) {
	m := PlaceRE.FindStringSubmatch(place)
	if m == nil {
		return
	}
	name, jumped := names.Newer(name)
	if t.jumped {
		t.Frames[len(t.Frames)-1].Function = name
		t.jumped = false
		return
	}
	n, _ := strconv.Atoi(m[1])
	line, _ := strconv.Atoi(m[2])
	t.Frames = append(t.Frames, Frame{name, n, line})
	t.jumped = jumped
}

// FunctionName returns a function's name as its author wrote it, empty for the statements of a cell.
func FunctionName(s string) string {
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		s = s[i+1:]
	}
	s = names.Clean(s)
	if _, rest, ok := strings.Cut(s, "."); ok {
		s = rest
	}
	if s == "cell" {
		return ""
	}
	return strings.Replace(s, "cell.func", "func", 1)
}

// Frames reads the frames in cells from a goroutine's stack as Go prints it, innermost first.
func Frames(stack string) []Frame {
	var t Trace
	function := ""
	for line := range strings.SplitSeq(stack, "\n") {
		if !strings.HasPrefix(line, "\t") {
			function = line
			continue
		}
		t.Add(callName(function), line)
	}
	return t.Frames
}

// callName returns the function's name in a line of a printed stack.
func callName(line string) string {
	line = strings.TrimPrefix(line, "created by ")
	for _, cut := range []string{" in goroutine ", "(0x", "(...)", "({", "()"} {
		if i := strings.LastIndex(line, cut); i > 0 {
			line = line[:i]
		}
	}
	return FunctionName(line)
}
