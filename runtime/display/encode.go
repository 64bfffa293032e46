package display

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // DecodeConfig reads the size of both kinds
	"image/png"
	"strings"
)

// encode turns an image into PNG. The image's own methods run here, so their panics become errors.
func encode(img image.Image) (raw []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if img == nil {
		return nil, errors.New("the image is nil")
	}
	if img.Bounds().Empty() {
		return nil, fmt.Errorf("the image is empty: bounds %v", img.Bounds())
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// describe describes an encoded image, and fails when it is not of its kind.
func describe(mime string, b []byte) (string, error) {
	want := strings.TrimPrefix(mime, "image/")
	c, kind, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || kind != want {
		return "", fmt.Errorf("%d bytes are not a %s image", len(b), strings.ToUpper(want))
	}
	return fmt.Sprintf("<%s image, %d×%d>", strings.ToUpper(want), c.Width, c.Height), nil
}

func checkSVG(s string) error {
	if !strings.Contains(s, "<svg") {
		return fmt.Errorf("%d bytes without an <svg element are not a drawing", len(s))
	}
	return nil
}
