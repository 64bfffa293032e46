package plots

import (
	"image/color"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// All text is set in Liberation Sans, which gonum/plot carries and whose widths are those of Arial and
// Helvetica: where a viewer ignores embedded fonts, the layout still holds.
var (
	regular = font.Font{Typeface: "Liberation", Variant: "Sans"}
	bold    = font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightBold}
)

func face(f font.Font, size float64) font.Face {
	return font.DefaultCache.Lookup(f, vg.Length(size))
}

// textWidth is how wide a text will be. A viewer takes characters that Liberation does not have from an
// unknown font; East Asian characters are as wide as they are high in all fonts.
func textWidth(s string, f font.Font, size float64) float64 {
	wide := 0
	known := strings.Map(func(r rune) rune {
		if r >= 0x2e80 {
			wide++
			return -1
		}
		return r
	}, s)
	fc := face(f, size)
	return float64(fc.Width(known)) + float64(wide)*size
}

// fit is s, or as much of its beginning as fits into width with an ellipsis, or nothing.
func fit(s string, width float64, f font.Font, size float64) string {
	if textWidth(s, f, size) <= width {
		return s
	}
	r := []rune(s)
	lo, hi := 0, len(r)-1 // r[:lo]… fits, r[:hi+1]… is not known to
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if textWidth(string(r[:mid])+"…", f, size) <= width {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	if lo == 0 {
		return ""
	}
	return string(r[:lo]) + "…"
}

// wrap breaks s where sep is, into lines that fit into width.
func wrap(s, sep string, width float64, f font.Font, size float64) []string {
	var lines []string
	for i, part := range strings.Split(s, sep) {
		if i > 0 && textWidth(lines[len(lines)-1]+sep+part, f, size) <= width {
			lines[len(lines)-1] += sep + part
		} else {
			lines = append(lines, part)
		}
	}
	return lines
}

// A pen draws in a figure's colours.
type pen struct {
	draw.Canvas
	theme *theme
}

// text writes s with its baseline beginning at x, y.
func (p pen) text(x, y float64, s string, f font.Font, size float64, ink color.Color) {
	if s == "" {
		return
	}
	p.SetColor(ink)
	p.FillString(face(f, size), vg.Point{X: vg.Length(x), Y: vg.Length(y)}, s)
}

// textRight writes s so that it ends at x.
func (p pen) textRight(x, y float64, s string, f font.Font, size float64, ink color.Color) {
	p.text(x-textWidth(s, f, size), y, s, f, size, ink)
}

// textCentre writes s with its middle at x.
func (p pen) textCentre(x, y float64, s string, f font.Font, size float64, ink color.Color) {
	p.text(x-textWidth(s, f, size)/2, y, s, f, size, ink)
}

func (p pen) fill(s swatch, cols []column) {
	if len(cols) == 0 {
		return
	}
	c := p.Canvas.Canvas
	for { // gonum wraps the text that it crops
		inner, ok := c.(draw.Canvas)
		if !ok {
			break
		}
		c = inner.Canvas
	}
	if c, ok := c.(painter); ok {
		c.paint(s, cols)
		return
	}
	paintPlain(c, s, cols)
}

// rule draws a straight line.
func (p pen) rule(x0, y0, x1, y1, width float64, ink color.Color) {
	p.StrokeLine2(draw.LineStyle{Color: ink, Width: vg.Length(width)}, vg.Length(x0), vg.Length(y0), vg.Length(x1), vg.Length(y1))
}
