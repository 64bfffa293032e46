#!/usr/bin/env bash
# gonum.org/v1/plot v0.17.0: a canvas that is made of an image does not show the image.
#
# Guess:      vgimg.UseImage "specifies an image to create the canvas from": what is drawn comes on top of it, as for marks on a photograph or
#             a heat map. Whoever wants another ground adds vgimg.UseBackgroundColor.
# Behaviour:  NewWith paints the whole canvas white, whatever is in the image. With UseImageWithContext, which does not copy, the image that
#             was handed in is white afterwards, too. UseBackgroundColor, transparent or not, panics beside both: "incompatible options".
# Why:        NewWith ends with draw.Draw(c.img, …, c.backgroundColor, …, draw.Src) for every canvas, and both options claim the background
#             without setting it, so that it stays the default, white (plot/vg/vgimg/vgimg.go).
# So:         make the canvas first and draw the image on it with Canvas.DrawImage, or copy the pixels into Canvas.Image() before plotting.
#
# Needs: go (it fetches the toolchain and the module named below).
set -euo pipefail
export GOTOOLCHAIN=go1.26.8 GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'module finding\n\ngo 1.26\n\nrequire gonum.org/v1/plot v0.17.0\n' >go.mod
cat >main.go <<'GO'
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"git.sr.ht/~sbinet/gg"
	"gonum.org/v1/plot/vg/vgimg"
)

func red() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 96, 96))
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{200, 0, 0, 255}), image.Point{}, draw.Src)
	return img
}

func at(img image.Image) color.RGBA { return color.RGBAModel.Convert(img.At(48, 48)).(color.RGBA) }

func main() {
	img := red()
	c := vgimg.NewWith(vgimg.UseImage(img))
	fmt.Println("UseImage: the image", at(img), "its canvas", at(c.Image()))

	img = red()
	vgimg.NewWith(vgimg.UseImageWithContext(img, gg.NewContextForRGBA(img)))
	fmt.Println("UseImageWithContext: the image", at(img))

	defer func() { fmt.Println("with UseBackgroundColor: panic:", recover()) }()
	vgimg.NewWith(vgimg.UseImage(red()), vgimg.UseBackgroundColor(color.Transparent))
}
GO
go mod tidy >/dev/null 2>&1
got=$(go run .)
want='UseImage: the image {200 0 0 255} its canvas {255 255 255 255}
UseImageWithContext: the image {255 255 255 255}
with UseBackgroundColor: panic: incompatible options'
echo "$got"
[ "$got" = "$want" ] || { echo "this has changed; it was:"; echo "$want"; exit 1; }
