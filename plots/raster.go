package plots

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// pixelRatio is how many device pixels a raster has for each CSS pixel.
const pixelRatio = 2

// A rasterCanvas is gonum's image canvas, with columns filled straight into the pixels.
type rasterCanvas struct {
	*vgimg.Canvas
	tiles map[swatch]*image.RGBA
}

func newRaster(w, h int, t *theme) *rasterCanvas {
	return &rasterCanvas{
		Canvas: vgimg.NewWith(vgimg.UseWH(vg.Length(w), vg.Length(h)), vgimg.UseDPI(72*pixelRatio), vgimg.UseBackgroundColor(t.paper)),
		tiles:  map[swatch]*image.RGBA{},
	}
}

func (c *rasterCanvas) pixels() *image.RGBA { return c.Image().(*image.RGBA) }

// paint implements painter. Edges fall on device pixels. It heeds no transformation.
func (c *rasterCanvas) paint(s swatch, cols []column) {
	t := c.tiles[s]
	if t == nil {
		t = s.tile()
		c.tiles[s] = t
	}
	img := c.pixels()
	h := img.Rect.Dy()
	at := func(v float64) int { return int(math.Round(v * pixelRatio)) }
	side := t.Rect.Dx()
	for _, r := range cols {
		area := image.Rect(at(r.x0), h-at(r.y1), at(r.x1), h-at(r.y0)).Intersect(img.Rect)
		for y := area.Min.Y; y < area.Max.Y; y++ {
			row := t.Pix[t.PixOffset(0, y%side):][:side*4]
			out := img.Pix[img.PixOffset(area.Min.X, y):][:4*area.Dx()]
			for n := area.Min.X % side * 4; len(out) > 0; n = 0 {
				out = out[copy(out, row[n:]):]
			}
		}
	}
}

// tile is one period of the swatch in device pixels.
func (s swatch) tile() *image.RGBA {
	const side = int(tile * pixelRatio)
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
				px := (float64(x) + (float64(k%samples)+0.5)/samples) / pixelRatio
				py := (float64(y) + (float64(k/samples)+0.5)/samples) / pixelRatio
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

// distance is how far a point is from the stroke.
func (l stroke) distance(x, y float64) float64 {
	dx, dy := l.x1-l.x0, l.y1-l.y0
	t := ((x-l.x0)*dx + (y-l.y0)*dy) / (dx*dx + dy*dy)
	t = min(max(t, 0), 1)
	return math.Hypot(x-l.x0-t*dx, y-l.y0-t*dy)
}

// encodePNG writes an opaque image. A drawing has few colours, so that most fit into a palette, which makes the file a third
// as large and as slow; where they do not, it is written in full colour.
func encodePNG(w io.Writer, img *image.RGBA) error {
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if p := indexed(img); p != nil {
		return enc.Encode(w, p)
	}
	return enc.Encode(w, img)
}

// indexed is the image with a palette, after its colours were rounded to the nearest of 32 levels where that is needed to
// count them in a byte; nil when even those are too many.
func indexed(img *image.RGBA) *image.Paletted {
	for _, round := range []uint32{0xffffff, 0xfcfcfc, 0xf8f8f8, 0xf0f0f0} {
		out := image.NewPaletted(img.Rect, nil)
		index := make(map[uint32]uint8, 256)
		var last uint32 = 1 << 31
		var lastIndex uint8
		ok := true
	scan:
		for y := range img.Rect.Dy() {
			row := img.Pix[y*img.Stride:][:4*img.Rect.Dx()]
			dst := out.Pix[y*out.Stride:][:img.Rect.Dx()]
			for x := range dst {
				full := uint32(row[4*x])<<16 | uint32(row[4*x+1])<<8 | uint32(row[4*x+2])
				key := full & round
				if key != last {
					i, seen := index[key]
					if !seen {
						if len(out.Palette) == 256 {
							ok = false
							break scan
						}
						i = uint8(len(out.Palette))
						index[key] = i
						out.Palette = append(out.Palette, hexColor(full))
					}
					last, lastIndex = key, i
				}
				dst[x] = lastIndex
			}
		}
		if ok {
			return out
		}
	}
	return nil
}

func hexColor(v uint32) color.Color { return hex(v) }
