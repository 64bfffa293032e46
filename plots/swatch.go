package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// A swatch is a way to fill an area: a colour, and lines of another on it.
type swatch struct {
	fill  color.NRGBA
	ink   color.NRGBA // of the hatch
	hatch hatch
}

// A hatch is a pattern of lines that repeats every tile pixels in both directions.
type hatch uint8

const (
	plain hatch = iota
	rising
	falling
	crossed
	upright
	level
	dotted
	dense
	checked
	dashed
	barred
	hatches
)

const tile = 6.0

// A stroke is a line of a hatch in its tile, y downwards. Strokes may leave the tile where a neighbour's
// would enter it.
type stroke struct{ x0, y0, x1, y1 float64 }

func (h hatch) strokes() (lines []stroke, width float64) {
	rise := []stroke{{-1, 1, 1, -1}, {-1, 7, 7, -1}, {5, 7, 7, 5}}
	fall := []stroke{{5, -1, 7, 1}, {-1, -1, 7, 7}, {-1, 5, 1, 7}}
	switch h {
	case rising:
		return rise, 0.9
	case falling:
		return fall, 0.9
	case crossed:
		return append(rise, fall...), 0.7
	case upright:
		return []stroke{{3, 0, 3, 6}}, 0.9
	case level:
		return []stroke{{0, 1, 6, 1}, {0, 4, 6, 4}}, 0.7
	case dotted:
		return []stroke{{1, 1.5, 2, 1.5}, {4, 4.5, 5, 4.5}}, 1
	case dense:
		return []stroke{{-1, 1, 1, -1}, {-1, 4, 4, -1}, {-1, 7, 7, -1}, {2, 7, 7, 2}, {5, 7, 7, 5}}, 1.1
	case dashed:
		return []stroke{{0, 1.5, 3, 1.5}, {3, 4.5, 6, 4.5}}, 0.9
	case barred:
		return []stroke{{1.5, 0, 1.5, 6}, {4.5, 0, 4.5, 6}}, 1.2
	case checked:
		return []stroke{{0, 1.5, 3, 1.5}, {3, 4.5, 6, 4.5}}, 3
	}
	return nil, 0
}

// A column is an upright rectangle, y upwards as everywhere in gonum/plot. Columns that follow each other
// without a gap and stand on the same base are one shape.
type column struct{ x0, x1, y0, y1 float64 }

// A painter is a canvas that fills columns by itself, hatches included. The canvases of this package do.
type painter interface {
	paint(s swatch, cols []column)
}

// paintPlain fills columns on a canvas without hatches.
func paintPlain(c vg.Canvas, s swatch, cols []column) {
	c.SetColor(s.fill)
	for _, r := range cols {
		rect := vg.Rectangle{Min: vg.Point{X: vg.Length(r.x0), Y: vg.Length(r.y0)}, Max: vg.Point{X: vg.Length(r.x1), Y: vg.Length(r.y1)}}
		c.Fill(rect.Path())
	}
	lines, width := s.hatch.strokes()
	if len(lines) == 0 {
		return
	}
	c.SetColor(s.ink)
	c.SetLineWidth(vg.Length(width))
	c.SetLineDash(nil, 0)
	for _, r := range cols {
		var path vg.Path
		for ty := math.Floor(r.y0/tile) * tile; ty < r.y1; ty += tile {
			for tx := math.Floor(r.x0/tile) * tile; tx < r.x1; tx += tile {
				for _, l := range lines {
					if l, ok := clip(stroke{tx + l.x0, ty + tile - l.y0, tx + l.x1, ty + tile - l.y1}, r, tx, ty); ok {
						path.Move(vg.Point{X: vg.Length(l.x0), Y: vg.Length(l.y0)})
						path.Line(vg.Point{X: vg.Length(l.x1), Y: vg.Length(l.y1)})
					}
				}
			}
		}
		if len(path) > 0 {
			c.Stroke(path)
		}
	}
}

// clip cuts a line to the part of a column that lies in one tile.
func clip(l stroke, r column, tx, ty float64) (stroke, bool) {
	t0, t1 := 0.0, 1.0
	within := func(p, d, lo, hi float64) bool {
		if d == 0 {
			return lo <= p && p <= hi
		}
		a, b := (lo-p)/d, (hi-p)/d
		t0, t1 = max(t0, min(a, b)), min(t1, max(a, b))
		return t0 < t1
	}
	dx, dy := l.x1-l.x0, l.y1-l.y0
	ok := within(l.x0, dx, max(r.x0, tx), min(r.x1, tx+tile)) && within(l.y0, dy, max(r.y0, ty), min(r.y1, ty+tile))
	return stroke{l.x0 + t0*dx, l.y0 + t0*dy, l.x0 + t1*dx, l.y0 + t1*dy}, ok
}
