package display_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"interleave/runtime/display"
	"interleave/runtime/host"
)

// The host is one for the whole process, so tests that set it take turns.
var turn sync.Mutex

func capture(t testing.TB, f func()) []host.Event {
	t.Helper()
	turn.Lock()
	defer turn.Unlock()
	var mu sync.Mutex
	var events []host.Event
	defer host.Set(host.Host{Show: func(e host.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}})()
	f()
	return events
}

func testImage() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	img.Set(1, 1, color.RGBA{200, 10, 20, 255})
	return img
}

func pngBytes(t testing.TB) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, testImage()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOneCallShowsOneThing(t *testing.T) {
	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, testImage(), nil); err != nil {
		t.Fatal(err)
	}
	pic := pngBytes(t)
	b64 := base64.StdEncoding.EncodeToString
	for _, c := range []struct {
		name string
		show func()
		mime string
		want any
		text string
	}{
		{"HTML", func() { display.HTML("<b>x</b>") }, "text/html", "<b>x</b>", "<b>x</b>"},
		{"Markdown", func() { display.Markdown("*x*") }, "text/markdown", "*x*", "*x*"},
		{"LaTeX", func() { display.LaTeX("$x$") }, "text/latex", "$x$", "$x$"},
		{"Text", func() { display.Text("x") }, "text/plain", "x", "x"},
		{"SVG", func() { display.SVG("<svg/>") }, "image/svg+xml", "<svg/>", "<SVG drawing, 6 B>"},
		{"PNG", func() { display.PNG(pic) }, "image/png", b64(pic), "<PNG image, 3×2>"},
		{"JPEG", func() { display.JPEG(jpg.Bytes()) }, "image/jpeg", b64(jpg.Bytes()), "<JPEG image, 3×2>"},
		{"Image", func() { display.Image(testImage()) }, "image/png", b64(pic), "<PNG image, 3×2>"},
		{"JSON", func() { display.JSON(map[string]int{"a": 1}) }, "application/json", json.RawMessage(`{"a":1}`), "{\n  \"a\": 1\n}"},
		{"Raw", func() { display.Raw(map[string]any{"application/x": 1}, nil) }, "application/x", 1, "<application/x>"},
		{"nil PNG", func() { display.PNG(nil) }, "text/plain", "display.PNG: 0 bytes are not a PNG image", ""},
		{"PNG as JPEG", func() { display.JPEG(pic) }, "text/plain", fmt.Sprintf("display.JPEG: %d bytes are not a JPEG image", len(pic)), ""},
		{"no SVG", func() { display.SVG("hello") }, "text/plain", "display.SVG: 5 bytes without an <svg element are not a drawing", ""},
		{"JSON of a channel", func() { display.JSON(make(chan int)) }, "text/plain", "display.JSON: json: unsupported type: chan int", ""},
		{"nil image", func() { display.Image(nil) }, "text/plain", "display.Image: the image is nil", ""},
		{"empty Raw", func() { display.Raw(nil, nil) }, "text/plain", "display.Raw: no data: need at least one MIME type", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := capture(t, c.show)
			if len(events) != 1 {
				t.Fatalf("%d events, want 1: %+v", len(events), events)
			}
			e := events[0]
			if !reflect.DeepEqual(e.Data[c.mime], c.want) {
				t.Errorf("%s is %q, want %q", c.mime, e.Data[c.mime], c.want)
			}
			if c.text != "" && e.Data["text/plain"] != c.text {
				t.Errorf("text/plain is %q, want %q", e.Data["text/plain"], c.text)
			}
			if e.ID != "" || e.Update || e.Clear {
				t.Errorf("a plain display has ID %q, Update %v, Clear %v", e.ID, e.Update, e.Clear)
			}
		})
	}
}

type page struct{}

func (page) HTML() string     { return "<p>" }
func (page) Markdown() string { return "p" }
func (page) String() string   { return "a page" }

type drawing struct{ x int }

func (drawing) SVG() []byte            { return []byte("<svg></svg>") }
func (drawing) LaTeX() (string, error) { return "$d$", nil }

type broken struct{}

func (broken) HTML() (string, error) { return "", errors.New("out of ink") }
func (broken) Markdown() string      { panic("torn") }
func (broken) SVG() string           { return "not a drawing" }
func (broken) LaTeX() string         { return "$ok$" }

// unrelated has the names but other shapes: it does not show itself.
type unrelated struct{}

func (unrelated) HTML(deep bool) string { return "" }
func (unrelated) PNG() int              { return 1 }
func (unrelated) SVG() (string, bool)   { return "", false }

type badImage struct{ image.Image }

func (badImage) Bounds() image.Rectangle { return image.Rect(0, 0, 1, 1) }

// points is to this test what vg.Length is to a plot: a float64 under another name.
type points float64

type figure struct{ fail, boom bool }

func (f figure) WriterTo(w, h points, format string) (io.WriterTo, error) {
	if f.fail {
		return nil, errors.New("no axes")
	}
	if f.boom {
		panic("NaN")
	}
	if w != 432 || h != 288 {
		return nil, fmt.Errorf("size %v×%v", w, h)
	}
	if format == "svg" {
		return bytes.NewBufferString("<svg>figure</svg>"), nil
	}
	var b bytes.Buffer
	return &b, png.Encode(&b, testImage())
}

func TestBundle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		v     any
		forms map[string]string // prefix of each form
		err   []string          // what the error mentions
	}{
		{"number", 42, map[string]string{"text/plain": "42"}, nil},
		{"nil", nil, map[string]string{"text/plain": "<nil>"}, nil},
		{"nil pointer with methods", (*page)(nil), map[string]string{"text/plain": "<nil>"}, nil},
		{"error", io.EOF, map[string]string{"text/plain": "EOF"}, nil},
		{"invalid UTF-8", "a\xffb", map[string]string{"text/plain": "a\uFFFDb"}, nil},
		{"methods", page{}, map[string]string{"text/html": "<p>", "text/markdown": "p", "text/plain": "a page"}, nil},
		{"pointer to methods", &page{}, map[string]string{"text/html": "<p>", "text/markdown": "p", "text/plain": "a page"}, nil},
		{"bytes and errors", drawing{7}, map[string]string{"image/svg+xml": "<svg>", "text/latex": "$d$", "text/plain": "<display_test.drawing>"}, nil},
		{"other shapes", unrelated{}, map[string]string{"text/plain": "{}"}, nil},
		{"image", testImage(), map[string]string{"image/png": "iVBOR", "text/plain": "<*image.RGBA>"}, nil},
		{"plot", figure{}, map[string]string{"image/png": "iVBOR", "image/svg+xml": "<svg>figure", "text/plain": "<display_test.figure>"}, nil},
		{"failing plot", figure{fail: true}, map[string]string{"text/plain": "<display_test.figure>"}, []string{"figure as png: no axes"}},
		{"panicking plot", figure{boom: true}, map[string]string{"text/plain": "<display_test.figure>"}, []string{"figure as png: panic: NaN"}},
		{"panicking image", badImage{}, map[string]string{"text/plain": "<display_test.badImage>"}, []string{"badImage: panic: runtime error: invalid memory"}},
		{"failures", broken{}, map[string]string{"text/latex": "$ok$", "text/plain": "<display_test.broken>"},
			[]string{"broken.HTML: out of ink", "broken.Markdown: panic: torn", "broken.SVG: 13 bytes without"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data, _, err := display.Bundle(c.v)
			if len(data) != len(c.forms) {
				t.Errorf("forms %v, want those of %v", data, c.forms)
			}
			for mime, prefix := range c.forms {
				if got, _ := data[mime].(string); !strings.HasPrefix(got, prefix) {
					t.Errorf("%s is %q, want %q…", mime, data[mime], prefix)
				}
			}
			if (err != nil) != (len(c.err) > 0) {
				t.Errorf("error %v, want one with %q", err, c.err)
			}
			for _, part := range c.err {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not mention %q", err, part)
				}
			}
		})
	}
}

// What failed is shown beside what worked.
func TestShowReportsFailures(t *testing.T) {
	events := capture(t, func() { display.Show(broken{}, 1) })
	if len(events) != 3 {
		t.Fatalf("%d events, want the value, its failures and the number: %+v", len(events), events)
	}
	if events[0].Data["text/latex"] != "$ok$" {
		t.Errorf("the form that worked is missing: %+v", events[0])
	}
	if s, _ := events[1].Data["text/plain"].(string); !strings.Contains(s, "out of ink") || !strings.Contains(s, "torn") {
		t.Errorf("the failures are not reported: %+v", events[1])
	}
}

// Any sequence of contents of any number of handles: the first of each handle shows, the others update, ids differ.
func TestHandles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "handles")
		calls := rapid.SliceOfN(rapid.IntRange(0, n-1), 1, 20).Draw(t, "calls")
		handles := make([]*display.Handle, n)
		ids := map[string]bool{}
		for i := range handles {
			handles[i] = display.NewHandle()
			ids[handles[i].ID()] = true
		}
		if len(ids) != n || ids[""] {
			t.Fatalf("ids %v of %d handles", ids, n)
		}
		tb := t
		var events []host.Event
		func() {
			turn.Lock()
			defer turn.Unlock()
			defer host.Set(host.Host{Show: func(e host.Event) { events = append(events, e) }})()
			for i, h := range calls {
				switch i % 3 {
				case 0:
					handles[h].HTML(fmt.Sprint(i))
				case 1:
					handles[h].Markdown(fmt.Sprint(i))
				default:
					handles[h].Update(i)
				}
			}
		}()
		if len(events) != len(calls) {
			tb.Fatalf("%d events for %d calls", len(events), len(calls))
		}
		seen := map[int]bool{}
		for i, h := range calls {
			e := events[i]
			if e.ID != handles[h].ID() || e.Update != seen[h] || e.Data["text/plain"] != fmt.Sprint(i) {
				tb.Fatalf("call %d of handle %d gave %+v", i, h, e)
			}
			seen[h] = true
		}
	})
}

// Updates from several goroutines arrive one by one, and exactly one of them shows.
func TestHandleConcurrently(t *testing.T) {
	h := display.NewHandle()
	events := capture(t, func() {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 50 {
					h.Update(i)
				}
			})
		}
		wg.Wait()
	})
	if len(events) != 400 || events[0].Update {
		t.Fatalf("%d events, the first an update: %v", len(events), events[0].Update)
	}
	for _, e := range events[1:] {
		if !e.Update {
			t.Fatal("a second event shows instead of updating")
		}
	}
}

func TestClear(t *testing.T) {
	events := capture(t, func() { display.Clear(true); display.Clear(false) })
	want := []host.Event{{Clear: true, Wait: true}, {Clear: true}}
	if !reflect.DeepEqual(events, want) {
		t.Errorf("got %+v, want %+v", events, want)
	}
}

// An event of every kind can be sent: encoding/json takes it.
func TestEventsEncode(t *testing.T) {
	events := capture(t, func() {
		display.HTML("x")
		display.JSON([]int{1})
		display.PNG(pngBytes(t))
		display.Show(figure{})
		display.Updatable(1).JSON(map[string]any{"a": nil})
		display.Raw(map[string]any{"application/json": []int{1}}, map[string]any{"k": 1})
	})
	if len(events) != 7 {
		t.Fatalf("%d events", len(events))
	}
	for _, e := range events {
		if _, err := json.Marshal(e); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
	}
}

func TestHandleForms(t *testing.T) {
	h := display.NewHandle()
	pic := pngBytes(t)
	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, testImage(), nil); err != nil {
		t.Fatal(err)
	}
	events := capture(t, func() {
		h.LaTeX("$x$")
		h.Text("x")
		h.SVG("<svg/>")
		h.PNG(pic)
		h.JPEG(jpg.Bytes())
		h.Image(testImage())
		h.Raw(map[string]any{"text/plain": "raw"}, nil)
	})
	for i, mime := range []string{"text/latex", "text/plain", "image/svg+xml", "image/png", "image/jpeg", "image/png", "text/plain"} {
		if events[i].Data[mime] == nil || events[i].Update != (i > 0) {
			t.Errorf("call %d gave %+v, want %s", i, events[i], mime)
		}
	}
}
