package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The first lesson, as it is opened and run by every new user.
func TestLesson(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(root, "notebooks/lessons/01-gather.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	nb := openNotebook(t, b)
	nb.runAll()
	figures := 0
	for i, c := range nb.cells() {
		if c.Count != i+1 || c.Errors > 0 {
			t.Errorf("code cell %d has number %d and %d errors:\n%s", i+1, c.Count, c.Errors, c.Text)
		}
		figures += c.Images
	}
	if figures < 5 {
		t.Errorf("the lesson shows %d figures", figures)
	}
}

// A mistake is shown with its line and a caret below its column, and stops Run All, although the kernel finds it before the
// page has sent the last cells.
func TestErrorStopsRunAll(t *testing.T) {
	t.Parallel()
	cells := []string{"a := 1\nb := a + undefinedName"}
	for i := range 20 {
		cells = append(cells, fmt.Sprintf("fmt.Println(\"cell\", %d)", i))
	}
	nb := newNotebook(t, cells...)
	for round := range 5 {
		nb.runAll()
		got := nb.cells()
		if want := fmt.Sprintf("cell[%d]:2:10: undefined: undefinedName", got[0].Count); got[0].Errors != 1 || !strings.Contains(got[0].Text, want) {
			t.Errorf("round %d: the error is not shown with %q but as\n%s", round, want, got[0].Text)
		}
		// In a font of one width the caret stands where the name begins, two lines of the excerpt apart.
		line := regexp.MustCompile(`(?m)^(.*)undefinedName\n(.*)\^$`).FindStringSubmatch(strings.ReplaceAll(got[0].Text, "\u00a0", " "))
		if line == nil || len(line[1]) != len(line[2]) {
			t.Errorf("round %d: no caret below the name in\n%s", round, got[0].Text)
		}
		for i, c := range got[1:] {
			if c.Count != 0 {
				t.Fatalf("round %d: cell %d ran, although the first had failed", round, i+1)
			}
		}
	}
}

// The button in the toolbar ends what runs and what waits; variables stay.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, "kept := 41", "fmt.Println(\"running\")\nfor {\n}", "fmt.Println(\"waiting\")\n<-make(chan int)", "kept + 1")
	nb.run(0)
	for cell, word := range []string{1: "running", 2: "waiting"} {
		if word == "" {
			continue
		}
		nb.start(cell)
		nb.wait("the cell's first words", fmt.Sprintf(`%s.content.widgets[%d].outputArea.node.innerText.includes(%q)`, panel, cell, word))
		nb.click(`[data-command="notebook:interrupt-kernel"]`)
		nb.settled()
		nb.has(cell, "interrupted")
	}
	nb.run(3)
	nb.has(3, "42")
}

// A session that dies leaves what it declared and names what is lost. JupyterLab's own restart, from the toolbar and with its
// question answered, is a kernel that knows nothing.
func TestRestart(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, "kept := 41\nfunc half(n int) int { return n / 2 }", "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", "half(84)", "kept")
	nb.run(0)
	nb.run(1)
	nb.has(1, "kept")
	nb.run(2)
	nb.has(2, "42")
	nb.run(3)
	nb.has(3, "cell[1]")

	nb.restart()
	nb.run(2)
	nb.has(2, "cell[1]:1:1: undefined: half")
	nb.run(0)
	nb.run(2)
	nb.has(2, "42")
}

// progressCell takes a second and a half.
const progressCell = "bar := lab.NewProgress(\"work\", 30)\nfor range 30 {\n\tlab.Sleep(ctx, 50*time.Millisecond)\n\tbar.Add(1)\n}\nbar.Close()"

// Without ipywidgets a progress bar is one output that grows.
func TestProgress(t *testing.T) {
	t.Parallel()
	nb := openIn(t, &lab.plain, notebookOf(t, progressCell))
	// What the page shows at each of its changes: how many bars, and how far the first is.
	eval[bool](nb, `(() => {
		window.seen = []
		const area = `+panel+`.content.widgets[0].outputArea.node
		new MutationObserver(() => {
			const bars = area.querySelectorAll("progress")
			if (bars.length > 0) seen.push([bars.length, bars[0].value])
		}).observe(area, {childList: true, subtree: true, attributes: true})
		return true
	})()`)
	nb.run(0)
	steps := 0
	last := -1.0
	for _, s := range eval[[][2]float64](nb, "seen") {
		if s[0] != 1 || s[1] < last {
			t.Errorf("after %v of 30 the page shows %v bars, the first at %v", last, s[0], s[1])
		}
		if s[1] > last {
			steps++
		}
		last = s[1]
	}
	if last != 30 || steps < 5 {
		t.Errorf("the bar ends at %v of 30, after %d changes", last, steps)
	}
	nb.has(0, "30/30")
}

// A figure can be read in the dark theme: its words stand out from what lies behind them, be that the figure's own or the page.
func TestFigureInTheDark(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, "wait := func(ctx context.Context) (int, error) { return 0, lab.Sleep(ctx, 20*time.Millisecond) }\nlab.Gather(ctx, wait, wait)")
	nb.command("apputils:change-theme", `{theme: "JupyterLab Dark"}`)
	nb.wait("the dark theme", `document.body.dataset.jpThemeLight === "false"`)
	nb.run(0)
	nb.wait("the figure", panel+`.content.widgets[0].outputArea.node.querySelector("img")?.complete`)
	// The first line of a figure is its caption. Contrast is as WCAG defines it.
	seen := eval[[]float64](nb, `(() => {
		`+contrast+`
		const image = `+panel+`.content.widgets[0].outputArea.node.querySelector("img")
		let behind = image
		while (["rgba(0, 0, 0, 0)", "transparent"].includes(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement
		const page = getComputedStyle(behind).backgroundColor
		const canvas = document.createElement("canvas")
		canvas.width = 2 * image.naturalWidth // pixels as on a dense screen, where letters have an inside
		canvas.height = 2 * 32 * image.naturalHeight / image.getBoundingClientRect().height
		const g = canvas.getContext("2d")
		g.fillStyle = page
		g.fillRect(0, 0, canvas.width, canvas.height)
		g.drawImage(image, 0, 0, canvas.width, 2 * image.naturalHeight)
		const d = g.getImageData(0, 0, canvas.width, canvas.height).data
		const counts = new Map()
		for (let i = 0; i < d.length; i += 4) {
			const l = luminance(d.subarray(i, i + 3))
			counts.set(l, (counts.get(l) || 0) + 1)
		}
		const background = [...counts].reduce((a, b) => b[1] > a[1] ? b : a)[0]
		const clear = [...counts].filter(([l]) => contrast(l, background) >= 4.5)
		return [contrast(luminance(page.match(/\d+/g)), 1), clear.reduce((sum, [, n]) => sum + n, 0)]
	})()`)
	if page, letters := seen[0], seen[1]; page < 10 || letters < 500 {
		t.Errorf("the page's contrast to white is %.1f, and %v pixels of the figure's caption have one of 4.5 to what is behind them", page, letters)
	}
}

// What a failed cell says can be read in both themes: every word of an error, of its hint and of a note stands out from what lies
// behind it as WCAG's level AA asks.
func TestErrorsAreReadable(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, "a := 1\nb := a + undefinedName", "while true {}", "var m map[string]int\nfunc set() { m[\"a\"] = 1 }\nset()",
		"go func() { panic(\"beside\") }()\nlab.Sleep(ctx, time.Minute)", "f := func() int { return 1 }\nf = 2", "fmt.Fprintln(os.Stderr, \"warning\")",
		"syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}")
	for i := range 7 {
		nb.run(i)
	}
	for _, theme := range []string{"JupyterLab Light", "JupyterLab Dark"} {
		nb.command("apputils:change-theme", fmt.Sprintf(`{theme: %q}`, theme))
		nb.wait("the theme", fmt.Sprintf(`document.body.dataset.jpThemeLight === "%v"`, theme == "JupyterLab Light"))
		nb.wait("the theme's colours", fmt.Sprintf(`(getComputedStyle(document.querySelector(".jp-Notebook")).backgroundColor.match(/\d+/)[0] > 128) === %v`, theme == "JupyterLab Light"))
		words := words(nb, ".jp-OutputArea-output pre")
		seen := ""
		for _, w := range words {
			seen += w.Text
			if w.Contrast < readable {
				t.Errorf("%s: %q has a contrast of %.2f", theme, w.Text, w.Contrast)
			}
		}
		for _, want := range []string{"undefined: undefinedName", "Go has no while", "assignment to entry in nil map", "panic: beside", "warning"} {
			if !strings.Contains(seen, want) {
				t.Errorf("%s: the page does not show %q", theme, want)
			}
		}
	}
}

// Tab lists the names that fit, the best first, and inserts the chosen one; Shift-Tab shows what a function is. Both while
// another cell runs.
func TestTabAndShiftTab(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, "// twice doubles.\nfunc twice(x int) int { return 2 * x }\ntwins := 2", "fmt.Println(\"running\")\n<-ctx.Done()", "tw", "twice(")
	nb.run(0)
	nb.start(1)
	nb.wait("the cell's first words", panel+`.content.widgets[1].outputArea.node.innerText.includes("running")`)

	write := func(cell int) {
		eval[bool](nb, fmt.Sprintf(`(() => {
			const notebook = %s.content
			notebook.activeCellIndex = %d
			notebook.mode = "edit"
			const editor = notebook.activeCell.editor
			editor.focus()
			editor.setCursorPosition(editor.getPositionAt(notebook.activeCell.model.sharedModel.getSource().length))
			return true
		})()`, panel, cell))
	}
	write(2)
	nb.do(chromedp.KeyEvent("\t"))
	nb.wait("the list of names", `[...document.querySelectorAll(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")].length > 0`)
	names := eval[[]string](nb, `[...document.querySelectorAll(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")].map(e => e.innerText)`)
	if strings.Join(names, " ") != "twice twins" && strings.Join(names, " ") != "twins twice" {
		t.Errorf("Tab lists %q", names)
	}
	nb.do(chromedp.KeyEvent("\r"))
	nb.wait("the chosen name", panel+`.content.widgets[2].model.sharedModel.getSource().startsWith("twi")`)

	write(3)
	nb.command("tooltip:launch-notebook", "{}") // Shift-Tab
	nb.wait("the explanation", `document.querySelector(".jp-Tooltip")?.innerText.includes("twice doubles.")`)
	text := eval[string](nb, `document.querySelector(".jp-Tooltip").innerText`)
	for _, want := range []string{"func twice(x int) int", "argument 1", "declared in cell"} {
		if !strings.Contains(text, want) {
			t.Errorf("the explanation lacks %q:\n%s", want, text)
		}
	}
	nb.click(`[data-command="notebook:interrupt-kernel"]`)
	nb.settled()
}
