package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// With ipywidgets a progress bar is a widget, which grows in place. Closed, it is HTML that a saved notebook keeps.
func TestProgressWidget(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, progressCell)
	eval[bool](nb, `(() => {
		window.seen = []
		const area = `+panel+`.content.widgets[0].outputArea.node
		new MutationObserver(() => {
			const bars = area.querySelectorAll(".widget-hprogress .progress-bar")
			if (bars.length > 0) seen.push([bars.length, parseFloat(bars[0].style.width) || 0])
		}).observe(area, {childList: true, subtree: true, attributes: true})
		return true
	})()`)
	nb.start(0)
	nb.wait("the first steps", panel+`.content.widgets[0].outputArea.node.innerText.includes("left")`)
	nb.settled()
	steps, last := 0, -1.0
	for _, s := range eval[[][2]float64](nb, "seen") {
		if s[0] != 1 || s[1] < last {
			t.Errorf("after %v %% the page shows %v bars, the first at %v %%", last, s[0], s[1])
		}
		if s[1] > last {
			steps++
		}
		last = s[1]
	}
	if last < 80 || steps < 5 {
		t.Errorf("the bar was last seen at %v %%, after %d changes", last, steps)
	}
	nb.wait("the closed bar", panel+`.content.widgets[0].outputArea.node.querySelector("progress")?.value === 30`)
	nb.has(0, "30/30")
}

// A slider that is moved with the keyboard calls a function of its cell: also while another cell runs, and on a page that
// was loaded again.
func TestSlider(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t,
		"import \"interleave/runtime/widget\"\nworkers := widget.NewIntSlider(\"workers\", 1, 16, 4)\n"+
			"widget.Interact(workers, func(n int) any { return fmt.Sprint(\"squared: \", n*n) })",
		"workers.OnChange(func(n int) { fmt.Println(\"moved to\", n) })",
		"for workers.Value() < 9 {\n\tlab.Sleep(ctx, time.Millisecond)\n}\nfmt.Println(\"released at\", workers.Value())",
		"workers.Value()",
	)
	output := func(cell int) string {
		return fmt.Sprintf(panel+`.content.widgets[%d].outputArea.node`, cell)
	}
	says := func(cell int, words string) {
		t.Helper()
		nb.wait(words, fmt.Sprintf(`%s.innerText.includes(%q)`, output(cell), words))
	}
	right := func(times int) {
		t.Helper()
		nb.wait("the slider", output(0)+`.querySelector(".noUi-handle")`)
		eval[bool](nb, output(0)+`.querySelector(".noUi-handle").focus(), true`)
		nb.do(chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, times)))
	}
	nb.run(0)
	says(0, "squared: 16")
	nb.run(1)
	right(1)
	says(0, "squared: 25")
	says(1, "moved to 5")
	nb.start(2)
	right(4)
	nb.settled()
	nb.has(2, "released at 9")
	says(0, "squared: 81")
	nb.run(3)
	nb.has(3, "9")

	nb.command("docmanager:save", "{}")
	nb.wait("the saved notebook", `!`+panel+`.context.model.dirty`)
	nb.load()
	right(1)
	nb.wait("the slider's number", output(0)+`.querySelector(".widget-readout").innerText === "10"`)
	nb.run(3)
	nb.has(3, "10")
}

// Each widget is one that the front end knows, and a kernel that was restarted shows them as before.
func TestWidgets(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, `import "interleave/runtime/widget"
steps := widget.NewIntProgress("steps", 10)
load := widget.NewFloatProgress("load", 0, 1, 0.25)
rate := widget.NewFloatSlider("rate", 0, 1, 0.5)
name := widget.NewText("name", "Gopher")
on := widget.NewCheckbox("on", true)
start := widget.NewButton("start")
state := widget.NewLabel("ready")
widget.VBox(widget.NewIntSlider("workers", 1, 16, 4), rate, widget.HBox(steps, load), widget.HBox(name, on), widget.HBox(start, state))`,
		`start.OnClick(func() {
	start.Enable(false)
	state.Set("at work")
	steps.Set(7)
	load.Set(0.9)
	load.Style("danger")
})
on.OnChange(func(yes bool) { fmt.Println("on:", yes) })`)
	area := panel + `.content.widgets[0].outputArea.node`
	for range 2 {
		nb.run(0)
		nb.wait("the widgets", area+`.querySelectorAll(".progress-bar").length === 2`)
		if text := nb.cells()[0].Text; strings.Contains(text, "rror") {
			t.Error(text)
		}
		for selector, n := range map[string]int{".noUi-handle": 2, ".widget-hbox": 3, "button": 1, "input[type=checkbox]": 1,
			"input[type=text]": 1, ".widget-label": 1} {
			if found := eval[int](nb, fmt.Sprintf(`%s.querySelectorAll(%q).length`, area, selector)); found < n {
				t.Errorf("%d of %d %s", found, n, selector)
			}
		}
		nb.run(1)
		eval[bool](nb, area+`.querySelector("button").click(), true`)
		nb.wait("the effects", area+`.innerText.includes("at work") && `+area+`.querySelector("button").disabled && `+
			area+`.querySelector(".progress-bar").style.width === "70%" && `+area+`.querySelector(".progress-bar-danger")`)
		eval[bool](nb, area+`.querySelector("input[type=checkbox]").click(), true`)
		nb.wait("the words", panel+`.content.widgets[1].outputArea.node.innerText.includes("on: false")`)
		nb.restart()
	}
}
