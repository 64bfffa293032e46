package plots

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"

	"git.sr.ht/~sbinet/gg"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"

	"interleave/plots/bitmap"
)

// A rasterCanvas is gonum's image canvas, with columns and upright text drawn straight into the pixels:
// hatches are copied from a tile, and glyphs are set without being scaled once more.
type rasterCanvas struct {
	*vgimg.Canvas
	ratio int // device pixels for each CSS pixel
	img   *image.RGBA
	tiles map[swatch]*image.RGBA
	faces map[font.Font]xfont.Face
	stack []rasterState
}

// A rasterState is the part of the state saved by Push that is needed here.
type rasterState struct {
	color color.Color
	moved bool // by Rotate, Translate or Scale
}

// newRaster begins an image on paper. free gives its memory back.
func newRaster(w, h, ratio int, t *theme) *rasterCanvas {
	img := bitmap.New(w*ratio, h*ratio)
	ctx := gg.NewContextForRGBA(img)
	ctx.SetLineCapButt()
	ctx.InvertY()
	c := &rasterCanvas{
		// The canvas paints the image white, whatever background it is asked for.
		Canvas: vgimg.NewWith(vgimg.UseImageWithContext(img, ctx), vgimg.UseDPI(72*ratio)),
		ratio:  ratio,
		img:    img,
		tiles:  map[swatch]*image.RGBA{},
		faces:  map[font.Font]xfont.Face{},
		stack:  []rasterState{{color: color.Black}},
	}
	draw.Draw(img, img.Rect, image.NewUniform(t.paper), image.Point{}, draw.Src)
	return c
}

// free ends the use of the canvas and its image.
func (c *rasterCanvas) free() { bitmap.Free(c.img) }

func (c *rasterCanvas) state() *rasterState { return &c.stack[len(c.stack)-1] }

func (c *rasterCanvas) Push() {
	c.Canvas.Push()
	c.stack = append(c.stack, *c.state())
}

func (c *rasterCanvas) Pop() {
	c.Canvas.Pop()
	c.stack = c.stack[:len(c.stack)-1]
}

func (c *rasterCanvas) SetColor(clr color.Color) {
	c.Canvas.SetColor(clr)
	c.state().color = clr
}

func (c *rasterCanvas) Rotate(rad float64) {
	c.Canvas.Rotate(rad)
	c.state().moved = true
}

func (c *rasterCanvas) Translate(p vg.Point) {
	c.Canvas.Translate(p)
	c.state().moved = true
}

func (c *rasterCanvas) Scale(x, y float64) {
	c.Canvas.Scale(x, y)
	c.state().moved = true
}

func (c *rasterCanvas) FillString(f font.Face, at vg.Point, s string) {
	st := c.state()
	if st.moved || f.Font.Size == 0 {
		c.Canvas.FillString(f, at, s)
		return
	}
	face := c.faces[f.Font]
	if face == nil {
		face = f.FontFace(c.DPI())
		c.faces[f.Font] = face
	}
	ratio := float64(c.ratio)
	d := xfont.Drawer{Dst: c.img, Src: image.NewUniform(st.color), Face: face}
	d.Dot = fixed.Point26_6{
		X: fixed.Int26_6(math.Round(float64(at.X) * ratio * 64)),
		Y: fixed.I(int(math.Round(float64(c.img.Rect.Dy()) - float64(at.Y)*ratio))), // baselines are sharp
	}
	d.DrawString(s)
}

// paint implements painter. Edges fall on device pixels. It ignores transformations.
func (c *rasterCanvas) paint(s swatch, cols []column) {
	t := c.tiles[s]
	if t == nil {
		t = s.tile(c.ratio)
		c.tiles[s] = t
	}
	h, ratio := c.img.Rect.Dy(), float64(c.ratio)
	at := func(v float64) int { return int(math.Round(v * ratio)) }
	side := t.Rect.Dx()
	for _, r := range cols {
		area := image.Rect(at(r.x0), h-at(r.y1), at(r.x1), h-at(r.y0)).Intersect(c.img.Rect)
		for y := area.Min.Y; y < area.Max.Y; y++ {
			row := t.Pix[t.PixOffset(0, y%side):][:side*4]
			out := c.img.Pix[c.img.PixOffset(area.Min.X, y):][:4*area.Dx()]
			for n := area.Min.X % side * 4; len(out) > 0; n = 0 {
				out = out[copy(out, row[n:]):]
			}
		}
	}
}

// tile is one period of the swatch in device pixels.
func (s swatch) tile(ratio int) *image.RGBA {
	side := int(tile) * ratio
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(img, img.Rect, image.NewUniform(s.fill), image.Point{}, draw.Src)
	lines, width := s.hatch.strokes()
	if len(lines) == 0 {
		return img
	}
	const samples = 4 // in each direction, for smooth edges
	for y := range side {
		for x := range side {
			hit := 0
			for k := range samples * samples {
				px := (float64(x) + (float64(k%samples)+0.5)/samples) / float64(ratio)
				py := (float64(y) + (float64(k/samples)+0.5)/samples) / float64(ratio)
				for _, l := range lines {
					if l.distance(px, py) <= width/2 {
						hit++
						break
					}
				}
			}
			img.Set(x, y, mix(s.ink, s.fill, float64(hit)/(samples*samples)))
		}
	}
	return img
}

// distance is how far a point beside the stroke is from it; one before its beginning or after its end is out
// of reach.
func (l stroke) distance(x, y float64) float64 {
	dx, dy := l.x1-l.x0, l.y1-l.y0
	t := ((x-l.x0)*dx + (y-l.y0)*dy) / (dx*dx + dy*dy)
	if t < 0 || t > 1 {
		return math.Inf(1)
	}
	return math.Hypot(x-l.x0-t*dx, y-l.y0-t*dy)
}

// encodePNG writes an opaque image. A drawing has few colours, and a byte for each pixel instead of three
// makes the file, and the time it takes, a third. Only a large file is worth the time that packing it well
// takes.
func encodePNG(img *image.RGBA, limit int) ([]byte, error) {
	flat := indexed(img)
	var b bytes.Buffer
	for _, e := range []*png.Encoder{bitmap.Fast, bitmap.Small} {
		b.Reset()
		if err := e.Encode(&b, flat); err != nil {
			return nil, err
		}
		if b.Len() <= limit {
			break
		}
	}
	return b.Bytes(), nil
}

// A palette holds the colours that are frequent, exactly; the edges of letters, which are many shades and few
// pixels, take the nearest of those.
const paletteSize = 256

// indexed is the image with a palette of its own.
func indexed(img *image.RGBA) *image.Paletted {
	var t colorTable
	each(img, func(c uint32, from, to int) { t.colors[t.find(c)].pixels += to - from })
	order := make([]int, len(t.colors))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, k int) int {
		a, b := t.colors[i], t.colors[k]
		return cmp.Or(cmp.Compare(b.pixels, a.pixels), cmp.Compare(a.rgb, b.rgb))
	})

	out := image.NewPaletted(img.Rect, nil)
	index := make([]uint8, len(t.colors))
	var frequent []uint32
	for i, k := range order {
		c := t.colors[k].rgb
		if i < paletteSize {
			frequent = append(frequent, c)
			index[k] = uint8(i)
			out.Palette = append(out.Palette, hex(c))
		} else {
			index[k] = uint8(nearest(frequent, c))
		}
	}
	each(img, func(c uint32, from, to int) {
		i := index[t.find(c)]
		for k := range out.Pix[from:to] {
			out.Pix[from+k] = i
		}
	})
	return out
}

// A colorTable numbers colours as they are found. Most of an image is a few of them, which recent finds
// without a map.
type colorTable struct {
	colors []struct {
		rgb    uint32
		pixels int
	}
	index  map[uint32]int
	recent [1 << 10]struct {
		rgb uint32 // plus one; zero is an empty entry
		n   int
	}
}

func (t *colorTable) find(c uint32) int {
	r := &t.recent[c*2654435761>>22]
	if r.rgb == c+1 {
		return r.n
	}
	n, ok := t.index[c]
	if !ok {
		if t.index == nil {
			t.index = make(map[uint32]int, 1<<10)
		}
		n = len(t.colors)
		t.index[c] = n
		t.colors = append(t.colors, struct {
			rgb    uint32
			pixels int
		}{rgb: c})
	}
	r.rgb, r.n = c+1, n
	return n
}

// each calls f with every longest run of pixels of one colour. The image is opaque, and has no gaps between
// its rows.
func each(img *image.RGBA, f func(c uint32, from, to int)) {
	pix := img.Pix
	for i := 0; i+4 <= len(pix); {
		first, c := i, binary.BigEndian.Uint32(pix[i:])
		for i += 4; i+4 <= len(pix) && binary.BigEndian.Uint32(pix[i:]) == c; i += 4 {
		}
		f(c>>8, first/4, i/4)
	}
}

func nearest(colors []uint32, c uint32) int {
	best, least := 0, math.MaxInt
	for i, p := range colors {
		d := 0
		for shift := 0; shift <= 16; shift += 8 {
			v := int(p>>shift&255) - int(c>>shift&255)
			d += v * v
		}
		if d < least {
			best, least = i, d
		}
	}
	return best
}
