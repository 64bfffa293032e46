package engine

import (
	"bytes"
	"fmt"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"

	"interleave/kernel/cell"
)

// A goroutine is what Go's own traceback tells of one.
type goroutine struct {
	id     int
	state  string   // "chan receive", "running" …
	run    string   // label: the request it belongs to
	cell   string   // label: where it was started
	main   bool     // it is a cell's own
	tracer bool     // it records, and has the labels only because the recording began in a cell
	lines  []string // its places in cells, innermost first
	stack  string   // without what created it
}

// busy reports whether it uses a core, or waits for one.
func (g goroutine) busy() bool {
	return g.state == "running" || g.state == "runnable"
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

// together describes goroutines in a few lines: those that do the same at the same place have one. unlisted says how many more
// there are of which nothing is known.
func together(all []goroutine, unlisted int) (lines []string) {
	const most = 5
	count := map[string]int{}
	var alike []goroutine // the first of each kind
	for _, g := range all {
		key := g.state + " " + g.place()
		if count[key]++; count[key] == 1 {
			alike = append(alike, g)
		}
	}
	rest := len(all) + unlisted
	for i, g := range alike {
		if i == most {
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

// A crowd is more goroutines than are looked at without need.
const crowd = 5000

// unlisted counts those of the run's goroutines for which a dump that gave those listed had no room. Such a dump has thousands.
func (r *run) unlisted(listed []goroutine) int {
	if len(listed) < crowd {
		return 0
	}
	return max(0, r.waiting()-len(listed))
}

var (
	headRE  = regexp.MustCompile(`^goroutine (\d+)[^\[]*\[([^\]]*?)(?: labels:\{(.*)\})?\]:$`)
	labelRE = regexp.MustCompile(`"(\w+)": "((?:[^"\\]|\\.)*)"`)
	placeRE = regexp.MustCompile(`cell\[(\d+)\]:(\d+)`)
)

// goroutines lists the living goroutines of the run. It needs tracebacks with labels, which
// the patched runtime writes, and stops the world for as long as the dump takes, about 1 µs a frame.
func (r *run) goroutines() (out []goroutine) {
	id := strconv.FormatUint(r.id, 10)
	for _, g := range allGoroutines() {
		if g.run == id && !g.tracer {
			if line := r.line.Load(); g.main && len(g.lines) == 0 && line > 0 { // interpreted
				g.lines = []string{fmt.Sprintf("cell[%d]:%d", r.n, line)}
			}
			for i, l := range g.lines {
				g.lines[i] = r.present(l)
			}
			out = append(out, g)
		}
	}
	return out
}

// waiting counts the run's goroutines that are blocked, however many there are: of a hundred thousand a dump or a recording
// shows a part. It takes about 2 µs each.
func (r *run) waiting() (n int) {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return 0
	}
	return countWaiting(profile.String(), r.id)
}

var groupRE = regexp.MustCompile(`(?m)^(\d+) @ (0x[0-9a-f]+).*\n# labels: (.*)$`)

// countWaiting reads the goroutine profile: groups of those that share stack and labels.
func countWaiting(profile string, run uint64) (n int) {
	label := fmt.Sprintf(`"run":"%d"`, run)
	for _, m := range groupRE.FindAllStringSubmatch(profile, -1) {
		pc, err := strconv.ParseUint(m[2], 0, 64)
		if err != nil || !strings.Contains(m[3], label) {
			continue
		}
		if f := runtime.FuncForPC(uintptr(pc)); f != nil && f.Name() == "runtime.gopark" {
			k, _ := strconv.Atoi(m[1])
			n += k
		}
	}
	return n
}

// allGoroutines lists what a dump of 16 MB has room for, ten thousand at least: an interrupted cell with more must end in time, too.
func allGoroutines() (out []goroutine) {
	const most = 1 << 24
	size := 1 << 18
	if runtime.NumGoroutine() > crowd { // each attempt would walk all stacks
		size = most
	}
	for {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size || size >= most {
			return parseGoroutines(string(buf[:n]))
		}
		size *= 8
	}
}

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
		g.tracer = records(rest) || strings.HasPrefix(g.state, "trace reader")
		g.lines, g.stack = placeRE.FindAllString(rest, -1), rest
		out = append(out, g)
	}
	return out
}

// records reports whether a goroutine with this stack was started by the recorder or by Go's tracer: what is at its bottom is
// theirs.
func records(stack string) bool {
	bottom := ""
	for line := range strings.Lines(stack) {
		if !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "sync.(*WaitGroup).Go") && !strings.HasPrefix(line, "runtime.goexit") {
			bottom = line
		}
	}
	return strings.HasPrefix(bottom, "interleave/runtime/timeline.") || strings.HasPrefix(bottom, "runtime/trace.")
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
