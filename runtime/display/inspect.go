package display

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"io"
	"reflect"

	"interleave/runtime/host"
)

// inspect asks v for every form it has.
func inspect(v any) bundle {
	b := bundle{data: map[string]any{}}
	if rv := reflect.ValueOf(v); rv.IsValid() && !(rv.Kind() == reflect.Pointer && rv.IsNil()) {
		b.askMethods(v, rv)
		b.askBundle(v)
		b.askImage(v)
		b.askPlot(rv)
		b.askSize(v)
	}
	if _, has := b.data[mimeText]; !has {
		b.data[mimeText] = plain(v, len(b.data) > 0 || b.err != nil)
	}
	return b
}

// try calls f, which calls methods of a value, by the Caller. f's results must not be read when it fails.
func try(f func() error) error {
	var err error
	if e := guarded(func() { err = f() }); e != nil {
		return e
	}
	return err
}

// askMethods calls the methods by which a value shows itself. Names are constants, so that the linker can
// still drop unused methods.
func (b *bundle) askMethods(v any, rv reflect.Value) {
	for _, f := range [...]struct {
		mime, name string
		method     reflect.Value
	}{
		{mimeHTML, "HTML", rv.MethodByName("HTML")},
		{mimeMarkdown, "Markdown", rv.MethodByName("Markdown")},
		{mimeLaTeX, "LaTeX", rv.MethodByName("LaTeX")},
		{mimeSVG, "SVG", rv.MethodByName("SVG")},
		{mimePNG, "PNG", rv.MethodByName("PNG")},
		{mimeJPEG, "JPEG", rv.MethodByName("JPEG")},
	} {
		if !f.method.IsValid() || !showsItself(f.method.Type()) {
			continue
		}
		if err := b.ask(f.mime, f.method); err != nil {
			b.err = errors.Join(b.err, fmt.Errorf("display: %T.%s: %w", v, f.name, err))
		}
	}
}

var (
	errorType    = reflect.TypeFor[error]()
	writerToType = reflect.TypeFor[io.WriterTo]()
	bytesType    = reflect.TypeFor[[]byte]()
)

// showsItself reports whether a method has one of the shapes func() X and func() (X, error), X being a string
// or bytes. Others that share the name mean something else and are left alone.
func showsItself(t reflect.Type) bool {
	n := t.NumOut()
	if t.NumIn() != 0 || n == 0 || n > 2 || n == 2 && t.Out(1) != errorType {
		return false
	}
	return t.Out(0).Kind() == reflect.String || t.Out(0).ConvertibleTo(bytesType)
}

func (b *bundle) ask(mime string, method reflect.Value) error {
	var raw []byte
	err := try(func() error {
		out, err := call(method)
		if err != nil {
			return err
		}
		if out[0].Kind() == reflect.String {
			raw = []byte(out[0].String())
		} else {
			raw = out[0].Convert(bytesType).Bytes()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.add(mime, raw)
}

// add takes a form of v, checked as far as a glance can.
func (b *bundle) add(mime string, raw []byte) error {
	switch mime {
	case mimePNG, mimeJPEG:
		if _, err := describe(mime, raw); err != nil {
			return err
		}
		b.data[mime] = base64.StdEncoding.EncodeToString(raw)
	case mimeSVG:
		if err := checkSVG(string(raw)); err != nil {
			return err
		}
		b.data[mime] = string(raw)
	default:
		b.data[mime] = string(raw)
	}
	return nil
}

// call calls a method, and turns a panic and a second result that is an error into an error.
func call(method reflect.Value, args ...reflect.Value) (out []reflect.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	out = method.Call(args)
	if len(out) == 2 && out[1].Type() == errorType && !out[1].IsNil() {
		return nil, out[1].Interface().(error)
	}
	return out, nil
}

// askBundle asks a value for forms of its own choice.
func (b *bundle) askBundle(v any) {
	m, ok := v.(interface{ MIMEBundle() map[string]any })
	if !ok {
		return
	}
	var out []reflect.Value
	err := try(func() (err error) {
		out, err = call(reflect.ValueOf(m.MIMEBundle))
		return err
	})
	if err != nil {
		b.err = errors.Join(b.err, fmt.Errorf("display: %T.MIMEBundle: %w", v, err))
		return
	}
	for mime, form := range out[0].Interface().(map[string]any) {
		b.data[mime] = form
	}
}

func (b *bundle) askImage(v any) {
	img, ok := v.(image.Image)
	if _, has := b.data[mimePNG]; !ok || has {
		return
	}
	var raw []byte
	err := try(func() (err error) {
		raw, err = encode(img)
		return err
	})
	if err == nil {
		err = b.add(mimePNG, raw)
	}
	if err != nil {
		b.err = errors.Join(b.err, fmt.Errorf("display: %T: %w", v, err))
	}
}

// askSize asks a value that has pixels at what size they are to be shown, which may be half of what they are:
// screens differ.
func (b *bundle) askSize(v any) {
	s, ok := v.(interface{ Size() (width, height int) })
	_, png := b.data[mimePNG]
	_, jpeg := b.data[mimeJPEG]
	if !ok || !png && !jpeg {
		return
	}
	var out []reflect.Value
	err := try(func() (err error) {
		out, err = call(reflect.ValueOf(s.Size))
		return err
	})
	if err != nil {
		b.err = errors.Join(b.err, fmt.Errorf("display: %T.Size: %w", v, err))
		return
	}
	b.metadata = map[string]any{}
	for mime, has := range map[string]bool{mimePNG: png, mimeJPEG: jpeg} {
		if has {
			b.metadata[mime] = map[string]any{"width": int(out[0].Int()), "height": int(out[1].Int())}
		}
	}
}

// Plots are drawn at the size of a notebook's column, in points.
const plotWidth, plotHeight = 6 * 72, 4 * 72

// A drawing with very many points is better off as pixels: above this size the SVG form is left out.
const maxPlotSVG = 1 << 20

// askPlot draws a value that has the method by which gonum's plots write themselves:
//
//	WriterTo(w, h vg.Length, format string) (io.WriterTo, error)
//
// where vg.Length is a float64 in points. Recognising its shape keeps gonum out of programs that draw nothing.
func (b *bundle) askPlot(rv reflect.Value) {
	m := rv.MethodByName("WriterTo")
	if !m.IsValid() {
		return
	}
	t := m.Type()
	if t.NumIn() != 3 || t.NumOut() != 2 || t.IsVariadic() ||
		t.In(0).Kind() != reflect.Float64 || t.In(1).Kind() != reflect.Float64 || t.In(2).Kind() != reflect.String ||
		!t.Out(0).Implements(writerToType) || t.Out(1) != errorType {
		return
	}
	for _, f := range [...]struct{ mime, format string }{{mimePNG, "png"}, {mimeSVG, "svg"}} {
		if _, has := b.data[f.mime]; has {
			continue
		}
		var raw []byte
		err := try(func() (err error) {
			raw, err = draw(m, t, f.format)
			return err
		})
		if err == nil && f.mime == mimeSVG && len(raw) > maxPlotSVG {
			continue
		}
		if err == nil {
			err = b.add(f.mime, raw)
		}
		if err != nil {
			b.err = errors.Join(b.err, fmt.Errorf("display: draw %s as %s: %w", rv.Type(), f.format, err))
			return // the other format would fail for the same reason
		}
	}
}

func draw(m reflect.Value, t reflect.Type, format string) (raw []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	out, err := call(m,
		reflect.ValueOf(float64(plotWidth)).Convert(t.In(0)),
		reflect.ValueOf(float64(plotHeight)).Convert(t.In(1)),
		reflect.ValueOf(format).Convert(t.In(2)))
	if err != nil {
		return nil, err
	}
	w, ok := out[0].Interface().(io.WriterTo)
	if !ok {
		return nil, errors.New("WriterTo returned nil")
	}
	var buf bytes.Buffer
	if _, err := w.WriteTo(&buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// plain is the text form. A value with richer forms, or with methods for them that failed, is named by its
// type when it has no String method: its fields are of little use to a reader who expects a picture.
func plain(v any, rich bool) string {
	if rich {
		switch v.(type) {
		case fmt.Stringer, error, fmt.Formatter:
		default:
			if k := reflect.TypeOf(v).Kind(); k != reflect.String {
				return fmt.Sprintf("<%T>", v)
			}
		}
	}
	return Sprint(v)
}

// guarded calls f, which calls methods of values, as the host wants it.
func guarded(f func()) error {
	if call := host.Get().Call; call != nil {
		return call(f)
	}
	f()
	return nil
}
