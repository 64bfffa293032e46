// Package plots draws figures over plain data with gonum/plot: what an experiment's goroutines and cores did,
// how work scales, how ways to do it compare, how long things took, who waited for a lock. It must not know
// goroutines, tracers or kernels: data goes in, a drawing comes out.
//
// Measurements are passed as small interfaces, which package lab's results implement, so
//
//	plots.Speedup(lab.Scale(…))
//
// is a figure. Each interface has a plain type beside it for your own numbers. Every figure takes optional
// [Options].
//
// SVG shows names in any script, since it can use the reader's fonts. PNG is drawn with the font that comes
// with gonum/plot, Liberation Sans: Latin, Greek, Cyrillic. Any other character, such as 語 or 🚀, is a box
// there.
package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Options determine how a figure looks. The zero value is a light figure 900 pixels wide. A function takes at
// most one Options.
type Options struct {
	// in CSS pixels; 0 means 900. The height follows from the content; below 520, for a phone, labels stand
	// above their rows
	Width float64
	Theme Theme  // the colours of paper and ink
	Title string // above the caption; may be empty
	// how many rows are drawn one by one, the others being folded into one or left out; 0 means 40, and fewer
	// in a crowd
	MaxRows int
	Sorted  bool // Compare: the fastest first; LockWait: who waited longest first. Else in the order given
}

const (
	defaultWidth = 900
	minWidth     = 320
	defaultRows  = 40
)

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Width == 0:
		o.Width = defaultWidth
	case o.Width < minWidth || math.IsNaN(o.Width) || o.Width > 10_000:
		return o, fmt.Errorf("width of %v pixels is not between %d and 10000", o.Width, minWidth)
	}
	switch {
	case o.MaxRows == 0:
		o.MaxRows = defaultRows
	case o.MaxRows < 0:
		return o, fmt.Errorf("a figure cannot have %d rows", o.MaxRows)
	}
	if o.Theme > Dark {
		return o, fmt.Errorf("no theme has the number %d", o.Theme)
	}
	return o, nil
}

// A Figure is a drawing with a caption above its plot and a legend below. It has the methods by which a
// notebook shows a value: SVG and PNG. A Figure may be drawn any number of times, but not by several
// goroutines at once.
type Figure struct {
	plot    *plot.Plot
	theme   *theme
	width   float64
	title   string
	caption []line
	legend  []entry
	gutter  float64 // between the left edge and the data, for row labels
	body    float64 // height of the data
	alt     string  // what the figure shows, in words
}

// A line is a line of text above the plot.
type line struct {
	text string
	warn bool
}

// An entry is one sample in the legend: an area, a line or a mark.
type entry struct {
	swatch  swatch
	name    string
	line    *lineKind // drawn instead of the swatch
	mark    *swatch   // a dot instead of the swatch
	hollow  bool      // the dot is a ring
	whisker bool      // with the interval's line across it
}

// Plot is gonum's plot in the figure: its axes and their labels can be changed, and plotters added, until the
// figure is drawn. The horizontal axis of a timeline is in seconds.
func (f *Figure) Plot() *plot.Plot { return f.plot }

// Size is the figure's width and height in CSS pixels. PNG has twice as many of its own in each direction.
func (f *Figure) Size() (width, height int) {
	return int(math.Ceil(f.width)), int(math.Ceil(f.height()))
}

// Alt describes the figure in words.
func (f *Figure) Alt() string { return f.alt }

// String returns Alt, for places where a figure cannot be shown.
func (f *Figure) String() string { return f.alt }

// SVG is the figure as an SVG document of its own, with the glyphs that it uses embedded. Where its place is
// narrower than the figure it is scaled down; it is never scaled up.
func (f *Figure) SVG() string {
	w, h := f.Size()
	c := newSVG(float64(w), float64(h), f.theme)
	f.Draw(draw.NewCanvas(c, vg.Length(w), vg.Length(h)))
	return c.document(f.alt)
}

// maxPNG is the size in bytes above which an image is drawn with fewer pixels.
const maxPNG = 200_000

// PNG is the figure as a PNG image for screens with two device pixels to the CSS pixel; Size is what it
// should be shown at. An image of more than 200 kB is drawn again with one. A character that Liberation Sans
// does not have is a box; [Figure.SVG] shows it.
func (f *Figure) PNG() ([]byte, error) {
	w, h := f.Size()
	for ratio := 2; ; ratio-- {
		c := newRaster(w, h, ratio, f.theme)
		f.Draw(draw.NewCanvas(c, vg.Length(w), vg.Length(h)))
		data, err := encodePNG(c.img, maxPNG)
		c.free()
		if err != nil {
			return nil, fmt.Errorf("encode figure: %w", err)
		}
		if len(data) <= maxPNG || ratio == 1 {
			return data, nil
		}
	}
}

// The distances between the parts of a figure, in CSS pixels.
const (
	margin     = 12.0
	titleSize  = 14.0
	textSize   = 11.5
	labelSize  = 11.0
	smallSize  = 9.5
	lineHeight = 17.0
	legendGap  = 8.0
)

func (f *Figure) header() float64 {
	h := margin - 2
	if f.title != "" {
		h += 21
	}
	h += lineHeight * float64(len(f.caption))
	return h + 4
}

// axis returns the height of the axis that gonum draws below the data.
func (f *Figure) axis() float64 {
	area := draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: vg.Length(f.width), Y: 1000}}}
	data := f.plot.DataCanvas(area)
	return 1000 - float64(data.Max.Y-data.Min.Y)
}

func (f *Figure) height() float64 {
	h := f.header() + f.body + f.axis() + margin - 2
	if rows := len(f.legendRows()); rows > 0 {
		h += legendGap + lineHeight*float64(rows) - 2
	}
	return h
}

// legendRows breaks the legend into lines that fit.
func (f *Figure) legendRows() [][]entry {
	var rows [][]entry
	x := math.Inf(1)
	for _, e := range f.legend {
		w := entryWidth(e)
		if x+w > f.width-margin {
			rows = append(rows, nil)
			x = margin
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		x += w
	}
	return rows
}

const (
	sampleWidth  = 18.0
	sampleHeight = 9.0
)

func entryWidth(e entry) float64 { return sampleWidth + 5 + textWidth(e.name, regular, labelSize) + 16 }

// Draw draws the figure at the top left of a canvas, which should be at least of the figure's Size in points.
// On canvases of gonum's own it uses plain strokes and fills.
func (f *Figure) Draw(c draw.Canvas) {
	p := pen{c, f.theme}
	top, left := float64(c.Max.Y), float64(c.Min.X)
	h := f.height()

	y := top - margin + 2
	if f.title != "" {
		p.text(left+margin, y-titleSize, f.title, bold, titleSize, f.theme.ink)
		y -= 21
	}
	for _, l := range f.caption {
		ink := f.theme.muted
		if l.warn {
			ink = f.theme.warn
		}
		p.text(left+margin, y-textSize, fit(l.text, f.width-2*margin, regular, textSize), regular, textSize, ink)
		y -= lineHeight
	}

	area := draw.Crop(c, vg.Length(f.gutter), 0, 0, 0)
	area.Max.X = vg.Length(left + f.width - margin)
	area.Max.Y = vg.Length(top - f.header())
	area.Min.Y = area.Max.Y - vg.Length(f.body+f.axis())
	f.plot.Draw(area)

	y = top - h + margin - 2
	rows := f.legendRows()
	for i := len(rows) - 1; i >= 0; i-- {
		x := left + margin
		for _, e := range rows[i] {
			e.draw(p, x, y)
			p.text(x+sampleWidth+5, y+0.5, e.name, regular, labelSize, f.theme.ink)
			x += entryWidth(e)
		}
		y += lineHeight
	}
}

// draw draws the sample with its lower left corner at x, y.
func (e entry) draw(p pen, x, y float64) {
	mid := y + sampleHeight/2
	if e.line != nil {
		p.StrokeLine2(e.line.style(), vg.Length(x), vg.Length(mid), vg.Length(x+sampleWidth), vg.Length(mid))
		return
	}
	if e.mark == nil && e.swatch != (swatch{}) {
		p.fill(e.swatch, []column{{x, x + sampleWidth, y, y + sampleHeight}})
	}
	if e.whisker {
		ink := p.theme.ink
		if e.mark != nil {
			ink = e.mark.fill
		}
		p.whisker(x+1, mid, x+sampleWidth-1, mid, 3, ink)
	}
	switch {
	case e.mark != nil && e.hollow:
		p.ring(x+sampleWidth/2, mid, 3.6, e.mark.fill)
	case e.mark != nil:
		p.dot(x+sampleWidth/2, mid, 3.6, e.mark.fill)
	}
}
