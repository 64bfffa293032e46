package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for a condition. A lesson's cells take their 25 s, on a busy machine more.
const patience = 90 * time.Second

// A notebook is one that is open in a tab of its own, with a kernel of its own.
type notebook struct {
	t   *testing.T
	ctx context.Context
	lab *server
	url string
}

// newNotebook writes a notebook of code cells and opens it.
func newNotebook(t *testing.T, cells ...string) *notebook {
	t.Helper()
	return openNotebook(t, notebookOf(t, cells...))
}

// notebookOf is the file of a notebook of code cells.
func notebookOf(t *testing.T, cells ...string) []byte {
	t.Helper()
	type cell struct {
		Type     string         `json:"cell_type"`
		ID       string         `json:"id"`
		Metadata map[string]any `json:"metadata"`
		Source   string         `json:"source"`
		Outputs  []any          `json:"outputs"`
		Count    *int           `json:"execution_count"`
	}
	file := map[string]any{"nbformat": 4, "nbformat_minor": 5}
	file["metadata"] = map[string]any{"kernelspec": map[string]any{"name": "interleave", "display_name": "Go (Interleave)", "language": "go"}}
	list := []cell{}
	for i, source := range cells {
		list = append(list, cell{"code", fmt.Sprint("cell-", i), map[string]any{}, source, []any{}, nil})
	}
	file["cells"] = list
	b, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openNotebook opens a notebook in JupyterLab and waits for its kernel.
func openNotebook(t *testing.T, file []byte) *notebook {
	t.Helper()
	return openIn(t, &lab.server, file)
}

// openIn opens a notebook in one of the JupyterLabs.
func openIn(t *testing.T, in *server, file []byte) *notebook {
	t.Helper()
	if lab.whyMissing != "" {
		t.Skip(lab.whyMissing)
	}
	name := t.Name() + ".ipynb"
	if err := os.WriteFile(filepath.Join(in.notebooks, name), file, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(lab.browser)
	t.Cleanup(cancel)
	nb := &notebook{t: t, ctx: ctx, lab: in}
	t.Cleanup(func() {
		nb.explain()
		// A kernel less for the tests that come.
		chromedp.Run(ctx, chromedp.Evaluate[bool](panel+`?.sessionContext?.shutdown().then(() => true, () => false)`, chromedp.EvalAwaitPromise))
	})
	nb.url = fmt.Sprintf("%s/lab/workspaces/%s/tree/%s?token=%s&reset", in.base, url.PathEscape(t.Name()), url.PathEscape(name), in.token)
	nb.do(chromedp.EmulateViewport(1200, 1000))
	// Without focus JupyterLab has no current widget.
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	nb.load()
	return nb
}

// load opens the notebook's page, also once more, and waits for the kernel.
func (nb *notebook) load() {
	nb.t.Helper()
	nb.do(chromedp.Navigate(nb.url))
	nb.wait("the notebook with its kernel", panel+`?.sessionContext?.session?.kernel?.status === "idle"`)
}

// panel is the notebook's widget in JupyterLab.
const panel = `(window.jupyterapp?.shell?.currentWidget)`

// do does things in the page.
func (nb *notebook) do(steps ...chromedp.Action[chromedp.Void]) {
	nb.t.Helper()
	if err := chromedp.Do(nb.ctx, steps...); err != nil {
		nb.t.Fatal(err)
	}
}

// eval gives the value of an expression in the page.
func eval[T any](nb *notebook, expression string) T {
	nb.t.Helper()
	v, err := chromedp.Run(nb.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		nb.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until a condition in the page holds.
func (nb *notebook) wait(what, condition string) {
	nb.t.Helper()
	_, err := chromedp.Run(nb.ctx, chromedp.Poll[bool]("!!("+condition+")", chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(20*time.Millisecond)))
	if err != nil {
		nb.t.Fatalf("wait for %s: %v", what, err)
	}
}

// command runs one of JupyterLab's commands, as its menus do. It does not wait for the command's end.
func (nb *notebook) command(name, args string) {
	nb.t.Helper()
	eval[bool](nb, fmt.Sprintf(`void jupyterapp.commands.execute(%q, %s), true`, name, args))
}

// click clicks what a selector finds first.
func (nb *notebook) click(selector string) {
	nb.t.Helper()
	nb.do(chromedp.Click(chromedp.CSS(selector)))
}

// runAll runs all cells, and waits until none runs or waits any more.
func (nb *notebook) runAll() {
	nb.t.Helper()
	nb.command("notebook:run-all-cells", "{}")
	nb.settled()
}

// start begins to run a cell, the first being 0.
func (nb *notebook) start(cell int) {
	nb.t.Helper()
	eval[int](nb, fmt.Sprintf(`%s.content.activeCellIndex = %d`, panel, cell))
	nb.command("notebook:run-cell", "{}")
}

// run runs a cell and waits for its end.
func (nb *notebook) run(cell int) {
	nb.t.Helper()
	nb.start(cell)
	nb.settled()
}

// restart restarts the kernel from the toolbar, with the question answered. The page says idle before it begins with that, and
// again before its new connection stands, and loses what is sent meanwhile; so the restart must be seen to end.
func (nb *notebook) restart() {
	nb.t.Helper()
	eval[bool](nb, `(() => {
		const kernel = `+panel+`.sessionContext.session.kernel, restart = kernel.restart.bind(kernel)
		window.restarted = false
		kernel.restart = () => restart().then(() => { window.restarted = true })
		return true
	})()`)
	nb.click(`[data-command="notebook:restart-kernel"]`)
	nb.click(`.jp-Dialog .jp-mod-accept`)
	nb.wait("the kernel's new life", `window.restarted && `+panel+`.sessionContext.session?.kernel?.connectionStatus === "connected" && `+
		panel+`.sessionContext.session?.kernel?.status === "idle"`)
}

// settled waits until all cells that were sent have their replies. A cell has a star from when it is sent.
func (nb *notebook) settled() {
	nb.t.Helper()
	nb.wait("the cells' end", panel+`.sessionContext.session?.kernel?.status === "idle" && !`+panel+`.content.widgets.some(c => c.promptNode?.textContent.includes("*"))`)
}

// A shown cell is what the page has of one.
type shown struct {
	Count  int    // 0: it did not run
	Text   string // of all outputs, as the user reads them
	Errors int    // outputs that are errors
	Images int
}

// cells gives what the page shows of all code cells.
func (nb *notebook) cells() []shown {
	nb.t.Helper()
	return eval[[]shown](nb, panel+`.content.widgets.filter(c => c.model.type === "code").map(c => ({
		Count: c.model.executionCount || 0,
		Text: c.outputArea.node.innerText,
		Errors: c.outputArea.model.toJSON().filter(o => o.output_type === "error").length,
		Images: [...c.outputArea.node.querySelectorAll("img, svg")].filter(i => i.getBoundingClientRect().width > 0).length,
	}))`)
}

// has checks that a cell's outputs contain the words.
func (nb *notebook) has(cell int, words ...string) {
	nb.t.Helper()
	text := nb.cells()[cell].Text
	for _, w := range words {
		if !strings.Contains(text, w) {
			nb.t.Errorf("cell %d does not show %q but\n%s", cell, w, text)
		}
	}
}

// picture leaves a picture of the page; go test -artifacts keeps it.
func (nb *notebook) picture(file string) {
	b, err := chromedp.Run(nb.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		to := filepath.Join(nb.t.ArtifactDir(), file)
		if err = os.WriteFile(to, b, 0o644); err == nil {
			nb.t.Log("the page as it was is in", to)
		}
	}
	if err != nil {
		nb.t.Log("no picture of the page:", err)
	}
}

// explain leaves a picture of the page when a test failed; go test -artifacts keeps it.
func (nb *notebook) explain() {
	if !nb.t.Failed() {
		return
	}
	nb.picture("page.png")
	if nb.lab == nil { // a page without JupyterLab
		return
	}
	if b, err := os.ReadFile(nb.lab.log); err == nil {
		nb.t.Logf("the end of JupyterLab's log:\n%s", b[max(0, len(b)-3000):])
	}
}
