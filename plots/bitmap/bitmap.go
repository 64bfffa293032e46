// Package bitmap lends memory for images and for their compression, and keeps it for the next image: without it the 12 MB that a figure takes
// for a moment are what would keep the garbage collector of a session busy. What is not used is the collector's.
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

// Free gives an image back, which must not be used any more.
func Free(img *image.RGBA) { images.Put(img) }

// Fast and Small encode images as PNG, in little time or to little data. They may be used by several goroutines at once.
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
