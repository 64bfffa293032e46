// Package display converts Go values to their representations: text, HTML, Markdown, LaTeX, SVG, PNG, JPEG or
// JSON. It must not know what shows them: the kernel or a test; without either, the text form is written to
// standard output.
//
// One call shows one thing, once:
//
//	display.HTML("<b>42</b>")
//	display.Markdown("the *answer*")
//	display.Image(img)
//	display.Show(plot) // anything: the value's own methods decide
//
// A [Handle] is a place in the output whose content can be replaced:
//
//	h := display.Updatable("working …")
//	h.Update("done")
//
// [Show] is structural. A value shows itself, without importing this package, by having one or more of the
// methods
//
//	HTML() string    Markdown() string    LaTeX() string    SVG() string    PNG() []byte    JPEG() []byte
//
// Each may return a string or a []byte, and may return an error as a second result. MIMEBundle() map[string]any returns
// several at once, by their MIME types, as a widget's does. A value with pixels sets
// their displayed size with Size() (width, height int). An [image.Image], and a value with gonum plot's
// WriterTo method such as *plot.Plot, is drawn. Everything else is shown as fmt.Sprint writes it. A method
// that fails or panics is reported in the output, in words, beside the forms that worked.
package display
