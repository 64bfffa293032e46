package bitmap

import (
	"image"
	"testing"
)

// TestNew: an image has its size, whatever was given back before.
func TestNew(t *testing.T) {
	t.Parallel()
	for i := range 100 {
		w, h := 1+i*37%50, 1+i*11%30
		img := New(w, h)
		if img.Rect != image.Rect(0, 0, w, h) || img.Stride != 4*w || len(img.Pix) != 4*w*h {
			t.Fatalf("%d × %d: %v, stride %d, %d bytes", w, h, img.Rect, img.Stride, len(img.Pix))
		}
		Free(img)
	}
}
