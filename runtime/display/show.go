package display

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"maps"

	"interleave/runtime/host"
	"interleave/runtime/quantity"
)

// HTML shows s as HTML.
func HTML(s string) { emit(text(mimeHTML, s), host.Event{}) }

// Markdown shows s as Markdown.
func Markdown(s string) { emit(text(mimeMarkdown, s), host.Event{}) }

// LaTeX shows s as LaTeX; a formula carries its own dollar signs.
func LaTeX(s string) { emit(text(mimeLaTeX, s), host.Event{}) }

// Text shows s as it is, in a fixed-width font.
func Text(s string) { emit(bundle{data: map[string]any{mimeText: s}}, host.Event{}) }

// SVG shows a drawing given as SVG source. Source without an <svg element is reported instead of shown.
func SVG(s string) { emit(svgBundle("display.SVG", s), host.Event{}) }

// PNG shows an encoded PNG image. Bytes that are not a PNG image are reported instead.
func PNG(b []byte) { emit(binary("display.PNG", mimePNG, b), host.Event{}) }

// JPEG shows an encoded JPEG image. Bytes that are not a JPEG image are reported instead.
func JPEG(b []byte) { emit(binary("display.JPEG", mimeJPEG, b), host.Event{}) }

// Image shows img, encoded as PNG.
func Image(img image.Image) { emit(imageBundle("display.Image", img), host.Event{}) }

// JSON shows v as a tree to unfold. A value that encoding/json cannot encode is reported instead.
func JSON(v any) { emit(jsonBundle("display.JSON", v), host.Event{}) }

// Raw shows one thing in representations of the caller's choice: MIME type → a value that encoding/json can
// encode, binary types as base64 in a string. A text/plain form is added if it is missing.
func Raw(data, metadata map[string]any) { emit(rawBundle(data, metadata), host.Event{}) }

// Show displays each value in every representation that it supports; the package comment lists them.
func Show(values ...any) {
	for _, v := range values {
		emit(inspect(v), host.Event{})
	}
}

// Bundle returns what [Show] would show: MIME type → representation, with the metadata of those that have
// any. data always holds text/plain. err joins the failures of the value's own methods; the forms that worked
// are in data nevertheless.
func Bundle(v any) (data, metadata map[string]any, err error) {
	b := inspect(v)
	return b.data, b.metadata, b.err
}

// Clear removes the output of the cell so far. With wait it is removed when the next output comes, which
// avoids flicker. Without a notebook it does nothing.
func Clear(wait bool) {
	if f := host.Get().Show; f != nil {
		f(host.Event{Clear: true, Wait: wait})
	}
}

// A bundle is one thing to show and what went wrong on the way to it.
type bundle struct {
	data, metadata map[string]any
	err            error
}

const (
	mimeText     = "text/plain"
	mimeHTML     = "text/html"
	mimeMarkdown = "text/markdown"
	mimeLaTeX    = "text/latex"
	mimeSVG      = "image/svg+xml"
	mimePNG      = "image/png"
	mimeJPEG     = "image/jpeg"
	mimeJSON     = "application/json"
)

// text is a bundle of one text form; its own source stands in where only plain text can be shown.
func text(mime, s string) bundle {
	return bundle{data: map[string]any{mime: s, mimeText: s}}
}

func failed(err error) bundle {
	return bundle{data: map[string]any{mimeText: err.Error()}, err: err}
}

func svgBundle(call, s string) bundle {
	if err := checkSVG(s); err != nil {
		return failed(fmt.Errorf("%s: %w", call, err))
	}
	return bundle{data: map[string]any{mimeSVG: s, mimeText: fmt.Sprintf("<SVG drawing, %s>", quantity.Bytes(len(s)))}}
}

func binary(call, mime string, b []byte) bundle {
	words, err := describe(mime, b)
	if err != nil {
		return failed(fmt.Errorf("%s: %w", call, err))
	}
	return bundle{data: map[string]any{mime: base64.StdEncoding.EncodeToString(b), mimeText: words}}
}

func imageBundle(call string, img image.Image) bundle {
	var b []byte
	err := try(func() (err error) {
		b, err = encode(img)
		return err
	})
	if err != nil {
		return failed(fmt.Errorf("%s: %w", call, err))
	}
	return binary(call, mimePNG, b)
}

func jsonBundle(call string, v any) bundle {
	var b []byte
	err := try(func() (err error) {
		b, err = json.Marshal(v)
		return err
	})
	if err != nil {
		return failed(fmt.Errorf("%s: %w", call, err))
	}
	pretty, err := json.MarshalIndent(json.RawMessage(b), "", "  ")
	if err != nil {
		return failed(fmt.Errorf("%s: %w", call, err))
	}
	return bundle{data: map[string]any{mimeJSON: json.RawMessage(b), mimeText: string(pretty)}}
}

func rawBundle(data, metadata map[string]any) bundle {
	if len(data) == 0 {
		return failed(fmt.Errorf("display.Raw: no data: need at least one MIME type"))
	}
	b := bundle{data: maps.Clone(data), metadata: maps.Clone(metadata)}
	if _, ok := b.data[mimeText]; !ok {
		b.data[mimeText] = fmt.Sprintf("<%s>", firstKey(data))
	}
	return b
}

func firstKey(m map[string]any) string {
	first := ""
	for k := range m {
		if first == "" || k < first {
			first = k
		}
	}
	return first
}
