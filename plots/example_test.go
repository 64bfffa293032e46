package plots_test

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"strings"
	"sync"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgpdf"

	"interleave/plots"
	"interleave/runtime/timeline"
)

func ExampleTimeline() {
	e, err := timeline.Record(context.Background(), func() {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { time.Sleep(time.Millisecond) })
		}
		wg.Wait()
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := plots.Timeline(e, plots.Options{Title: "Three sleeps"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(f.SVG(), "Three sleeps"))
	// Output: true
}

func ExampleFigure_SVG() {
	f, err := plots.Timeline(lesson(), plots.Options{Theme: plots.Dark})
	if err != nil {
		fmt.Println(err)
		return
	}
	svg := f.SVG()
	fmt.Println(svg[:4], strings.Count(svg, "<text"), "texts")
	// Output: <svg 31 texts
}

func ExampleFigure_PNG() {
	f, err := plots.Timeline(lesson(), plots.Options{Width: 600})
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := f.PNG()
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		fmt.Println(err)
		return
	}
	w, h := f.Size()
	fmt.Printf("%d×%d pixels, to be shown at %d×%d\n", c.Width, c.Height, w, h)
	// Output: 1200×412 pixels, to be shown at 600×206
}

func ExampleFigure_Size() {
	f, err := plots.Timeline(lesson(), plots.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Size())
	// Output: 900 206
}

func ExampleFigure_Alt() {
	f, err := plots.Timeline(lesson(), plots.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(f.Alt())
	// Output:
	// Timeline of an experiment. wall 3 s · CPU 3 ms · parallelism 0.00 · GOMAXPROCS 2 · 4 goroutines · compiled
	// all goroutines together: running 3.6 ms, waiting for a core 2.4 ms, waiting for others 3 s, sleep 6 s
	// longest wait: 3 s in lab.Sleep at cell[5]:3 (fetch C)
}

func ExampleFigure_String() {
	f, err := plots.Histogram(plots.Durations{time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f)
	// Output: Histogram of times: 1 sample, from 1 s to 1 s, mean 1 s, p50 1 s.
}

func ExampleFigure_Plot() {
	f, err := plots.Timeline(lesson(), plots.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := f.Plot()
	p.X.Label.Text = "time since the first fetch"
	p.X.Max = 1 // only the first second
	fmt.Println(strings.Contains(f.SVG(), "time since the first fetch"))
	// Output: true
}

func ExampleFigure_Draw() {
	f, err := plots.Timeline(lesson(), plots.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, h := f.Size()
	page := vgpdf.New(vg.Length(w), vg.Length(h)) // any canvas of gonum's will do
	f.Draw(draw.New(page))
	var out bytes.Buffer
	if _, err := page.WriteTo(&out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.String()[:4])
	// Output: %PDF
}
