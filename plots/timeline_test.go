package plots_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"

	"interleave/plots"
	"interleave/runtime/timeline"
)

var update = flag.Bool("update", false, "write the figures in testdata anew")

// figures are what the tests draw.
var figures = []struct {
	name string
	e    func() *timeline.Experiment
	o    plots.Options
}{
	{"lesson", lesson, plots.Options{}},
	{"lesson-dark", lesson, plots.Options{Theme: plots.Dark, Title: "Three fetches, gathered"}},
	{"collected", collected, plots.Options{}},
	{"narrow", collected, plots.Options{Width: 420, Title: "Narrow"}},
	{"folded", func() *timeline.Experiment { return synthetic(30, 80*ms, 9*ms) }, plots.Options{MaxRows: 6}},
	{"all-folded", func() *timeline.Experiment { return synthetic(3, 80*ms, 9*ms) }, plots.Options{MaxRows: 1}},
	{"dense", func() *timeline.Experiment { return synthetic(4, 100*ms, 60*time.Microsecond) }, plots.Options{Width: 600}},
	{"many-cores", manyCores, plots.Options{}},
	{"nothing", func() *timeline.Experiment { return &timeline.Experiment{GOMAXPROCS: 2} }, plots.Options{}},
	{"processes", processes, plots.Options{}},
	{"processes-dark", processes, plots.Options{Theme: plots.Dark, Title: "Two processes, and one that was killed"}},
	{"processes-narrow", processes, plots.Options{Width: 420}},
	{"processes-many", manyProcesses, plots.Options{}},
	{"minutes", func() *timeline.Experiment { return synthetic(3, 10*time.Minute, time.Minute) }, plots.Options{}},
}

func manyCores() *timeline.Experiment {
	e := synthetic(20, 50*ms, 4*ms)
	e.GOMAXPROCS, e.Procs, e.Cores = 32, 32, nil
	for i := range 32 {
		c := timeline.Core{ID: i}
		for k := range 5 {
			at := time.Duration(10*k)*ms + time.Duration(i)*ms/8
			c.Spans = append(c.Spans, timeline.CoreSpan{Start: at, End: at + 4*ms, Kind: timeline.CoreKind(k % 3), Goroutine: int64(k)})
		}
		e.Cores = append(e.Cores, c)
	}
	return e
}

// crowded has more Ps than the machine has cores, and all of them at work.
func crowded(ps, cores int) *timeline.Experiment {
	e := &timeline.Experiment{Wall: 30 * ms, Recorded: 30 * ms, CPU: 58 * ms, GOMAXPROCS: ps, Procs: cores}
	for i := range ps {
		id := int64(i + 1)
		e.Goroutines = append(e.Goroutines, timeline.Goroutine{ID: id, Line: "cell[1]:4", End: 30 * ms, Spans: []timeline.Span{{End: 30 * ms, Proc: int32(i)}}})
		e.Cores = append(e.Cores, timeline.Core{ID: i, Spans: []timeline.CoreSpan{{End: 30 * ms, Goroutine: id}}})
	}
	return e
}

func figure(t *testing.T, e *timeline.Experiment, o plots.Options) *plots.Figure {
	t.Helper()
	f, err := plots.Timeline(e, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestGolden compares SVG to the byte; look at what changed before -update.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range figures {
		golden(t, c.name, figure(t, c.e(), c.o).SVG())
	}
}

// golden compares a drawing with the one in testdata, or writes it there.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".svg")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	if got == string(want) {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Errorf("%s: line %d\n got %.300s\nwant %.300s", name, i+1, a[i], b[i])
			break
		}
	}
	t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
}

// TestPNG compares pixels, with room for another rounding of glyphs.
func TestPNG(t *testing.T) {
	t.Parallel()
	for _, c := range figures[:3] {
		f := figure(t, c.e(), c.o)
		data, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", c.name+".png")
		if *update {
			if err := os.WriteFile(file, data, 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		a, b := decode(t, data), decode(t, want)
		if w, h := f.Size(); a.Bounds().Dx() != 2*w || a.Bounds().Dy() != 2*h {
			t.Errorf("%s: an image of %v for a figure of %d×%d", c.name, a.Bounds(), w, h)
		}
		if a.Bounds() != b.Bounds() {
			t.Errorf("%s: an image of %v, want %v", c.name, a.Bounds(), b.Bounds())
			continue
		}
		differ := 0
		for y := range a.Bounds().Dy() {
			for x := range a.Bounds().Dx() {
				ar, ag, ab, _ := a.At(x, y).RGBA()
				br, bg, bb, _ := b.At(x, y).RGBA()
				if apart(ar, br)+apart(ag, bg)+apart(ab, bb) > 0x3000 {
					differ++
				}
			}
		}
		if all := a.Bounds().Dx() * a.Bounds().Dy(); differ > all/200 {
			t.Errorf("%s: %d of %d pixels differ", c.name, differ, all)
		}
	}
}

func apart(a, b uint32) uint32 { return max(a, b) - min(a, b) }

func decode(t *testing.T, data []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A word is a text in an SVG.
type word struct {
	x, y, size float64
	bold       bool
	text       string
}

// box is where the letters of a word are, with a little less than their full height.
func (w word) box() (x0, y0, x1, y1 float64) {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if w.bold {
		f.Weight = xfont.WeightBold
	}
	face := font.DefaultCache.Lookup(f, vg.Length(w.size))
	return w.x, w.y - 0.72*w.size, w.x + float64(face.Width(w.text)), w.y + 0.1*w.size
}

// parse checks that a document is well-formed and closed in itself, and returns its size and its words.
func parse(t *testing.T, svg string) (width, height float64, words []word) {
	t.Helper()
	ids, uses := map[string]int{}, map[string]bool{}
	var groups []word // the attributes that are in force
	var text *word
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			var g word
			if n := len(groups); n > 0 {
				g = groups[n-1]
			}
			for _, a := range tok.Attr {
				v, _ := strconv.ParseFloat(a.Value, 64)
				switch a.Name.Local {
				case "id":
					ids[a.Value]++
				case "fill":
					if id, ok := strings.CutPrefix(a.Value, "url(#"); ok {
						uses[strings.TrimSuffix(id, ")")] = true
					}
				case "font-size":
					g.size = v
				case "font-weight":
					g.bold = a.Value == "bold"
				case "x":
					g.x = v
				case "y":
					g.y = v
				case "width":
					if tok.Name.Local == "svg" {
						width = v
					}
				case "height":
					if tok.Name.Local == "svg" {
						height = v
					}
				}
			}
			groups = append(groups, g)
			if tok.Name.Local == "text" {
				text = &g
			}
		case xml.CharData:
			if text != nil {
				text.text += string(tok)
			}
		case xml.EndElement:
			groups = groups[:len(groups)-1]
			if tok.Name.Local == "text" {
				words = append(words, *text)
				text = nil
			}
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q is there %d times", id, n)
		}
	}
	for id := range uses {
		if ids[id] == 0 {
			t.Errorf("nothing has the id %q", id)
		}
	}
	return width, height, words
}

// TestLayout: no word leaves the figure, and no two words touch.
func TestLayout(t *testing.T) {
	t.Parallel()
	for _, c := range figures {
		for _, width := range []float64{0, 320, 500, 1400} {
			o := c.o
			o.Width = width
			checkLayout(t, c.name, figure(t, c.e(), o))
		}
	}
}

func checkLayout(t *testing.T, name string, f *plots.Figure) {
	t.Helper()
	w, h, words := parse(t, f.SVG())
	if sw, sh := f.Size(); w != float64(sw) || h != float64(sh) {
		t.Errorf("%s: drawn at %g×%g, Size says %d×%d", name, w, h, sw, sh)
	}
	for i, a := range words {
		ax0, ay0, ax1, ay1 := a.box()
		if ax0 < 0 || ay0 < 0 || ax1 > w || ay1 > h {
			t.Errorf("%s at %g: %q leaves the figure: %.0f–%.0f, %.0f–%.0f of %g×%g", name, w, a.text, ax0, ax1, ay0, ay1, w, h)
		}
		for _, b := range words[:i] {
			bx0, by0, bx1, by1 := b.box()
			if ax0 < bx1 && bx0 < ax1 && ay0 < by1 && by0 < ay1 {
				t.Errorf("%s at %g: %q at %.0f,%.0f overlaps %q at %.0f,%.0f", name, w, a.text, a.x, a.y, b.text, b.x, b.y)
			}
		}
	}
}

// TestWords: the figure says what it has to say.
func TestWords(t *testing.T) {
	t.Parallel()
	says := func(e *timeline.Experiment, o plots.Options, want ...string) {
		t.Helper()
		_, _, words := parse(t, figure(t, e, o).SVG())
		for _, s := range want {
			found := false
			for _, w := range words {
				found = found || w.text == s
			}
			if !found {
				t.Errorf("no text %q in %v", s, words)
			}
		}
	}
	says(lesson(), plots.Options{Title: "Gathered"}, "Gathered", "wall 3 s · CPU 3 ms · parallelism 0.00 · GOMAXPROCS 2 · 4 goroutines · compiled",
		"cell[5]", "fetch A", "cell[5]:7", "sleep 2 s", "sleep 1 s", "sleep 3 s", "lab.Gather 3 s", "core 0", "core 1", "<1 %",
		"0", "0.5 s", "3.0 s", "running", "sleep", "waiting for others")
	says(collected(), plots.Options{}, "Only the first 1.8 ms of 9 ms are shown: the trace grew beyond 64 MiB.",
		"a <b> & \"c\"", "garbage collection", "rest of the process", "reason <&> 900 µs", "go cell[12]:34")
	says(synthetic(10_000, time.Second, 50*ms), plots.Options{}, "12", "… 9\u2009988 more", "up to 9\u2009988 at once")
	says(synthetic(10_000, time.Second, 50*ms), plots.Options{MaxRows: 40}, "40", "… 9\u2009960 more", "up to 9\u2009960 at once")
	says(synthetic(90, time.Second, 50*ms), plots.Options{}, "40", "… 50 more")
	says(synthetic(50, time.Second, 50*ms), plots.Options{MaxRows: 10}, "10", "… 40 more")
	says(&timeline.Experiment{}, plots.Options{}, "no goroutine of the experiment was seen")
	says(manyCores(), plots.Options{}, "32 cores")
}

// TestSizes: files stay small whatever the experiment, and the fewer pixels of a large image are still the same figure.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		f := figure(t, size.make(), plots.Options{})
		if n := len(f.SVG()); n > 200_000 {
			t.Errorf("%s: SVG of %d bytes", size.name, n)
		}
		data, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 200_000 {
			t.Errorf("%s: PNG of %d bytes", size.name, len(data))
		}
		w, h := f.Size()
		if b := decode(t, data).Bounds(); b.Dx() != 2*w && b.Dx() != w || b.Dx()*h != b.Dy()*w {
			t.Errorf("%s: an image of %v for a figure of %d×%d", size.name, b, w, h)
		}
	}
}

// TestPlainCanvas draws on a canvas that has no hatches of its own: the same words, and hatches as lines within the bars.
func TestPlainCanvas(t *testing.T) {
	t.Parallel()
	for _, c := range figures {
		checkPlain(t, c.name, figure(t, c.e(), c.o))
	}
}

func checkPlain(t *testing.T, name string, f *plots.Figure) {
	t.Helper()
	_, _, words := parse(t, f.SVG())
	w, h := f.Size()
	var rec recorder.Canvas
	f.Draw(draw.NewCanvas(&rec, vg.Length(w), vg.Length(h)))
	texts := 0
	for _, a := range rec.Actions {
		var path vg.Path
		switch a := a.(type) {
		case *recorder.FillString:
			texts++
		case *recorder.Fill:
			path = a.Path
		case *recorder.Stroke:
			path = a.Path
		}
		for _, p := range path {
			if p.Type == vg.MoveComp || p.Type == vg.LineComp {
				if p.Pos.X < -1e-6 || p.Pos.Y < -1e-6 || p.Pos.X > vg.Length(w)+1e-6 || p.Pos.Y > vg.Length(h)+1e-6 {
					t.Fatalf("%s: drawn at %v, outside of %d×%d", name, p.Pos, w, h)
				}
			}
		}
	}
	if texts != len(words) {
		t.Errorf("%s: %d texts, SVG has %d", name, texts, len(words))
	}
}

// TestZoom: the horizontal axis may be set to a part of the time, and what is drawn follows.
func TestZoom(t *testing.T) {
	t.Parallel()
	f := figure(t, lesson(), plots.Options{})
	f.Plot().X.Min, f.Plot().X.Max = 1.5, 2.5
	_, _, words := parse(t, f.SVG())
	at := map[string]float64{}
	for _, w := range words {
		at[w.text] = w.x
	}
	if at["sleep 1 s"] != 0 {
		t.Error("what had ended before is drawn")
	}
	// Fetch A ends in the middle of the axis, so its label is in the first half, and C's in the middle.
	if a, c, end := at["sleep 2 s"], at["sleep 3 s"], at["2.4 s"]; a == 0 || c == 0 || a >= c || c >= end || at["1.6 s"] >= c {
		t.Errorf("words at %v", at)
	}
}

// TestAgain: drawing changes nothing, neither in the figure nor in the experiment.
func TestAgain(t *testing.T) {
	t.Parallel()
	e := synthetic(12, time.Second, 5*ms)
	before := fmt.Sprintf("%+v", e)
	f := figure(t, e, plots.Options{MaxRows: 5})
	first := f.SVG()
	if _, err := f.PNG(); err != nil {
		t.Fatal(err)
	}
	if f.SVG() != first {
		t.Error("the second drawing differs")
	}
	if fmt.Sprintf("%+v", e) != before {
		t.Error("the experiment was changed")
	}
}

// TestShared: two figures on one page share no id and no font's name.
func TestShared(t *testing.T) {
	t.Parallel()
	names := regexp.MustCompile(`id="([^"]+)"|font-family:([^;]+);`)
	a := names.FindAllString(figure(t, lesson(), plots.Options{}).SVG(), -1)
	b := names.FindAllString(figure(t, collected(), plots.Options{}).SVG(), -1)
	if len(a) < 3 || len(b) < 3 {
		t.Fatalf("%v, %v", a, b)
	}
	for _, x := range a {
		for _, y := range b {
			if x == y {
				t.Errorf("both have %s", x)
			}
		}
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	if _, err := plots.Timeline(nil, plots.Options{}); err == nil || !strings.Contains(err.Error(), "plots.Timeline") {
		t.Errorf("no experiment: %v", err)
	}
	for _, o := range []plots.Options{{Width: 10}, {Width: -1}, {Width: 1e9}, {MaxRows: -1}, {Theme: 7}} {
		if _, err := plots.Timeline(lesson(), o); err == nil || !strings.Contains(err.Error(), "plots.Timeline") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestSameImages: an image is the same whatever was drawn in its memory before, also where several are drawn at once.
func TestSameImages(t *testing.T) {
	t.Parallel()
	e := synthetic(8, time.Second, 40*time.Millisecond)
	draw := func(opt plots.Options) []byte {
		f, err := plots.Timeline(e, opt)
		if err != nil {
			t.Error(err)
			return nil
		}
		data, err := f.PNG()
		if err != nil {
			t.Error(err)
		}
		return data
	}
	options := []plots.Options{{}, {Width: 400, Theme: plots.Dark}, {Width: 1300}}
	want := make([][]byte, len(options))
	for i, opt := range options {
		want[i] = draw(opt)
	}
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			if k := i % len(options); !bytes.Equal(draw(options[k]), want[k]) {
				t.Errorf("with %+v the image differs from the first", options[k])
			}
		})
	}
	wg.Wait()
}
