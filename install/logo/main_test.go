package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// The pictures that are installed are those that this command draws.
func TestAssetsAreDrawnHere(t *testing.T) {
	t.Parallel()
	asset := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("..", "assets", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(asset("logo-svg.svg"), svg()) {
		t.Error("logo-svg.svg is old: go generate ./install")
	}
	for name, n := range map[string]int{"logo-32x32.png": 32, "logo-64x64.png": 64} {
		old, err := png.Decode(bytes.NewReader(asset(name)))
		if err != nil {
			t.Fatal(err)
		}
		if d := difference(old, render(n)); d > 2 {
			t.Errorf("%s differs by %d: go generate ./install", name, d)
		}
	}
}

// difference is the largest difference of a channel of two pictures, of 255.
func difference(a, b image.Image) int {
	if a.Bounds() != b.Bounds() {
		return 255
	}
	most := 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p, q := color.RGBAModel.Convert(a.At(x, y)).(color.RGBA), color.RGBAModel.Convert(b.At(x, y)).(color.RGBA)
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B), int(p.A) - int(q.A)} {
				most = max(most, d, -d)
			}
		}
	}
	return most
}
