package plots

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// An svgCanvas is a vg.Canvas that writes SVG. gonum has one, too; this one writes hatches as patterns, joins
// columns to one path, writes coordinates to a tenth of a pixel, and embeds only the glyphs that are used: a
// tenth of the size.
type svgCanvas struct {
	w, h  float64
	theme *theme
	body  []byte
	used  []swatch // hatched ones, by number of their pattern
	glyph map[font.Font]map[rune]bool
	open  string // the tag of the group of texts that is being written
	stack []svgState
}

// An svgState is what Push saves.
type svgState struct {
	a, b, c, d, e, f float64 // the transformation, as SVG's matrix, from gonum's points with y upwards
	color            color.Color
	width            float64
	dash             []vg.Length
	offset           float64
}

func newSVG(w, h float64, t *theme) *svgCanvas {
	c := &svgCanvas{w: w, h: h, theme: t, glyph: map[font.Font]map[rune]bool{}}
	c.stack = []svgState{{a: 1, d: -1, f: h, color: color.Black}}
	vg.Initialize(c)
	return c
}

func (c *svgCanvas) state() *svgState { return &c.stack[len(c.stack)-1] }

func (c *svgCanvas) SetLineWidth(w vg.Length) { c.state().width = float64(w) }
func (c *svgCanvas) SetColor(clr color.Color) { c.state().color = clr }
func (c *svgCanvas) Push()                    { c.stack = append(c.stack, *c.state()) }
func (c *svgCanvas) Pop()                     { c.stack = c.stack[:len(c.stack)-1] }
func (c *svgCanvas) Size() (w, h vg.Length)   { return vg.Length(c.w), vg.Length(c.h) }
func (c *svgCanvas) Translate(p vg.Point)     { c.apply(1, 0, 0, 1, float64(p.X), float64(p.Y)) }
func (c *svgCanvas) Scale(x, y float64)       { c.apply(x, 0, 0, y, 0, 0) }
func (c *svgCanvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	c.apply(cos, sin, -sin, cos, 0, 0)
}

func (c *svgCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.state().dash, c.state().offset = pattern, float64(offset)
}

func (c *svgCanvas) apply(a, b, cc, d, e, f float64) {
	s := c.state()
	s.a, s.b, s.c, s.d, s.e, s.f = s.a*a+s.c*b, s.b*a+s.d*b, s.a*cc+s.c*d, s.b*cc+s.d*d, s.a*e+s.c*f+s.e, s.b*e+s.d*f+s.f
}

func (s *svgState) point(p vg.Point) (x, y float64) {
	px, py := float64(p.X), float64(p.Y)
	return s.a*px + s.c*py + s.e, s.b*px + s.d*py + s.f
}

// scale is by how much lengths grow; transformations that treat directions differently do not occur in plots.
func (s *svgState) scale() float64 { return math.Sqrt(math.Abs(s.a*s.d - s.b*s.c)) }

// number appends v to a tenth of a pixel, in as few characters as SVG allows.
func (c *svgCanvas) number(v float64) {
	t := int64(math.Round(v * 10))
	if t < 0 {
		c.body = append(c.body, '-')
		t = -t
	}
	if t >= 10 || t == 0 {
		c.body = strconv.AppendInt(c.body, t/10, 10)
	}
	if t%10 != 0 {
		c.body = append(c.body, '.', byte('0'+t%10))
	}
}

// numbers appends numbers with the separators that they need.
func (c *svgCanvas) numbers(vs ...float64) {
	for i, v := range vs {
		if i > 0 && math.Round(v*10) >= 0 {
			c.body = append(c.body, ' ')
		}
		c.number(v)
	}
}

func (c *svgCanvas) puts(s string) { c.body = append(c.body, s...) }

func (c *svgCanvas) path(p vg.Path) {
	s := c.state()
	c.ungroup()
	c.puts(`<path d="`)
	for _, comp := range p {
		x, y := s.point(comp.Pos)
		switch comp.Type {
		case vg.MoveComp:
			c.puts("M")
			c.numbers(x, y)
		case vg.LineComp:
			c.puts("L")
			c.numbers(x, y)
		case vg.ArcComp:
			c.arc(s, comp)
		case vg.CurveComp:
			if len(comp.Control) == 1 {
				c.puts("Q")
			} else {
				c.puts("C")
			}
			for _, q := range comp.Control {
				qx, qy := s.point(q)
				c.numbers(qx, qy)
				c.puts(" ")
			}
			c.numbers(x, y)
		case vg.CloseComp:
			c.puts("Z")
		}
	}
	c.puts(`"`)
}

// arc draws in quarters at most, since SVG cannot draw a whole circle as one arc.
func (c *svgCanvas) arc(s *svgState, a vg.PathComp) {
	at := func(angle float64) (x, y float64) {
		sin, cos := math.Sincos(angle)
		return s.point(vg.Point{X: a.Pos.X + a.Radius*vg.Length(cos), Y: a.Pos.Y + a.Radius*vg.Length(sin)})
	}
	n := max(1, int(math.Ceil(math.Abs(a.Angle)/(math.Pi/2))))
	sweep := 0.0
	if (a.Angle > 0) == (s.a*s.d-s.b*s.c > 0) {
		sweep = 1
	}
	r := float64(a.Radius) * s.scale()
	x, y := at(a.Start)
	if strings.HasSuffix(string(c.body), `d="`) {
		c.puts("M")
	} else {
		c.puts("L")
	}
	c.numbers(x, y)
	for i := 1; i <= n; i++ {
		x, y = at(a.Start + a.Angle*float64(i)/float64(n))
		c.puts("A")
		c.numbers(r, r, 0, 0, sweep, x, y)
	}
}

func (c *svgCanvas) Stroke(p vg.Path) {
	s := c.state()
	if s.width <= 0 || len(p) == 0 {
		return
	}
	c.path(p)
	c.puts(` fill="none"`)
	c.ink("stroke", s.color)
	if w := s.width * s.scale(); w != 1 {
		c.puts(` stroke-width="` + strconv.FormatFloat(w, 'g', 3, 64) + `"`)
	}
	if len(s.dash) > 0 {
		c.puts(` stroke-dasharray="`)
		for i, d := range s.dash {
			if i > 0 {
				c.puts(" ")
			}
			c.number(float64(d) * s.scale())
		}
		c.puts(`"`)
		if s.offset != 0 {
			c.puts(` stroke-dashoffset="`)
			c.number(s.offset * s.scale())
			c.puts(`"`)
		}
	}
	c.puts("/>\n")
}

func (c *svgCanvas) Fill(p vg.Path) {
	if len(p) == 0 {
		return
	}
	c.path(p)
	c.ink("fill", c.state().color)
	c.puts("/>\n")
}

// ink writes a colour attribute, and one for its opacity when it has any.
func (c *svgCanvas) ink(attr string, clr color.Color) {
	if clr == nil {
		clr = color.Black
	}
	n := color.NRGBAModel.Convert(clr).(color.NRGBA)
	c.puts(" " + attr + `="` + hexString(n) + `"`)
	if n.A != 255 {
		c.puts(" " + attr + `-opacity="` + strconv.FormatFloat(float64(n.A)/255, 'g', 3, 64) + `"`)
	}
}

func hexString(c color.NRGBA) string {
	if c.R%17 == 0 && c.G%17 == 0 && c.B%17 == 0 {
		return fmt.Sprintf("#%x%x%x", c.R/17, c.G/17, c.B/17)
	}
	return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
}

func (c *svgCanvas) FillString(f font.Face, at vg.Point, s string) {
	use := f.Font
	use.Size = 0
	if c.glyph[use] == nil {
		c.glyph[use] = map[rune]bool{}
	}
	for _, r := range s {
		c.glyph[use][r] = true
	}
	st := c.state()
	x, y := st.point(at)
	c.group(use, float64(f.Font.Size)*st.scale(), st.color)
	c.puts("<text")
	if st.b != 0 || st.c != 0 {
		c.puts(` transform="translate(`)
		c.numbers(x, y)
		c.puts(") rotate(" + strconv.FormatFloat(-math.Atan2(-st.b, st.a)*180/math.Pi, 'g', 5, 64) + `)"`)
	} else {
		c.puts(` x="`)
		c.number(x)
		c.puts(`" y="`)
		c.number(y)
		c.puts(`"`)
	}
	c.puts(">" + escape(s) + "</text>\n")
}

// group opens a group with the attributes of a text, unless the last thing written was a text of the same.
func (c *svgCanvas) group(f font.Font, size float64, clr color.Color) {
	start := len(c.body)
	c.puts("<g")
	c.puts(` font-size="`)
	c.number(size)
	c.puts(`"`)
	if f.Variant != regular.Variant {
		c.puts(` font-family="` + familyOf(f, idMark) + `"`)
	}
	if f.Weight != 0 {
		c.puts(` font-weight="bold"`)
	}
	if f.Style != 0 {
		c.puts(` font-style="italic"`)
	}
	c.ink("fill", clr)
	c.puts(">\n")
	tag := string(c.body[start:])
	c.body = c.body[:start]
	if tag == c.open {
		return
	}
	c.ungroup()
	c.puts(tag)
	c.open = tag
}

// ungroup ends the group of texts, if one is open.
func (c *svgCanvas) ungroup() {
	if c.open != "" {
		c.puts("</g>\n")
		c.open = ""
	}
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // replaces what XML cannot hold
	return b.String()
}

// familyOf lists the fonts for a text: the embedded one, and those that a viewer may know which ignores it.
func familyOf(f font.Font, id string) string {
	own := id + variantOf(f)
	switch f.Variant {
	case "Sans":
		return own + ",Liberation Sans,Arial,Helvetica,sans-serif"
	case "Mono":
		return own + ",Liberation Mono,Courier New,monospace"
	}
	return own + ",Liberation Serif,Times New Roman,serif"
}

func variantOf(f font.Font) string {
	switch f.Variant {
	case "Sans", "Mono":
		return strings.ToLower(string(f.Variant))
	}
	return "serif"
}

func (c *svgCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	var b strings.Builder
	enc := base64.NewEncoder(base64.StdEncoding, &b)
	if err := png.Encode(enc, img); err != nil {
		panic(err) // the interface has no error; an image in memory can be encoded
	}
	enc.Close()
	c.ungroup()
	s := c.state()
	x0, y0 := s.point(r.Min)
	x1, y1 := s.point(r.Max)
	c.puts(`<image x="`)
	c.number(min(x0, x1))
	c.puts(`" y="`)
	c.number(min(y0, y1))
	c.puts(`" width="`)
	c.number(math.Abs(x1 - x0))
	c.puts(`" height="`)
	c.number(math.Abs(y1 - y0))
	c.puts(`" preserveAspectRatio="none" href="data:image/png;base64,` + b.String() + "\"/>\n")
}

// paint implements painter. Columns side by side on one base become one outline. It heeds no transformation
// but the first.
func (c *svgCanvas) paint(s swatch, cols []column) {
	if len(cols) == 0 {
		return
	}
	// All corners are rounded to tenths first, so that relative steps do not add up errors.
	q := func(v float64) float64 { return math.Round(v*10) / 10 }
	c.ungroup()
	c.puts(`<path d="`)
	for i := 0; i < len(cols); {
		first := cols[i]
		x, y := q(first.x0), q(c.h-first.y0)
		c.puts("M")
		c.numbers(x, y)
		base := y
		for {
			top := q(c.h - cols[i].y1)
			if top != y {
				c.puts("v")
				c.number(top - y)
				y = top
			}
			right := q(cols[i].x1)
			if i+1 < len(cols) && cols[i+1].y0 == first.y0 && q(cols[i+1].x0) == right && q(c.h-cols[i+1].y1) == top {
				i++ // the same height continues
				continue
			}
			c.puts("h")
			c.number(right - x)
			x = right
			i++
			if i == len(cols) || cols[i].y0 != first.y0 || q(cols[i].x0) != right {
				break
			}
		}
		if y != base {
			c.puts("V")
			c.number(base)
		}
		c.puts("z")
	}
	c.puts(`"`)
	if s.hatch == plain {
		c.ink("fill", s.fill)
	} else {
		i := slices.Index(c.used, s)
		if i < 0 {
			i = len(c.used)
			c.used = append(c.used, s)
		}
		c.puts(` fill="url(#` + idMark + strconv.Itoa(i) + `)"`)
	}
	c.puts("/>\n")
}

// idMark stands for the document's own prefix of ids until its content is known. Several figures may share
// one page, and an id must not lead from one to another.
const idMark = "\x00"

func (c *svgCanvas) document(alt string) string {
	c.ungroup()
	hash := fnv.New32a()
	hash.Write(c.body)
	id := "il" + strconv.FormatUint(uint64(hash.Sum32()), 36) + "-"

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g" style="max-width:100%%;height:auto" role="img" font-family="%s">`+"\n",
		c.w, c.h, c.w, c.h, familyOf(regular, id))
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(alt))
	b.WriteString("<defs>\n")
	c.fonts(&b, id)
	for i, s := range c.used {
		fmt.Fprintf(&b, `<pattern id="%s%d" width="%g" height="%g" patternUnits="userSpaceOnUse"><rect width="%g" height="%g" fill="%s"/><path d="`,
			id, i, tile, tile, tile, tile, hexString(s.fill))
		lines, width := s.hatch.strokes()
		for _, l := range lines {
			fmt.Fprintf(&b, "M%g %gL%g %g", l.x0, l.y0, l.x1, l.y1)
		}
		fmt.Fprintf(&b, `" stroke="%s" stroke-width="%g"/></pattern>`+"\n", hexString(s.ink), width)
	}
	b.WriteString("</defs>\n")
	fmt.Fprintf(&b, `<rect width="%g" height="%g" rx="4" fill="%s"/>`+"\n", c.w, c.h, hexString(c.theme.paper))
	b.WriteString(strings.ReplaceAll(string(c.body), idMark, id))
	b.WriteString("</svg>\n")
	return b.String()
}

// fonts embeds the glyphs that were used. Each font gets a name of the document's own: where several figures
// share a page, one's few glyphs must not be taken for all of Liberation Sans.
func (c *svgCanvas) fonts(b *strings.Builder, id string) {
	used := slices.SortedFunc(maps.Keys(c.glyph), func(a, b font.Font) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Weight, b.Weight), cmp.Compare(a.Style, b.Style))
	})
	for i, f := range used {
		data, err := subset(font.DefaultCache.Lookup(f, 1).Face, slices.Collect(maps.Keys(c.glyph[f])))
		if err != nil {
			continue // a font of the user's own that is not TrueType: the viewer has to know it
		}
		if i == 0 {
			b.WriteString("<style>")
		}
		weight, style := "400", "normal"
		if f.Weight != 0 {
			weight = "700"
		}
		if f.Style != 0 {
			style = "italic"
		}
		fmt.Fprintf(b, "@font-face{font-family:%s%s;font-weight:%s;font-style:%s;src:url(data:font/ttf;base64,%s)}",
			id, variantOf(f), weight, style, base64.StdEncoding.EncodeToString(data))
		if i == len(used)-1 {
			b.WriteString("</style>\n")
		}
	}
}
