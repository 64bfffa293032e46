// Package bitmap provides memory for images and for their compression, and reuses it for the next image:
// otherwise the 12 MB of each figure would keep the garbage collector of a session busy. Unused memory can be
// collected.
package bitmap

import (
	"image"
	"image/png"
	"sync"
)

var images sync.Pool // of *image.RGBA

// New returns an image of w times h pixels. What they are is not defined.
func New(w, h int) *image.RGBA {
	size := 4 * w * h
	if img, ok := images.Get().(*image.RGBA); ok && cap(img.Pix) >= size {
		return &image.RGBA{Pix: img.Pix[:size], Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
	}
	return image.NewRGBA(image.Rect(0, 0, w, h))
}

// Free returns an image for reuse. It must not be used afterwards.
func Free(img *image.RGBA) { images.Put(img) }

// Fast and Small encode images as PNG, in little time or to little data. They may be used by several
// goroutines at once.
var (
	Fast  = &png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: new(buffers)}
	Small = &png.Encoder{CompressionLevel: png.DefaultCompression, BufferPool: new(buffers)}
)

// buffers is a sync.Pool with the types of package png.
type buffers sync.Pool

func (p *buffers) Get() *png.EncoderBuffer {
	b, _ := (*sync.Pool)(p).Get().(*png.EncoderBuffer)
	return b
}

func (p *buffers) Put(b *png.EncoderBuffer) { (*sync.Pool)(p).Put(b) }
