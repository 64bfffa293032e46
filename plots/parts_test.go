package plots

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
	"pgregory.net/rapid"

	"interleave/runtime/timeline"
)

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hi    float64
		about int
		want  string
	}{
		{3, 6, "0, 0.5 s, 1.0 s, 1.5 s, 2.0 s, 2.5 s, 3.0 s"},
		{6.02, 8, "0, 1 s, 2 s, 3 s, 4 s, 5 s, 6 s"},
		{0.0018, 8, "0, 0.5 ms, 1.0 ms, 1.5 ms"},
		{0.0018, 10, "0, 0.2 ms, 0.4 ms, 0.6 ms, 0.8 ms, 1.0 ms, 1.2 ms, 1.4 ms, 1.6 ms, 1.8 ms"},
		{250e-6, 5, "0, 50 µs, 100 µs, 150 µs, 200 µs, 250 µs"},
		{400e-9, 4, "0, 100 ns, 200 ns, 300 ns, 400 ns"},
		{130, 5, "0, 30 s, 60 s, 90 s, 120 s"},
		{600, 10, "0, 1 min, 2 min, 3 min, 4 min, 5 min, 6 min, 7 min, 8 min, 9 min, 10 min"},
		{4 * 3600, 3, "0, 2 h, 4 h"},
		{1, 0, "0, 1 s"},
	} {
		var got []string
		for _, tick := range (timeTicks{c.about}).Ticks(0, c.hi) {
			got = append(got, tick.Label)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%v in %d: %s; want %s", c.hi, c.about, s, c.want)
		}
	}
}

// TestTicksAnywhere: on any axis ticks rise, stay on it, differ from each other, and are about as many as asked for.
func TestTicksAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hi := math.Pow(10, rapid.Float64Range(-9, 5).Draw(t, "magnitude"))
		about := rapid.IntRange(1, 20).Draw(t, "about")
		ticks := timeTicks{about}.Ticks(0, hi)
		if len(ticks) == 0 || len(ticks) > about+1 {
			t.Fatalf("%d ticks for %d", len(ticks), about)
		}
		for i, tick := range ticks {
			if tick.Value < 0 || tick.Value > hi || i > 0 && (tick.Value <= ticks[i-1].Value || tick.Label == ticks[i-1].Label) {
				t.Fatalf("%v", ticks)
			}
		}
	})
}

func TestFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, width := rapid.String().Draw(t, "s"), rapid.Float64Range(0, 200).Draw(t, "width")
		got := fit(s, width, regular, 11)
		if w := textWidth(got, regular, 11); w > width {
			t.Fatalf("%q is %v wide", got, w)
		}
		if head, cut := strings.CutSuffix(got, "…"); got != s && got != "" && (!cut || !strings.HasPrefix(s, head)) {
			t.Fatalf("%q is cut to %q", s, got)
		}
		if textWidth(s, regular, 11) <= width && got != s {
			t.Fatalf("%q fits, and became %q", s, got)
		}
	})
	if got := wrap("a · b · c", " · ", 1e9, regular, 11); len(got) != 1 || got[0] != "a · b · c" {
		t.Errorf("%q", got)
	}
	if got := wrap("a · b · c", " · ", 0, regular, 11); len(got) != 3 || got[2] != "c" {
		t.Errorf("%q", got)
	}
}

// spans draws the history of one goroutine.
func spans(t *rapid.T, total time.Duration) []timeline.Span {
	var list []timeline.Span
	at := time.Duration(rapid.Int64Range(0, int64(total)).Draw(t, "start"))
	for range rapid.IntRange(0, 30).Draw(t, "spans") {
		end := min(total, at+time.Duration(rapid.Int64Range(1, int64(total)/4).Draw(t, "length")))
		if end <= at {
			break
		}
		list = append(list, timeline.Span{Start: at, End: end, State: timeline.State(rapid.IntRange(0, stateCount-1).Draw(t, "state"))})
		at = end
	}
	return list
}

// TestTally: bins hold exactly the time that the spans took, by both ways of adding; no bin is filled twice; and drawing shows
// something wherever something lasted.
func TestTally(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := time.Duration(rapid.Int64Range(1000, 1e9).Draw(t, "total"))
		from := time.Duration(rapid.Int64Range(0, int64(total)/2).Draw(t, "from"))
		g := newGrid(0, rapid.Float64Range(1, 900).Draw(t, "width"), 1, from, total-from)
		one, many := newTally(g), newTally(g)
		list := spans(t, total)
		one.add(list)
		many.addMany(list)
		if len(list) > 0 {
			many.sum()
		}
		var want, got [stateCount]float64
		for _, s := range list {
			if start, end := g.clip(s.Start, s.End); end > start {
				want[s.State] += g.bins(end - start)
			}
		}
		for b := range one.time {
			sum := float32(0)
			for s, v := range one.time[b] {
				got[s] += float64(v)
				sum += v
				if math.Abs(float64(v-many.time[b][s])) > 1e-3 {
					t.Fatalf("bin %d state %d: %v and %v", b, s, v, many.time[b][s])
				}
			}
			if sum > 1.001 {
				t.Fatalf("bin %d is filled %v times", b, sum)
			}
		}
		for s := range want {
			if math.Abs(got[s]-want[s]) > 1e-2 {
				t.Fatalf("state %d: %v bins, want %v", s, got[s], want[s])
			}
		}
		drawn := 0
		for _, f := range one.fills() {
			if f.run < 0 || f.ready < f.run || f.ready > levels {
				t.Fatalf("%+v", f)
			}
			if f != nothing {
				drawn++
			}
		}
		for _, s := range list {
			if start, end := g.clip(s.Start, s.End); drawn == 0 && g.bins(end-start) > 1.5 {
				t.Fatalf("nothing is drawn of %v", list)
			}
		}
	})
}

func TestMoments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ short, weight, marks, left string }{
		{"..x..", "00900", "..x..", "....."},
		{".xx..", "02900", "..x..", "....."},
		{".xx..", "09200", ".x...", "....."},
		{".xxx.", "09990", ".....", ".xxx."},
		{"x...x", "90009", "x...x", "....."},
		{"..x..", "00000", ".....", "..x.."},
		{"", "", "", ""},
	} {
		short := make([]bool, len(c.short))
		for i := range short {
			short[i] = c.short[i] == 'x'
		}
		marks := moments(short, func(b int) float32 { return float32(c.weight[b] - '0') })
		row := func(at func(int) bool) string {
			s := ""
			for i := range short {
				s += map[bool]string{true: "x", false: "."}[at(i)]
			}
			return s
		}
		if got := row(func(i int) bool { return marks[i] }); got != c.marks {
			t.Errorf("%s: marks %s, want %s", c.short, got, c.marks)
		}
		if got := row(func(i int) bool { return short[i] }); got != c.left {
			t.Errorf("%s: left %s, want %s", c.short, got, c.left)
		}
	}
}

// TestSubset: the glyphs that an SVG embeds are those of the font, without its hints, and no others.
func TestSubset(t *testing.T) {
	t.Parallel()
	text := "Hamburgefonstiv 0123 µ·…éÄß ½ﬁ日"
	for _, f := range []struct {
		name string
		size float64
	}{{"regular", 1}, {"bold", 1}} {
		whole := face(regular, 1).Face
		if f.name == "bold" {
			whole = face(bold, 1).Face
		}
		data, err := subset(whole, []rune(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 12_000 {
			t.Errorf("%s: %d bytes for %d characters", f.name, len(data), len(text))
		}
		part, err := sfnt.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		var buf sfnt.Buffer
		em := fixed.Int26_6(whole.UnitsPerEm())
		for _, r := range text {
			i, err := whole.GlyphIndex(&buf, r)
			if err != nil {
				t.Fatal(err)
			}
			k, err := part.GlyphIndex(&buf, r)
			if err != nil {
				t.Fatal(err)
			}
			if (i == 0) != (k == 0) {
				t.Errorf("%s: %q is glyph %d, and in the subset %d", f.name, r, i, k)
			}
			want, err := whole.LoadGlyph(&buf, i, em, nil)
			if err != nil {
				t.Fatal(err)
			}
			outline := fmt.Sprint(want)
			got, err := part.LoadGlyph(&buf, k, em, nil)
			if err != nil {
				t.Fatalf("%s: %q: %v", f.name, r, err)
			}
			if fmt.Sprint(got) != outline {
				t.Errorf("%s: the outline of %q changed", f.name, r)
			}
			a, err := whole.GlyphAdvance(&buf, i, em, font.HintingNone)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := part.GlyphAdvance(&buf, k, em, font.HintingNone); err != nil || a != b {
				t.Errorf("%s: %q advances by %v, want %v (%v)", f.name, r, b, a, err)
			}
		}
		if k, err := part.GlyphIndex(&buf, 'Q'); err != nil || k != 0 {
			t.Errorf("%s: Q was not asked for, and is glyph %d (%v)", f.name, k, err)
		}
		if sum := sum32(data); sum != 0xb1b0afba {
			t.Errorf("%s: the font adds up to %#x", f.name, sum)
		}
	}
}

// FuzzTTF: a damaged font gives an error, never a panic.
func FuzzTTF(f *testing.F) {
	data, err := subset(face(regular, 1).Face, []rune("aé"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		ttf, err := openTTF(data)
		if err != nil {
			return
		}
		for id := range uint16(8) {
			ttf.metrics(id)
			g, err := ttf.glyph(id)
			if err != nil {
				continue
			}
			if _, err := bareGlyph(g, func(old uint16) uint16 { return old }); err != nil {
				continue
			}
		}
	})
}

// TestIndexed: an image with few colours keeps them; one with many keeps those that matter, and its size.
func TestIndexed(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 200, 256, 257, 5000} {
		img := image.NewRGBA(image.Rect(0, 0, 200, 200))
		for i := range 200 * 200 {
			c := uint32(i) // every colour at least once where there is room, and the first half the time
			if c >= uint32(n) {
				c = uint32(rnd.IntN(n)) * uint32(rnd.IntN(2))
			}
			img.Set(i%200, i/200, hex(c*2654435761>>8))
		}
		p := indexed(img)
		if len(p.Palette) > 256 || p.Bounds() != img.Bounds() {
			t.Fatalf("%d colours: a palette of %d, bounds %v", n, len(p.Palette), p.Bounds())
		}
		differ := 0
		for y := range 200 {
			for x := range 200 {
				if color.RGBAModel.Convert(p.At(x, y)) != img.At(x, y) {
					differ++
				}
			}
		}
		if n <= 256 && differ > 0 || differ > 25_000 {
			t.Errorf("%d colours: %d pixels differ", n, differ)
		}
		data, err := encodePNG(img, 1)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := png.Decode(bytes.NewReader(data)); err != nil || back.Bounds() != img.Bounds() {
			t.Errorf("%d colours: %v", n, err)
		}
	}
}

// TestHatches: on a plain canvas the lines of a hatch stay within the column, and there are some in every one that is large enough.
func TestHatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Float64Range(0, 100).Draw(t, "x"), rapid.Float64Range(0, 100).Draw(t, "y")
		w, h := rapid.Float64Range(0.1, 50).Draw(t, "w"), rapid.Float64Range(0.1, 20).Draw(t, "h")
		hatch := hatch(rapid.IntRange(0, int(hatches)-1).Draw(t, "hatch"))
		var c recorder.Canvas
		paintPlain(&c, swatch{hatch: hatch}, []column{{x, x + w, y, y + h}})
		lines := 0
		for _, a := range c.Actions {
			s, ok := a.(*recorder.Stroke)
			if !ok {
				continue
			}
			for _, p := range s.Path {
				lines++
				if px, py := float64(p.Pos.X), float64(p.Pos.Y); px < x-1e-6 || px > x+w+1e-6 || py < y-1e-6 || py > y+h+1e-6 {
					t.Fatalf("hatch %d leaves the column at %v", hatch, p.Pos)
				}
			}
		}
		if (lines > 0) != (hatch != plain) && w > 2*tile && h > 2*tile {
			t.Fatalf("hatch %d has %d points in %v×%v", hatch, lines, w, h)
		}
	})
}

// TestHatchesDiffer: in grey no two of the states' fillings look alike.
func TestHatchesDiffer(t *testing.T) {
	t.Parallel()
	for _, theme := range themes {
		seen := map[string]timeline.State{}
		for _, s := range timeline.States() {
			sw, ok := theme.states[s]
			if !ok {
				t.Errorf("%s: no filling for %v", theme.name, s)
			}
			img := sw.tile(2)
			grey := ""
			for i := 0; i < len(img.Pix); i += 4 {
				c := color.GrayModel.Convert(color.RGBA{img.Pix[i], img.Pix[i+1], img.Pix[i+2], 255}).(color.Gray)
				grey += string(rune('a' + c.Y/16))
			}
			if other, ok := seen[grey]; ok {
				t.Errorf("%s: %v and %v look alike in grey", theme.name, s, other)
			}
			seen[grey] = s
		}
	}
}

// TestSVGCanvas: what our own figures do not use, and plots that users add may: turns, curves, dashes, images, other fonts.
func TestSVGCanvas(t *testing.T) {
	t.Parallel()
	c := newSVG(100, 50, themes[Light])
	c.SetColor(color.NRGBA{255, 0, 0, 128})
	var p vg.Path
	p.Move(vg.Point{X: 10, Y: 10})
	p.Arc(vg.Point{X: 0, Y: 10}, 10, 0, 2*math.Pi)
	p.QuadTo(vg.Point{X: 1, Y: 2}, vg.Point{X: 3, Y: 4})
	p.CubeTo(vg.Point{X: 1, Y: 2}, vg.Point{X: 3, Y: 4}, vg.Point{X: 5, Y: 6})
	p.Close()
	c.Fill(p)
	c.Push()
	c.Translate(vg.Point{X: 20, Y: 10})
	c.Rotate(math.Pi / 2)
	c.FillString(face(regular, 12), vg.Point{X: 5}, "up")
	c.Pop()
	c.SetLineDash([]vg.Length{2, 1}, 1)
	c.SetLineWidth(2)
	c.Scale(2, 2)
	var l vg.Path
	l.Move(vg.Point{})
	l.Line(vg.Point{X: 1, Y: 1})
	c.Stroke(l)
	c.DrawImage(vg.Rectangle{Max: vg.Point{X: 5, Y: 5}}, image.NewGray(image.Rect(0, 0, 1, 1)))
	got := c.document("a & b")
	for _, want := range []string{
		`<title>a &amp; b</title>`,
		`<path d="M10 40L10 40A10 10 0 0 0 0 30A10 10 0 0 0-10 40A10 10 0 0 0 0 50A10 10 0 0 0 10 40Q1 48 3 46C1 48 3 46 5 44Z" fill="#f00" fill-opacity="0.502"/>`,
		`<text transform="translate(20 35) rotate(-90)">up</text>`,
		`<path d="M0 50L2 48" fill="none" stroke="#f00" stroke-opacity="0.502" stroke-width="4" stroke-dasharray="4 2" stroke-dashoffset="2"/>`,
		`<image x="0" y="40" width="10" height="10" preserveAspectRatio="none" href="data:image/png;base64,`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// TestPaintSVG: columns on one base become one outline.
func TestPaintSVG(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cols []column
		want string
	}{
		{[]column{{1, 3, 10, 20}}, "M1 40v-10h2V40z"},
		{[]column{{1, 3, 10, 20}, {3, 4, 10, 15}, {4, 5, 10, 15}}, "M1 40v-10h2v5h2V40z"},
		{[]column{{1, 3, 10, 20}, {3, 4, 11, 20}}, "M1 40v-10h2V40zM3 39v-9h1V39z"},
		{[]column{{1, 3, 10, 20}, {5, 6, 10, 20}}, "M1 40v-10h2V40zM5 40v-10h1V40z"},
		{[]column{{0.04, 0.26, 0, 0.5}}, "M0 50v-.5h.3V50z"},
	} {
		s := newSVG(100, 50, themes[Light])
		s.paint(swatch{}, c.cols)
		if got := string(s.body); !strings.Contains(got, `d="`+c.want+`"`) {
			t.Errorf("%v: %s, want %s", c.cols, got, c.want)
		}
	}
}

// TestRasterText: upright text goes straight to the pixels, turned text through gonum; both arrive.
func TestRasterText(t *testing.T) {
	t.Parallel()
	ink := func(draw func(c *rasterCanvas)) (n int) {
		c := newRaster(60, 60, 2, themes[Light])
		draw(c)
		for i := 0; i < len(c.img.Pix); i += 4 {
			if c.img.Pix[i] < 128 {
				n++
			}
		}
		return n
	}
	straight := ink(func(c *rasterCanvas) { c.FillString(face(regular, 12), vg.Point{X: 5, Y: 20}, "Hello") })
	turned := ink(func(c *rasterCanvas) {
		c.Push()
		c.Translate(vg.Point{X: 30, Y: 5})
		c.Rotate(math.Pi / 2)
		c.FillString(face(regular, 12), vg.Point{}, "Hello")
		c.Pop()
	})
	if straight < 200 || turned < straight/2 || turned > straight*2 {
		t.Errorf("%d dark pixels straight, %d turned", straight, turned)
	}
}
