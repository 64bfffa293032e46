package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// answer waits for the box under a cell that asks for input, types text into it, and returns what it looked like: its prompt, and
// whether it masks what is typed.
func (nb *notebook) answer(cell int, text string) (prompt, kind string) {
	nb.t.Helper()
	box := fmt.Sprintf(`%s.content.widgets[%d].outputArea.node.querySelector(".jp-Stdin-input:not([data-answered])")`, panel, cell)
	nb.wait("a box for input", box+` !== null`)
	prompt = eval[string](nb, fmt.Sprintf(`%s.content.widgets[%d].outputArea.node.querySelector(".jp-Stdin-prompt").innerText`, panel, cell))
	kind = eval[string](nb, box+`.type`)
	eval[bool](nb, `(() => { `+box+`.focus(); return true })()`)
	nb.do(chromedp.KeyEvent(text))
	nb.wait("the typed text in the box", fmt.Sprintf(`%s.value === %q`, box, text))
	nb.picture(fmt.Sprintf("input-%d.png", cell))
	eval[bool](nb, `(() => { `+box+`.dataset.answered = "yes"; return true })()`)
	nb.do(chromedp.KeyEvent(kb.Enter))
	return prompt, kind
}

// A cell that reads standard input shows a box, which takes what is typed; a password is masked, in the box and in what stays.
func TestInput(t *testing.T) {
	t.Parallel()
	nb := newNotebook(t, "fmt.Print(\"Age? \")\nvar age int\nfmt.Scan(&age)\nfmt.Println(age + 1)",
		"word, err := display.Password(ctx, \"Secret? \")\nfmt.Println(len(word), err)",
		"rest, err := io.ReadAll(os.Stdin)\nfmt.Printf(\"%q %v\", rest, err)",
		"fmt.Scan(&age)\nfmt.Println(\"behind\")", "age")
	nb.start(0)
	if prompt, kind := nb.answer(0, "41"); prompt != "" || kind != "text" {
		t.Errorf("the box of fmt.Scan has prompt %q and type %q", prompt, kind)
	}
	nb.settled()
	nb.has(0, "Age?", "42")

	nb.start(1)
	if prompt, kind := nb.answer(1, "hush"); prompt != "Secret?" && prompt != "Secret? " || kind != "password" {
		t.Errorf("the box of display.Password has prompt %q and type %q", prompt, kind)
	}
	nb.settled()
	nb.has(1, "4 <nil>")
	if text := eval[string](nb, panel+`.content.widgets[1].outputArea.node.innerText`); strings.Contains(text, "hush") {
		t.Errorf("the password can be read: %s", text)
	}

	nb.start(2)
	nb.answer(2, "one")
	nb.wait("the first line", fmt.Sprintf(`%s.content.widgets[2].outputArea.node.innerText.includes("one")`, panel))
	nb.answer(2, "^D")
	nb.settled()
	nb.has(2, `"one\n" <nil>`)

	nb.start(3)
	nb.wait("a box for input", panel+`.content.widgets[3].outputArea.node.querySelector(".jp-Stdin-input") !== null`)
	nb.click(`[data-command="notebook:interrupt-kernel"]`)
	nb.settled()
	nb.has(3, "interrupted")
	nb.run(4)
	nb.has(4, "41")
}
