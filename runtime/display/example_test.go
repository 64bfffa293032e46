package display_test

import (
	"fmt"
	"image"
	"os"
	"slices"
	"strings"

	"interleave/runtime/display"
)

// In an ordinary program the text form goes to standard output, which is what these examples check.

func ExampleHTML() {
	display.HTML("<b>42</b>")
	// Output: <b>42</b>
}

func ExampleMarkdown() {
	display.Markdown("the *answer*")
	// Output: the *answer*
}

func ExampleLaTeX() {
	display.LaTeX(`$S(n) = \frac{1}{s + p/n}$`)
	// Output: $S(n) = \frac{1}{s + p/n}$
}

func ExampleText() {
	display.Text("as it is")
	// Output: as it is
}

func ExampleSVG() {
	display.SVG(`<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><circle cx="10" cy="10" r="8"/></svg>`)
	// Output: <SVG drawing, 100 B>
}

func ExamplePNG() {
	display.PNG([]byte("no picture"))
	// Output: display.PNG: 10 bytes are not a PNG image
}

func ExampleJPEG() {
	display.JPEG(nil)
	// Output: display.JPEG: 0 bytes are not a JPEG image
}

func ExampleImage() {
	display.Image(image.NewGray(image.Rect(0, 0, 4, 4)))
	// Output: <PNG image, 4×4>
}

func ExampleJSON() {
	display.JSON(map[string]int{"workers": 4})
	// Output:
	// {
	//   "workers": 4
	// }
}

func ExampleRaw() {
	display.Raw(map[string]any{"text/plain": "a bar chart", "application/vnd.vega.v5+json": map[string]any{"width": 100}}, nil)
	// Output: a bar chart
}

// A temperature shows itself as HTML, and needs no import for it.
type temperature float64

func (t temperature) HTML() string   { return fmt.Sprintf("<b>%.1f</b> °C", float64(t)) }
func (t temperature) String() string { return fmt.Sprintf("%.1f °C", float64(t)) }

func ExampleShow() {
	display.Show(temperature(21.5), []int{1, 2})
	// Output:
	// 21.5 °C
	// [1 2]
}

func ExampleBundle() {
	data, _, err := display.Bundle(temperature(21.5))
	mimes := make([]string, 0, len(data))
	for mime := range data {
		mimes = append(mimes, mime)
	}
	slices.Sort(mimes)
	fmt.Println(mimes, err)
	fmt.Println(data["text/html"])
	// Output:
	// [text/html text/plain] <nil>
	// <b>21.5</b> °C
}

func ExampleUpdatable() {
	h := display.Updatable("working …")
	h.Update("done")
	// Output:
	// working …
	// done
}

func ExampleNewHandle() {
	h := display.NewHandle()
	h.Markdown("*1* of 2")
	h.Markdown("*2* of 2")
	// Output:
	// *1* of 2
	// *2* of 2
}

func ExampleClear() {
	display.Clear(true) // without a notebook there is nothing to clear
	// Output:
}

func ExampleSprint() {
	tree := map[string]any{"name": "root"}
	tree["parent"] = tree
	fmt.Println(display.Sprint(tree))
	fmt.Println(display.Sprint(strings.ToUpper)[:39])
	_, err := os.Open("/no/such/file")
	fmt.Println(display.Sprint(err))
	// Output:
	// map[name:root parent:map[...]]
	// func strings.ToUpper(string) string, at
	// open /no/such/file: no such file or directory
	// (*fs.PathError, which wraps syscall.Errno)
}

func ExampleCapture() {
	// In a notebook the magic %%capture out calls it, and keeps what its cell shows in out.
	out := display.Capture()
	fmt.Println(out)
	// Output: captured: 0 bytes of stdout, 0 of stderr, outputs: 0
}

func ExampleCaptured_Show() {
	out := &display.Captured{Stdout: "printed\n", Outputs: []display.Output{{Data: map[string]any{"text/plain": "42"}}}}
	out.Show()
	// Output:
	// printed
	// 42
}
