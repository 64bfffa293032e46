package engine

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"interleave/kernel/cell"
)

// A goroutine is what Go's own traceback tells of one.
type goroutine struct {
	id    int
	state string   // "chan receive", "running" …
	run   string   // label: the request it belongs to
	cell  string   // label: where it was started
	main  bool     // it is a cell's own
	lines []string // its places in cells, innermost first
	stack string   // without what created it
}

// place says where it is, as well as is known.
func (g goroutine) place() string {
	if len(g.lines) > 0 {
		return g.lines[0]
	}
	return "started at " + g.cell
}

func (g goroutine) String() string {
	return fmt.Sprintf("goroutine %d [%s] %s", g.id, g.state, g.place())
}

// together describes goroutines in a few lines: those that do the same at the same place share one. total is how many there are,
// of which all are those whose stacks are known.
func together(all []goroutine, total int) (lines []string) {
	count := map[string]int{}
	var alike []goroutine // the first of each kind
	for _, g := range all {
		key := g.state + " " + g.place()
		if count[key]++; count[key] == 1 {
			alike = append(alike, g)
		}
	}
	rest := total
	for i, g := range alike {
		if i == mostKinds {
			break
		}
		n := count[g.state+" "+g.place()]
		rest -= n
		if n == 1 {
			lines = append(lines, g.String())
		} else {
			lines = append(lines, fmt.Sprintf("%d goroutines [%s] %s", n, g.state, g.place()))
		}
	}
	if rest > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", rest))
	}
	return lines
}

var (
	headRE  = regexp.MustCompile(`^goroutine (\d+)[^\[]*\[([^\]]*?)(?: labels:\{(.*)\})?\]:$`)
	labelRE = regexp.MustCompile(`"(\w+)": "((?:[^"\\]|\\.)*)"`)
	placeRE = regexp.MustCompile(`cell\[(\d+)\]:(\d+)`)
)

// parseGoroutines reads tracebacks as Go prints them. The patched runtime adds the labels.
func parseGoroutines(dump string) (out []goroutine) {
	for block := range strings.SplitSeq(dump, "\n\n") {
		head, rest, _ := strings.Cut(block, "\n")
		m := headRE.FindStringSubmatch(head)
		if m == nil {
			continue
		}
		g := goroutine{}
		g.id, _ = strconv.Atoi(m[1])
		g.state, _, _ = strings.Cut(m[2], ",")
		for _, l := range labelRE.FindAllStringSubmatch(m[3], -1) {
			switch l[1] {
			case "run":
				g.run = l[2]
			case "cell":
				g.cell = l[2]
			}
		}
		rest, _, _ = strings.Cut(rest, "created by ")
		g.main = strings.Contains(rest, mainName+"(")
		g.lines, g.stack = placeRE.FindAllString(rest, -1), rest
		out = append(out, g)
	}
	return out
}

// isRecorder reports whether a goroutine that begins with this function is the recorder's or the tracer's. It may belong to a cell
// only because the recording began there.
func isRecorder(function string) bool {
	return strings.HasPrefix(function, "interleave/runtime/timeline.") || strings.HasPrefix(function, "runtime/trace.")
}

// frame is one call on a stack, as the user knows it.
type frame struct {
	function string
	cell     int
	line     int
}

// stackAbove returns the frames in cells of the calling goroutine, innermost first. Called in a deferred function that has
// recovered, it sees the frames of the panic.
func stackAbove(skip int) []frame {
	frames, _ := stack(skip + 1)
	return frames
}

// mainName is the function at the bottom of a cell's own goroutine.
const mainName = "interleave/kernel/engine.(*run).main"

// stack is stackAbove and says whether the goroutine is a cell's own one, as far as it looks, which is 256 calls.
func stack(skip int) (frames []frame, main bool) {
	pcs := make([]uintptr, 256)
	pcs = pcs[:runtime.Callers(skip+2, pcs)]
	it := runtime.CallersFrames(pcs)
	var t trace
	for {
		f, more := it.Next()
		main = main || f.Function == mainName
		t.add(functionName(f.Function), fmt.Sprintf("%s:%d", f.File, f.Line))
		if !more {
			return t.frames, main
		}
	}
}

// A trace collects the calls in cells, innermost first. Where an earlier definition has jumped to a newer one, that is one call:
// the name is the earlier's, which says what the receiver is, and the place the newer's.
type trace struct {
	frames []frame
	jumped bool // to the last of them
}

func (t *trace) add(name, place string) {
	m := placeRE.FindStringSubmatch(place)
	if m == nil {
		return
	}
	name, jumped := cell.Newer(name)
	if t.jumped {
		t.frames[len(t.frames)-1].function = name
		t.jumped = false
		return
	}
	n, _ := strconv.Atoi(m[1])
	line, _ := strconv.Atoi(m[2])
	t.frames = append(t.frames, frame{name, n, line})
	t.jumped = jumped
}

// functionName is a function's name as its author wrote it; empty for the statements of a cell.
func functionName(s string) string {
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		s = s[i+1:]
	}
	s = cell.Clean(s)
	if _, rest, ok := strings.Cut(s, "."); ok {
		s = rest
	}
	if s == "cell" {
		return ""
	}
	return strings.Replace(s, "cell.func", "func", 1)
}

// framesIn reads the frames in cells from a goroutine's stack as Go prints it, innermost first.
func framesIn(stack string) []frame {
	var t trace
	function := ""
	for line := range strings.SplitSeq(stack, "\n") {
		if !strings.HasPrefix(line, "\t") {
			function = line
			continue
		}
		t.add(callName(function), line)
	}
	return t.frames
}

// callName is the function's name in a line of a printed stack.
func callName(line string) string {
	line = strings.TrimPrefix(line, "created by ")
	for _, cut := range []string{" in goroutine ", "(0x", "(...)", "({", "()"} {
		if i := strings.LastIndex(line, cut); i > 0 {
			line = line[:i]
		}
	}
	return functionName(line)
}
