package page

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// stored resolves images whose bytes are in their address.
func stored(address string) (string, bool) {
	return address, safeURL(address, true) && strings.HasPrefix(address, "data:")
}

func TestSanitize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain &amp; simple":              "plain &amp; simple",
		"1 < 2 <3 <- x":                   "1 &lt; 2 &lt;3 &lt;- x",
		"<b>x</b>":                        "<b>x</b>",
		"<B>x":                            "<b>x</b>",
		"</div></b>x":                     "x",
		"<b><i>x</b>y</i>":                "<b><i>x</i></b>y",
		"<script>alert('</b>')</script>x": "x",
		"<script>never closed":            "",
		"<SCRIPT src=x></sCript >y":       "y",
		"<style>p{}</style>x":             "x",
		"<svg><script>x</script></svg>y":  "y",
		"<p onclick=x style='a' class=\"c\" title=a>x":                            `<p class="c" title="a">x</p>`,
		`<a href="javascript:x">a</a>`:                                            "<a>a</a>",
		`<a href=" jAva&#9;Script:x">a</a>`:                                       "<a>a</a>",
		`<a href="&#x6a;avascript:x">a</a>`:                                       "<a>a</a>",
		`<a href="vbscript:x">a</a>`:                                              "<a>a</a>",
		`<a href="data:text/html,x">a</a>`:                                        "<a>a</a>",
		`<a href="a.html?x=1:2#y">a</a>`:                                          `<a href="a.html?x=1:2#y">a</a>`,
		`<a href="HTTPS://x/&amp;y">a</a>`:                                        `<a href="HTTPS://x/&amp;y">a</a>`,
		`<img src="data:image/png;base64,aa" onerror=x>`:                          `<img src="data:image/png;base64,aa">`,
		`<img src="data:text/html,x">`:                                            `image`,
		`<img/src=x/onerror=y>`:                                                   "&lt;img/src=x/onerror=y>",
		`<input type=text value=x><input type="checkbox" checked="" disabled="">`: `<input type="checkbox" checked="" disabled="">`,
		"<!-- <b> -->x<!-- open":                                                  "x&lt;!-- open",
		"<!DOCTYPE html>x":                                                        "&lt;!DOCTYPE html>x",
		"<b":                                                                      "&lt;b",
		`<b class="a`:                                                             `&lt;b class="a`,
		`<b class="a>b">x</b>`:                                                    `<b class="a&gt;b">x</b>`,
		`<img src="https://x/y.png"><img src="javascript:x"><img>`:                `<a href="https://x/y.png">y.png</a>imageimage`,
		"<br><br/></br>":                                                          "<br><br>",
		"<unknown a=b>x</unknown>":                                                "x",
		"<a:b>x":                                                                  "&lt;a:b>x",
		"<iframe srcdoc='<script>'>x</iframe>y":                                   "y",
		"<details open><summary>s</summary>":                                      `<details open=""><summary>s</summary></details>`,
		"<ul><li>a<li>b</ul>":                                                     "<ul><li>a</li><li>b</li></ul>",
		"<p>a<p>b<div>c":                                                          "<p>a</p><p>b</p><div>c</div>",
		"<dl><dt>a<dd>b</dl>":                                                     "<dl><dt>a</dt><dd>b</dd></dl>",
		"<table><tr><td>a<td>b<tr><td>c</table>":                                  "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
		`<progress value="3" max="10" style="width:20em"></progress>`:             `<progress value="3" max="10"></progress>`,
		`<kbd>a</kbd><ol start="3"><li value="4">b</ol>`:                          `<kbd>a</kbd><ol start="3"><li value="4">b</li></ol>`,
		"$a<b$ and <mail@host> and <https://x>":                                   "$a&lt;b$ and &lt;mail@host> and &lt;https://x>",
		"<b\x00x>y":                                                               "&lt;b\x00x>y",
		"if a<b and <i>c</i>":                                                     "if a&lt;b and &lt;i>c",
		"<b <script>x</script>":                                                   "&lt;b &lt;script>x",
		"<p id=a id=b>x<!-- --!>y":                                                `<p id="a">xy</p>`,
	} {
		if got, _ := sanitize(in, stored); got != want {
			t.Errorf("%q\n got %s\nwant %s", in, got, want)
		}
	}
}

// What acts in a browser is left out, is named, and leaves what stands around it in its place. The same is looked at in a
// browser by kernel/kerneltest/browser.
func TestSanitizeNamesWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<b>plain</b> <a href='https://go.dev'>x</a>":              "",
		"<b onclick=x>y</b>":                                       "event handlers",
		"<b style=x>y</b>":                                         "style attributes",
		"<a href='javascript:x'>y</a>":                             "addresses",
		"<svg><animate onbegin=x /></svg><script>x</script>":       "script, svg",
		"<svg/><style>@import 'x'</style><iframe srcdoc=x>":        "iframe, style, svg",
		"<base href=x><meta http-equiv=refresh content='0;url=x'>": "base, meta",
		"<form action=x><button formaction=y>z</button><input>":    "button, form, input",
		"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=x&gt;'>": "math",
		"<noscript><p title='</noscript><img src=x onerror=y>'>":                                         "noscript",
		"<template><p>x</template><textarea><p title='</textarea><img src=x>'>":                          "template, textarea",
	} {
		got, out := sanitize("<div>"+in, stored)
		if out.String() != want {
			t.Errorf("%q: left out %q, not %q", in, out, want)
		}
		checkHarmless(t, in, got)
		checkTree(t, got)
	}
}

func FuzzSanitize(f *testing.F) {
	f.Add(`<a href="x" b='c' d=e f>x</a><script>y</script><!-- z --><p<q>`)
	f.Add(`<details><summary>a</summary><pre class="code"><code>x</code></pre>`)
	f.Fuzz(func(t *testing.T, s string) {
		got, _ := sanitize(s, stored)
		checkHarmless(t, s, got)
		checkTree(t, got)
		if again, _ := sanitize(got, stored); again != got {
			t.Fatalf("%q\n became %q\n and then %q", s, got, again)
		}
	})
}

// checkHarmless checks that what sanitize made of in has only what the lists allow, each element closed in its place.
func checkHarmless(t *testing.T, in, got string) {
	t.Helper()
	checkBalance(t, got)
	for tokens := html.NewTokenizer(strings.NewReader(got)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return
		case html.TextToken:
			continue
		}
		tag := tokens.Token()
		if _, ok := elements[tag.Data]; !ok {
			t.Fatalf("%q lets <%s> through: %q", in, tag.Data, got)
		}
		for _, a := range tag.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || (a.Key == "href" || a.Key == "src") && !safeURL(a.Val, tag.Data == "img") {
				t.Fatalf("%q lets %s=%q through", in, a.Key, a.Val)
			}
		}
	}
}

// checkTree checks the same of the tree that browsers make of got: in it are only elements of the list, and those that browsers
// add to a table, and what follows got is where it would be without it.
func checkTree(t *testing.T, got string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader("<!DOCTYPE html><body><div>" + got + "</div><main>"))
	if err != nil {
		t.Fatal(err)
	}
	body := doc.LastChild.LastChild
	if first, last := body.FirstChild, body.LastChild; first.Data != "div" || last.Data != "main" || last.PrevSibling != first {
		t.Fatalf("%q is not contained", got)
	}
	for n := range body.Descendants() {
		if _, ok := elements[n.Data]; n.Type == html.ElementNode && !ok && n.Data != "main" || n.Namespace != "" || n.Type == html.CommentNode {
			t.Fatalf("%q has %q", got, n.Data)
		}
	}
}

// Whatever order elements are opened and closed in, browsers close them where sanitize does.
func TestRandomElementsAreContained(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(elements))
	names = append(names, "svg", "math", "title", "select", "form", "body", "unknown")
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 0))
		var b strings.Builder
		for range 1 + r.IntN(30) {
			b.WriteString([]string{"<", "<", "<", "</", "x<"}[r.IntN(5)] + names[r.IntN(len(names))] + ">")
		}
		got, _ := sanitize(b.String(), stored)
		checkHarmless(t, b.String(), got)
		checkTree(t, got)
	}
}

// Elements nest up to a limit; what is in them stays.
func TestSanitizeDepth(t *testing.T) {
	t.Parallel()
	got, _ := sanitize(strings.Repeat("<div>", 2*maxOpen)+"text"+strings.Repeat("</div>", 2*maxOpen), stored)
	checkBalance(t, got)
	if n := strings.Count(got, "<div>"); n != maxOpen || !strings.Contains(got, "text") {
		t.Errorf("%d elements are open, not %d, or the text is gone", n, maxOpen)
	}
}

// A tag with a great many attributes does not make each of the tags behind it slow: the tokenizer is another one then.
func TestLongTags(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range longTag {
		fmt.Fprintf(&b, " a%d", i)
	}
	for in, want := range map[string]string{
		"<b" + b.String() + "><i>x</i>":                           "<b><i>x</i></b>",
		"<script" + b.String() + "><i>x</i></script><i>y":         "<i>y</i>",
		"<svg" + b.String() + "><g" + b.String() + "></svg><i>y":  "<i>y</i>",
		"<i>x</i" + b.String() + "><title><i>x</title><i>y</i><b": "<i>x</i><i>y</i>&lt;b",
	} {
		if got, _ := sanitize(in, stored); got != want {
			t.Errorf("%.20q\n got %s\nwant %s", in, got, want)
		}
	}
	r := readTokens("<b" + b.String() + ">x")
	before := r.Tokenizer
	if r.next(); r.Tokenizer == before {
		t.Error("the tokenizer of a long tag reads on")
	}
}
