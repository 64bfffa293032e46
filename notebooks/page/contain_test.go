package page

import (
	"strings"
	"testing"
)

func TestContain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain &amp; 1 < 2 <3":             "plain &amp; 1 &lt; 2 &lt;3",
		"<b>x</b>":                         "<b>x</b>",
		"<div><b>x":                        "<div><b>x</b></div>",
		"x</div></section><b>y</b></main>": "x<b>y</b>",
		"<div><span>x</div>y</span>":       "<div><span>x</span></div>y",
		"<ul><li>a<li>b</ul><p>c<p>d":      "<ul><li>a<li>b</ul><p>c<p>d",
		"<table><tr><td>x":                 "<table><tr><td>x</table>",
		"<br><img src=x><hr/>x":            "<br><img src=x><hr/>x",
		"<!-- <b> -->x<!-- never":          "<!-- <b> -->x",
		"<b class=\"never>x":               "",
		"a<b":                              "a",
		"<p title='</p>' x=\">\">y</p>":    "<p title='</p>' x=\">\">y</p>",
		"<script>if (a < b) document.write('</b>')</script>x": "<script>if (a < b) document.write('</b>')</script>x",
		"<script>never <b>":                       "<script>never <b></script>",
		"<textarea><div></textarea>x":             "<textarea><div></textarea>x",
		"<style>p{}</STYLE >x":                    "<style>p{}</style>x",
		"<svg><g><path d='x'/></g><title>x":       "<svg><g><path d='x'/></g><title>x</title></svg>",
		"<div/>x":                                 "<div/>x</div>",
		"<plaintext><b>x":                         "<b>x</b>",
		"<!doctype html><a:b c='>'>x":             "<!doctype html><a:b c='>'>x</a:b>",
		"<svg><path d=x/><g/>y":                   "<svg><path d=x/><g/>y</path></svg>",
		"<script><!--<script></script>x":          "<script></script>",
		"<script><!--<script></script></script>x": "<script><!--<script></script></script>x",
		"<p>x</><!>y<!-- --!>z":                   "<p>x</><!>y<!-- --!>z",
		"":                                        "",
	} {
		got := contain(in)
		if got != want {
			t.Errorf("%q\n got %s\nwant %s", in, got, want)
		}
		if again := contain(got); again != got {
			t.Errorf("%q\n became %s\n and then %s", in, got, again)
		}
	}
}

// What a cell leaves open does not reach the next one: nothing is lost, and nothing comes in twice.
func FuzzContain(f *testing.F) {
	f.Add("<div><script>x</script><!-- y --><p a='b'>c</p>", "<b>")
	f.Add("<table><tr><td><svg><a/></svg>", "</table>")
	f.Fuzz(func(t *testing.T, a, b string) {
		if first := contain(a); contain(first+"<hr>"+contain(b)) != first+"<hr>"+contain(b) {
			t.Fatalf("%q and %q are not apart: %q", a, b, first+"<hr>"+contain(b))
		}
		if !strings.Contains(a, "<") && contain(a) != a {
			t.Fatalf("%q became %q", a, contain(a))
		}
	})
}
