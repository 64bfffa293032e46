package display

import (
	"crypto/rand"
	"fmt"
	"image"
	"os"
	"sync"
	"sync/atomic"

	"interleave/runtime/host"
)

// A Handle is a place in the output. Its first call shows something there, each later one replaces it. A
// Handle may be used from several goroutines; what arrives last stays.
type Handle struct {
	id    string
	mu    sync.Mutex // held while an event is delivered, so that updates arrive in the order of their calls
	shown bool
}

// Ids must differ between the processes that one notebook saw, so they begin with chance.
var (
	idPrefix = sync.OnceValue(rand.Text)
	idCount  atomic.Uint64
)

// NewHandle returns an empty place; it appears in the output with its first content.
func NewHandle() *Handle {
	return &Handle{id: fmt.Sprintf("%s-%d", idPrefix(), idCount.Add(1))}
}

// Updatable shows v as [Show] does, in a place that can be updated.
func Updatable(v any) *Handle {
	h := NewHandle()
	h.Update(v)
	return h
}

// ID returns the display id under which front ends know this place.
func (h *Handle) ID() string { return h.id }

// Update shows v here as [Show] does.
func (h *Handle) Update(v any) { h.emit(inspect(v)) }

// HTML shows s here as HTML.
func (h *Handle) HTML(s string) { h.emit(text(mimeHTML, s)) }

// Markdown shows s here as Markdown.
func (h *Handle) Markdown(s string) { h.emit(text(mimeMarkdown, s)) }

// LaTeX shows s here as LaTeX.
func (h *Handle) LaTeX(s string) { h.emit(text(mimeLaTeX, s)) }

// Text shows s here as it is.
func (h *Handle) Text(s string) { h.emit(bundle{data: map[string]any{mimeText: s}}) }

// SVG shows a drawing here.
func (h *Handle) SVG(s string) { h.emit(svgBundle("display.Handle.SVG", s)) }

// PNG shows an encoded PNG image here.
func (h *Handle) PNG(b []byte) { h.emit(binary("display.Handle.PNG", mimePNG, b)) }

// JPEG shows an encoded JPEG image here.
func (h *Handle) JPEG(b []byte) { h.emit(binary("display.Handle.JPEG", mimeJPEG, b)) }

// Image shows img here.
func (h *Handle) Image(img image.Image) { h.emit(imageBundle("display.Handle.Image", img)) }

// JSON shows v here as a tree.
func (h *Handle) JSON(v any) { h.emit(jsonBundle("display.Handle.JSON", v)) }

// Raw shows representations of the caller's choice here.
func (h *Handle) Raw(data, metadata map[string]any) { h.emit(rawBundle(data, metadata)) }

func (h *Handle) emit(b bundle) {
	h.mu.Lock()
	defer h.mu.Unlock()
	emit(b, host.Event{ID: h.id, Update: h.shown})
	h.shown = true
}

// emit sends b where displayed values go. A failure that left other forms usable follows as an output of its
// own: it must neither hide those forms nor be hidden by them.
func emit(b bundle, e host.Event) {
	e.Data, e.Metadata = b.data, b.metadata
	deliver(e)
	if b.err != nil && e.Data[mimeText] != b.err.Error() {
		deliver(host.Event{Data: map[string]any{mimeText: b.err.Error()}})
	}
}

func deliver(e host.Event) {
	if f := host.Get().Show; f != nil {
		f(e)
		return
	}
	fmt.Fprintln(os.Stdout, e.Data[mimeText])
}
