package display_test

import (
	"bytes"
	"image"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"interleave/runtime/display"
)

type sized struct{ fail bool }

func (sized) PNG() ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 4)))
	return b.Bytes(), err
}

func (s sized) Size() (width, height int) {
	if s.fail {
		panic("no idea")
	}
	return 4, 2
}

type sizedText struct{}

func (sizedText) HTML() string              { return "<b>" }
func (sizedText) Size() (width, height int) { return 4, 2 }

// TestSize: pixels are shown at the size that their value says.
func TestSize(t *testing.T) {
	t.Parallel()
	_, meta, err := display.Bundle(sized{})
	if want := map[string]any{"image/png": map[string]any{"width": 4, "height": 2}}; err != nil || !reflect.DeepEqual(meta, want) {
		t.Errorf("%v, %v; want %v", meta, err, want)
	}
	data, meta, err := display.Bundle(sized{fail: true})
	if err == nil || !strings.Contains(err.Error(), "no idea") || data["image/png"] == nil || meta != nil {
		t.Errorf("without a size: %v, %v, %v", data, meta, err)
	}
	if _, meta, err := display.Bundle(sizedText{}); err != nil || meta != nil {
		t.Errorf("without pixels: %v, %v", meta, err)
	}
}
