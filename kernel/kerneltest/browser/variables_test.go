package browser

import (
	"testing"
)

// The debugger's button is there; switched on, its panel lists the session's variables, takes a value apart, and follows the
// cells that run. Breakpoints do not keep a cell from running.
func TestVariablesPanel(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, "type row struct{ n int; words []string }\nrows := []row{{7, nil}, {8, []string{\"x\"}}}\nbox := make(chan int, 3)\ncount := 1",
		"box <- 1\ncount = 5", "fmt.Println?")
	nb.run(0)
	nb.click(`.jp-NotebookPanel:not(.lm-mod-hidden) .jp-DebuggerBugButton:not([disabled])`)
	eval[bool](nb, `(jupyterapp.shell.activateById("jp-debugger-sidebar"), true)`)
	const side = `document.querySelector("#jp-debugger-sidebar")?.innerText`
	nb.wait("the variables", side+`?.includes("rows") && `+side+`.includes("count") && `+side+`.includes("chan int: 0 of 3 in the buffer")`)
	nb.run(1)
	nb.wait("the new values", side+`.includes("1 of 3 in the buffer")`)
	eval[bool](nb, `(() => {
		const item = [...document.querySelectorAll(".jp-DebuggerVariables-branch li")].find(e => e.innerText.startsWith("rows"))
		;(item.querySelector(".jp-DebuggerVariables-collapser") || item).click()
		return true
	})()`)
	nb.wait("the parts of a value", side+`.includes("[1]")`)
	nb.run(2)
	nb.has(2, "Println formats using the default formats")
	nb.picture("variables.png")
}
