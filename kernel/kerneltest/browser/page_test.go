package browser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A stored cell is one with outputs that the run does not make, or Markdown.
type stored struct {
	markdown string
	outputs  []map[string]any
}

func display(mime, text string) []map[string]any {
	return []map[string]any{{"output_type": "display_data", "metadata": map[string]any{}, "data": map[string]any{mime: text}}}
}

// makePage runs a notebook without a front end and returns the path of its web page. run are the sources of cells that are run,
// and stand before the rest.
func makePage(t *testing.T, run []string, rest []stored) string {
	t.Helper()
	if lab.whyMissing != "" {
		t.Skip(lab.whyMissing)
	}
	var cells []map[string]any
	for _, source := range run {
		cells = append(cells, map[string]any{"cell_type": "code", "metadata": map[string]any{}, "source": source, "outputs": []any{}, "execution_count": nil})
	}
	for _, s := range rest {
		if s.markdown != "" {
			cells = append(cells, map[string]any{"cell_type": "markdown", "metadata": map[string]any{}, "source": s.markdown})
			continue
		}
		cells = append(cells, map[string]any{"cell_type": "code", "metadata": map[string]any{"tags": []string{"skip-execution"}}, "source": "// not run",
			"outputs": s.outputs, "execution_count": 1})
	}
	b, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 4, "metadata": map[string]any{}, "cells": cells})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.ipynb")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("go", "run", ".", "run", "--allow-errors", "-o", "none", file)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return strings.TrimSuffix(file, ".ipynb") + ".executed.html"
}

// openPage opens a file in a tab of its own.
func openPage(t *testing.T, file string, width int64, scheme string) *notebook {
	t.Helper()
	ctx, cancel := chromedp.NewContext(lab.browser)
	t.Cleanup(cancel)
	nb := &notebook{t: t, ctx: ctx}
	nb.do(chromedp.EmulateViewport(width, 900))
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatal(err)
	}
	nb.do(chromedp.Navigate("file://" + file))
	return nb
}

// Nothing that a notebook brought along acts in its page, or changes what stands around it. ACT in these texts is an action that
// the test sees.
func TestStoredOutputsDoNotAct(t *testing.T) {
	t.Parallel()
	attacks := []string{
		// what handles events, and what needs none
		`<img src=x onerror="ACT">`, `<img src=x oNeRrOr=ACT>`, `<body onload="ACT">`, `<details open ontoggle="ACT"><summary>x</summary></details>`,
		`<p onmouseover="ACT" tabindex=1 onfocus="ACT">x</p>`, `<img """><img src=x onerror="ACT">"'>`, `<p/onmouseover=ACT//id=x>`, `<video><source onerror="ACT"></video>`,
		`<script>ACT</script>`, `<script>ACT`, "<script\n>ACT</script\n>", `<scr<script>ipt>ACT</scr</script>ipt>`, `<script/x>ACT</script/x>`, `<script type=module>ACT</script>`,
		// documents and addresses
		`<iframe srcdoc="<script>parent.ACT</script>"></iframe>`, `<iframe src="javascript:parent.ACT"></iframe>`, `<object data="javascript:ACT"></object>`,
		`<embed src="javascript:ACT">`, `<meta http-equiv=refresh content="0;url=javascript:ACT">`, `<base href="https://example.invalid/">`,
		`<form action="javascript:ACT"><button class=auto>x</button></form>`, `<button formaction="javascript:ACT" class=auto>x</button>`,
		`<a href="javascript:ACT" class=auto>x</a>`, "<a href=\"java\tscript:ACT\" class=auto>x</a>", `<a href="&#x6A;avascript&colon;ACT" class=auto>x</a>`,
		`<a href="data:text/html,<script>ACT</script>" class=auto>x</a>`, `<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='ACT'/>">`,
		// other languages inside of HTML
		`<svg onload="ACT">`, `<svg><script>ACT</script></svg>`, `<svg><script>ACT&lt;/script></svg><img src=x onerror=ACT>`, `<svg><animate onbegin="ACT" attributeName=x dur=1s>`,
		`<svg><a><animate attributeName=href values="javascript:ACT"/><text class=auto y=20>x</text></a></svg>`, `<svg><foreignObject><iframe srcdoc="<script>parent.ACT</script>">`,
		`<svg><use href="data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'><image href=1 onerror=ACT /></svg>#x">`, `<svg><style><img src=x onerror=ACT></style></svg>`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=ACT&gt;">`, `<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=ACT>`,
		`<svg></p><style><a id="</style><img src=1 onerror=ACT>">`, `<math><mi><table><mglyph><svg><mtext><textarea><path id="</textarea><img onerror=ACT src=1>">`,
		// what is read in another way than it looks
		`<noscript><p title="</noscript><img src=x onerror=ACT>">`, `<title><p title="</title><img src=x onerror=ACT>">`, `<textarea><p title="</textarea><img src=x onerror=ACT>">`,
		`<xmp><p title="</xmp><img src=x onerror=ACT>">`, `<template><script>ACT</script></template><img src=x onerror=ACT>`, `<!--><img src=x onerror=ACT>-->`,
		`<!-- --!><img src=x onerror=ACT> -->`, `<![CDATA[<img src=x onerror=ACT>]]>`, `<?xml <img src=x onerror=ACT>?>`, "<a title=\"`<img src=x onerror=ACT>`\">x</a>",
		`<b title="&quot;&gt;&lt;img src=x onerror=ACT&gt;">x</b>`, "<img\x0bsrc=x\x0bonerror=ACT>", `<select><option><style></option></select><img src=x onerror=ACT></style></select>`,
		`<style>main { display: none }</style>`, `<p style="position: fixed; inset: 0; background: red">x</p>`, `<link rel=stylesheet href="data:text/css,main{display:none}">`,
		// what is not closed, or closes what it did not open
		`</div></div></div></section></main><b>x`, `<!-- x`, `<b class="x`, `<table><tr><td>x`, `<a href="#x">x`, `<plaintext>`, `<textarea>x`, `<svg>x`, `<select>x`, `<template>x`, `<style>x`,
		`<table><b>x</table>`, `<ul><li>x`, `<details><summary>x`, `<p><p></div>`, `<frameset onload=ACT>`,
	}
	// The first cell makes what the others may act on, and shows that this page lets scripts act and that the test sees it.
	run := []string{"display.HTML(`<script>var acted = []</script><img src=\"nowhere\" onerror=\"acted.push('trusted')\"><table><tr><td>open`)", "1 + 1"}
	var rest []stored
	for i, a := range attacks {
		a = strings.ReplaceAll(a, "ACT", fmt.Sprintf("acted.push(%d)", i))
		svg := strings.Replace(a, "<svg", `<svg xmlns="http://www.w3.org/2000/svg"`, 1)
		rest = append(rest, stored{outputs: slices.Concat(display("text/html", a), display("text/markdown", "x "+a), display("image/svg+xml", svg), display("application/javascript", a))},
			stored{markdown: a + "\n\nx " + a})
	}
	nb := openPage(t, makePage(t, run, rest), 1280, "light")
	nb.wait("the page", `document.readyState === "complete" && acted.length > 0`)
	eval[bool](nb, `(() => {
		for (const e of document.querySelectorAll(".auto")) e.click()
		for (const e of document.querySelectorAll("main *")) for (const event of ["mouseover", "focus", "toggle", "load", "error"]) e.dispatchEvent(new Event(event))
		return true
	})()`)
	// What acts later, such as an image that fails to load, has done so when one that comes now has.
	eval[bool](nb, `new Promise(done => { const last = new Image(); last.onerror = () => setTimeout(() => done(true), 100); last.src = "nowhere-either" })`)
	for _, a := range eval[[]any](nb, "[...new Set(acted)]") {
		if n, ok := a.(float64); ok {
			t.Errorf("this acted: %s", attacks[int(n)])
		}
	}
	cells := len(run) + len(rest)
	if n := eval[int](nb, `document.querySelectorAll("main > section.cell").length`); n != cells {
		t.Errorf("%d of %d cells are in their place", n, cells)
	}
	if n := eval[int](nb, `document.querySelectorAll("body > main + footer").length`); n != 1 {
		t.Error("the foot of the page is not behind its cells")
	}
	for _, e := range eval[[]string](nb, `[...document.querySelectorAll("main :is(script, style, iframe, svg, math, object, embed, form, base, meta, link, template, noscript, textarea, select, button), main [style]")].map(e => e.outerHTML)`) {
		if !strings.Contains(e, "var acted") {
			t.Errorf("the page has %s", e)
		}
	}
	if !eval[bool](nb, `getComputedStyle(document.querySelector("main")).display !== "none" && location.protocol === "file:"`) {
		t.Error("the page is hidden, or another one")
	}
}

// A page fits its window, wide or narrow, its pictures are no larger than they are, and all its words can be read, in the light and
// in the dark.
func TestPageFits(t *testing.T) {
	t.Parallel()
	long := func(s string, n int) string { return strings.Repeat(s, n) }
	wide := base64.StdEncoding.EncodeToString([]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="3000" height="60"/>`))
	ansi := ""
	for i := range 8 {
		ansi += fmt.Sprintf("\x1b[%dmfg\x1b[0m \x1b[%dmbright\x1b[0m \x1b[%dmbg\x1b[0m \x1b[%d;%dmboth\x1b[0m ", 30+i, 90+i, 40+i, 30+i, 40+(i+3)%8)
	}
	for i := 16; i < 256; i += 7 {
		ansi += fmt.Sprintf("\x1b[38;5;%dm%d\x1b[0m ", i, i)
	}
	ansi += "\x1b[1mbold\x1b[0m \x1b[2mfaint\x1b[0m \x1b[7minverse\x1b[0m\n"
	stream := func(name string) []map[string]any {
		return []map[string]any{{"output_type": "stream", "name": name, "text": ansi + long("x", 500) + "\n" + long("word ", 200)}}
	}
	rest := []stored{
		{markdown: "# " + long("Title", 30) + "\n\n## Two\n\n## Three\n\n## Four\n\n" + long("word", 100) + " `" + long("code", 100) + "` https://example.org/" + long("path/", 60) +
			"\n\n> " + long("quote", 60) + "\n\n1. a\n   - " + long("item", 60) + "\n\n     ```go\n     " + long("f(x); ", 60) + "// comment\n     ```\n\n" +
			long("| column ", 20) + "|\n" + long("|--", 20) + "|\n" + long("| `value` ", 20) + "|\n\n| a | b |\n|--|--:|\n| " + long("w", 200) + " | 2 |\n\n$$" + long("a+", 200) +
			"$$\n\n$" + long("b+", 200) + "$\n\n![x](data:image/svg+xml;base64," + wide + ")\n\n- [ ] open\n\n<details open><summary>" + long("more", 60) + "</summary>text</details>"},
		{markdown: "```python\n@d\ndef f(x):  # " + long("c", 200) + "\n    return print(\"s\", 1, None, x)\n```\n\n```sh\nif true; then ls -l $HOME; fi # x\n```\n\n```json\n{\"a\": [1, true, \"x\"]}\n```"},
		{outputs: stream("stdout")},
		{outputs: stream("stderr")},
		{outputs: []map[string]any{{"output_type": "error", "ename": "x", "evalue": "x", "traceback": []string{ansi + long("word ", 200), long("x", 500)}}}},
		{outputs: display("text/html", "<table><tr>"+long("<th>column</th>", 40)+"</tr><tr>"+long("<td>1.2345</td>", 40)+"</tr></table><script></script>")},
		{outputs: display("text/latex", "$"+long(`\frac{a}{b}+`, 60)+"$")},
		{outputs: display("application/x+json", long("x", 500))},
		{outputs: display("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="3000" height="60"/>`)},
		{outputs: display("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="60"/>`)},
	}
	run := []string{"x := undefinedName // " + long("comment ", 40), "var m map[string]int\nm[\"" + long("k", 300) + "\"] = 1", "fmt.Println(`" + long("text ", 100) + "`); \"" + long("v", 300) + "\""}
	page := makePage(t, run, rest)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 360} {
			nb := openPage(t, page, width, scheme)
			if w := eval[float64](nb, "document.documentElement.scrollWidth"); w > float64(width) {
				t.Errorf("at %d px the page is %v px wide; too wide are %v", width, w, eval[[]string](nb,
					`[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.parentElement.closest("pre, table")).map(e => e.outerHTML.slice(0, 80))`))
			}
			for _, i := range eval[[]string](nb, `[...document.images].filter(i => { const s = getComputedStyle(i); return i.clientWidth - parseFloat(s.paddingLeft) - parseFloat(s.paddingRight) > i.naturalWidth + 1 }).map(i => i.outerHTML.slice(0, 80))`) {
				t.Errorf("at %d px this is larger than it is: %s", width, i)
			}
			eval[bool](nb, `document.querySelectorAll(".anchor").forEach(e => e.remove()), true`) // seen when the pointer is there
			seen := words(nb, "body")
			if len(seen) < 100 {
				t.Errorf("the page has only %d words", len(seen))
			}
			for _, w := range seen {
				if w.Contrast < readable {
					t.Errorf("%s: %.40q has a contrast of %.2f", scheme, w.Text, w.Contrast)
				}
			}
		}
	}
}
