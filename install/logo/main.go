// Command logo draws the kernel's pictures: two strands that take turns. It knows the one drawing, as an SVG
// of 64 by 64 units, and renders the PNGs from the same curves.
package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

const (
	top, bottom = 19.0, 45.0
	left, right = 8.0, 56.0
	turns       = 2    // how often the strands cross
	bend        = 0.50 // how far a curve's handles reach, of its width: nearly a sine
	gap         = 0.16 // what the lower strand leaves out around a crossing, in the curve's parameter
	stroke      = 6.5
	dot         = 6.5 // radius of a strand's ends
)

var (
	blue = color.NRGBA{0x00, 0xad, 0xd8, 0xff}
	warm = color.NRGBA{0xf5, 0x8a, 0x3c, 0xff}
)

type point struct{ x, y float64 }

// A cubic is one Bézier curve.
type cubic [4]point

// A strand is what is drawn in one colour.
type strand struct {
	color  color.NRGBA
	pieces [][]cubic // each piece is one stroke
	ends   [2]point
}

func mid(a, b point, t float64) point { return point{a.x + (b.x-a.x)*t, a.y + (b.y-a.y)*t} }

// split cuts a curve at t.
func (c cubic) split(t float64) (a, b cubic) {
	p01, p12, p23 := mid(c[0], c[1], t), mid(c[1], c[2], t), mid(c[2], c[3], t)
	p012, p123 := mid(p01, p12, t), mid(p12, p23, t)
	m := mid(p012, p123, t)
	return cubic{c[0], p01, p012, m}, cubic{m, p123, p23, c[3]}
}

// weave returns the two strands. They swap places in each turn, and take turns in passing above.
func weave() [2]strand {
	strands := [2]strand{{color: blue}, {color: warm}}
	w := (right - left) / turns
	for s := range strands {
		st := &strands[s]
		var piece []cubic
		for i := range turns {
			x0, x1 := left+float64(i)*w, left+float64(i+1)*w
			y0, y1 := top, bottom
			if (i+s)%2 == 1 {
				y0, y1 = y1, y0
			}
			c := cubic{{x0, y0}, {x0 + bend*w, y0}, {x1 - bend*w, y1}, {x1, y1}}
			if i == 0 {
				st.ends[0] = c[0]
			}
			st.ends[1] = c[3]
			if (i+s)%2 == 0 {
				piece = append(piece, c)
				continue
			}
			before, _ := c.split(0.5 - gap)
			_, after := c.split(0.5 + gap)
			st.pieces = append(st.pieces, append(piece, before))
			piece = []cubic{after}
		}
		st.pieces = append(st.pieces, piece)
	}
	return strands
}

func svg() []byte {
	var b bytes.Buffer
	fmt.Fprintf(
		&b,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\" width=\"64\" height=\"64\">\n  <title>Interleave</title>\n",
	)
	for _, s := range weave() {
		hex := fmt.Sprintf("#%02x%02x%02x", s.color.R, s.color.G, s.color.B)
		fmt.Fprintf(&b, "  <path fill=\"none\" stroke=\"%s\" stroke-width=\"%g\" d=\"", hex, stroke)
		for i, p := range s.pieces {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "M%.2f %.2f", p[0][0].x, p[0][0].y)
			for _, c := range p {
				fmt.Fprintf(&b, " C%.2f %.2f %.2f %.2f %.2f %.2f", c[1].x, c[1].y, c[2].x, c[2].y, c[3].x, c[3].y)
			}
		}
		fmt.Fprint(&b, "\"/>\n")
		for _, e := range s.ends {
			fmt.Fprintf(&b, "  <circle cx=\"%g\" cy=\"%g\" r=\"%g\" fill=\"%s\"/>\n", e.x, e.y, dot, hex)
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// render draws the picture with n by n pixels.
func render(n int) image.Image {
	unit := vg.Length(n) / 64 // a unit of the drawing, in points that are a pixel each
	c := vgimg.NewWith(vgimg.UseWH(vg.Length(n), vg.Length(n)), vgimg.UseDPI(72),
		vgimg.UseBackgroundColor(color.Transparent))
	at := func(p point) vg.Point { return vg.Point{X: vg.Length(p.x) * unit, Y: vg.Length(64-p.y) * unit} }
	for _, s := range weave() {
		c.SetColor(s.color)
		c.SetLineWidth(stroke * unit)
		for _, p := range s.pieces {
			var path vg.Path
			path.Move(at(p[0][0]))
			for _, k := range p {
				path.CubeTo(at(k[1]), at(k[2]), at(k[3]))
			}
			c.Stroke(path)
		}
		for _, e := range s.ends {
			var path vg.Path
			path.Move(at(point{e.x + dot, e.y}))
			path.Arc(at(e), dot*unit, 0, 2*math.Pi)
			path.Close()
			c.Fill(path)
		}
	}
	return c.Image()
}

func main() {
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join("assets", name), b, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	write("logo-svg.svg", svg())
	for _, n := range []int{32, 64} {
		var b bytes.Buffer
		if err := png.Encode(&b, render(n)); err != nil {
			log.Fatal(err)
		}
		write(fmt.Sprintf("logo-%dx%d.png", n, n), b.Bytes())
	}
}
