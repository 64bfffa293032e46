package widget

import (
	"fmt"
	"sync"

	"interleave/runtime/display"
)

// Without a notebook a widget is a text, which is what these examples check.

func ExampleNewIntSlider() {
	workers := NewIntSlider("workers", 1, 16, 4)
	workers.OnChange(func(n int) { fmt.Println("the user has chosen", n) })
	workers.Set(8)
	display.Show(workers)
	fmt.Println(workers.Value())
	// Output:
	// workers: 8
	// 8
}

func ExampleNewFloatSlider() {
	rate := NewFloatSlider("rate", 0, 1, 0.5)
	rate.Set(0.25)
	fmt.Println(rate, rate.Value() < 0.5)
	// Output: rate: 0.25 true
}

func ExampleInteract() {
	Interact(NewIntSlider("n", 0, 10, 3), func(n int) any { return fmt.Sprint(n, " squared is ", n*n) })
	// Output:
	// n: 3
	// 3 squared is 9
}

func ExampleNewIntProgress() {
	const jobs = 20
	bar := NewIntProgress("jobs", jobs)
	display.Show(bar)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range jobs {
		wg.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			bar.Set(bar.Value() + 1)
		})
	}
	wg.Wait()
	bar.Style("success")
	fmt.Println(bar)
	// Output:
	// jobs: 0/20
	// jobs: 20/20
}

func ExampleNewFloatProgress() {
	load := NewFloatProgress("load", 0, 1, 0.1)
	load.Set(0.9)
	fmt.Println(load)
	// Output: load: 0.9
}

func ExampleNewLabel() {
	state := NewLabel("waiting")
	state.Set("at work")
	fmt.Println(state)
	// Output: at work
}

func ExampleNewText() {
	name := NewText("name", "Gopher")
	name.OnChange(func(s string) { fmt.Println("hello,", s) })
	fmt.Println(name)
	// Output: name: Gopher
}

func ExampleNewCheckbox() {
	fast := NewCheckbox("fast", true)
	fast.Set(false)
	fmt.Println(fast, fast.Value())
	// Output: fast: false false
}

func ExampleNewButton() {
	start := NewButton("start")
	start.OnClick(func() { start.Enable(false) })
	fmt.Println(start)
	// Output: [start]
}

func ExampleHBox() {
	fmt.Println(HBox(NewButton("start"), NewLabel("ready")))
	// Output: [start] ready
}

func ExampleVBox() {
	fmt.Println(VBox(NewIntSlider("workers", 1, 16, 4), NewIntSlider("jobs", 1, 100, 50)))
	// Output:
	// workers: 4
	// jobs: 50
}

func ExampleAvailable() {
	if !Available() {
		fmt.Println("widgets appear as texts here")
	}
	// Output: widgets appear as texts here
}
