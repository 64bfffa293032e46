package page

import (
	"bytes"
	"flag"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"interleave/notebooks/ipynb"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func render(t testing.TB, file string) string {
	t.Helper()
	nb, err := ipynb.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Render(nb, Options{Dir: filepath.Dir(file), Footer: "Go 1.26 & more"})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to accept); got:\n%s", file, got)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	page := render(t, "testdata/kinds.ipynb")
	head, rest, ok := strings.Cut(page, "<style>")
	_, body, ok2 := strings.Cut(rest, "</style>")
	if !ok || !ok2 {
		t.Fatal("no style sheet in the page")
	}
	golden(t, "testdata/kinds.golden.html", head+body)
}

// Nothing in a page makes a browser ask the network or run a script.
func TestPageIsAlone(t *testing.T) {
	t.Parallel()
	page := render(t, "testdata/kinds.ipynb")
	for _, bad := range []string{`(?i)<script`, `(?i)<iframe`, `(?i)<link\b`, `(?i)src="(?:[^d]|d[^a])`, `(?i)url\(`, `@import`, `(?i)\son\w+=`, `(?i)href="\s*javascript`, `(?i)<svg`} {
		if at := regexp.MustCompile(bad).FindStringIndex(page); at != nil {
			t.Errorf("the page has %s: …%s…", bad, page[max(0, at[0]-40):min(len(page), at[1]+40)])
		}
	}
}

// Every element that the page opens is closed, in order: what Markdown leaves open must not swallow the next cell.
func TestPageIsBalanced(t *testing.T) {
	t.Parallel()
	_, body, _ := strings.Cut(render(t, "testdata/kinds.ipynb"), "<body>")
	checkBalance(t, body[:strings.Index(body, "</body>")])
}

func checkBalance(t *testing.T, s string) {
	t.Helper()
	var open []string
	for {
		lt := strings.IndexByte(s, '<')
		if lt < 0 {
			break
		}
		tag, rest, ok := readTag(s[lt:])
		if !ok {
			t.Fatalf("a bare < at %.60q", s[lt:])
		}
		s = rest
		switch {
		case voids[tag.name]:
		case !tag.end:
			open = append(open, tag.name)
		case len(open) == 0 || open[len(open)-1] != tag.name:
			t.Fatalf("</%s> closes %v before %.60q", tag.name, open, rest)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Fatalf("never closed: %v", open)
	}
}

func TestLocalImages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(filepath.Dir(dir), filepath.Base(dir)+"-outside.png")
	for _, f := range []string{filepath.Join(dir, "a b.png"), outside, filepath.Join(dir, "notes.txt")} {
		if err := os.WriteFile(f, []byte("bytes"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nb := ipynb.New(filepath.Join(dir, "n.ipynb"), ipynb.Kernelspec{})
	nb.AddCell(ipynb.Markdown, "![here](a%20b.png)\n\n![up](../"+filepath.Base(outside)+")\n\n![text](notes.txt)\n\n![abs](/etc/hostname.png)\n\n![none](missing.png)")
	out, err := Render(nb, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), `<img src="data:image/png;base64,Ynl0ZXM="`); n != 1 || strings.Count(string(out), "<img") != 1 {
		t.Errorf("want one image from the folder and links for the rest:\n%s", out[bytes.Index(out, []byte("<main>")):])
	}
	if _, err := Render(nb, Options{Dir: filepath.Join(dir, "gone")}); err == nil {
		t.Error("a folder that does not exist was opened")
	}
}

func TestANSI(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                            "",
		"plain":                       "plain",
		"a\nb\n":                      "a|b",
		"a\n\nb":                      "a||b",
		"\n":                          "",
		"<&>\"":                       "&lt;&amp;&gt;&#34;",
		"\x1b[31mred\x1b[0m.":         `<span class="ansi-red-fg">red</span>.`,
		"\x1b[1;31mtwo\nlines\x1b[mx": `<span class="ansi-red-fg ansi-bold">two</span>|<span class="ansi-red-fg ansi-bold">lines</span>x`,
		"\x1b[91;44mx":                `<span class="ansi-red-intense-fg ansi-blue-bg">x</span>`,
		"\x1b[7mx\x1b[27m\x1b[31;7my": `<span class="ansi-inverse">x</span><span class="ansi-red-bg">y</span>`,
		"\x1b[38;5;9mx":               `<span class="ansi-red-intense-fg">x</span>`,
		"\x1b[38;5;196mx\x1b[39my":    `<span style="color:#ff0000">x</span>y`,
		"\x1b[48;5;244mx":             `<span style="background:#808080">x</span>`,
		"\x1b[38:2:1:2:3mx":           `<span style="color:#010203">x</span>`,
		"\x1b[38;5mx\x1b[38mx\x1b[99999999999999999999mx": "xxx",
		"10%\r100%":                            "100%",
		"100%\r5":                              "500%",
		"100%\r\x1b[K5":                        "5",
		"abc\b\bX":                             "aXc",
		"\b\b\bx":                              "x",
		"a\r\nb":                               "a|b",
		"\x1b]0;title\x07x\x1b]8;;u\x1b\\y":    "xy",
		"a\x1b[2Jb\x1b[3;4Hc\x1b(Bd":           "abcBd",
		"tail\x1b":                             "tail",
		"tail\x1b[3":                           "tail",
		"nul\x00bel\x07\x7f":                   "nulbel",
		"日本\tx":                                "日本\tx",
		"\x1b[2K\x1b[1mx\x1b[22my\x1b[3;4;9mz": `<span class="ansi-bold">x</span>y<span class="ansi-italic ansi-underline ansi-strike">z</span>`,
	} {
		if got := strings.Join(ansiLines(in), "|"); got != want {
			t.Errorf("%q\n got %s\nwant %s", in, got, want)
		}
	}
}

func FuzzANSI(f *testing.F) {
	f.Add("a\x1b[31mb\r\n\x1b[38;5;1mx\x1b]0;t\x07")
	f.Fuzz(func(t *testing.T, s string) {
		for _, line := range ansiLines(s) {
			checkBalance(t, line)
			if strings.ContainsAny(line, "\n\r\x1b") {
				t.Fatalf("%q gave the line %q", s, line)
			}
		}
	})
}

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
		`<input type=text value=x><input type="checkbox" checked="" disabled="">`: `<input><input type="checkbox" checked="" disabled="">`,
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
		"<b\x00x>y":                                                               "&lt;b\x00x>y",
	} {
		if got := sanitize(in, stored); got != want {
			t.Errorf("%q\n got %s\nwant %s", in, got, want)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	f.Add(`<a href="x" b='c' d=e f>x</a><script>y</script><!-- z --><p<q>`)
	f.Add(`<details><summary>a</summary><pre class="code"><code>x</code></pre>`)
	f.Fuzz(func(t *testing.T, s string) {
		got := sanitize(s, stored)
		checkBalance(t, got)
		for rest := got; ; {
			lt := strings.IndexByte(rest, '<')
			if lt < 0 {
				break
			}
			tag, after, _ := readTag(rest[lt:])
			if _, ok := elements[tag.name]; !ok {
				t.Fatalf("%q lets <%s> through: %q", s, tag.name, got)
			}
			for _, a := range tag.attrs {
				if strings.HasPrefix(a.name, "on") || a.name == "style" || (a.name == "href" || a.name == "src") && !safeURL(a.value, tag.name == "img") {
					t.Fatalf("%q lets %s=%q through", s, a.name, a.value)
				}
			}
			rest = after
		}
		if again := sanitize(got, stored); again != got {
			t.Fatalf("%q\n became %q\n and then %q", s, got, again)
		}
	})
}

// Colouring code never changes it.
func FuzzHighlight(f *testing.F) {
	f.Add("%engine auto\nfunc f() { x := `a\r\n%b` }\n!ls\r\n/* c\r */ 'x' \"s\" 0x1p-2 ~ @ # é")
	f.Add("a(\n!b)\n%%time\n\n\n% !\n\"open")
	f.Fuzz(func(t *testing.T, code string) {
		var b strings.Builder
		for _, tok := range goTokens(code) {
			b.WriteString(tok.Value)
		}
		if b.String() != code {
			t.Fatalf("%q became %q", code, b.String())
		}
		if strings.ContainsAny(code, "\r\x00") || strings.ToValidUTF8(code, "") != code {
			return // the other lexers replace these
		}
		for _, language := range []string{"go", "python", "sh", "json", "klingon", ""} {
			got := html.UnescapeString(regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(highlight(language, code), ""))
			if strings.TrimRight(got, "\n") != strings.TrimRight(html.UnescapeString(html.EscapeString(code)), "\n") {
				t.Fatalf("%s: %q became %q", language, code, got)
			}
		}
	})
}

func TestSlug(t *testing.T) {
	t.Parallel()
	m := ids{}
	for _, c := range [][2]string{{"All at once", "all-at-once"}, {"All, at once!", "all-at-once-2"}, {"Été 日本", "été-日本"}, {"!?", "section"}, {"a_b", "a_b"}} {
		if got := string(m.Generate([]byte(c[0]), 0)); got != c[1] {
			t.Errorf("%q became %q, not %q", c[0], got, c[1])
		}
	}
}

// The kernel's binary contains this package and must start in 40 ms: what runs before main is bounded, in allocations, which
// do not depend on the machine's mood.
func TestInitIsCheap(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	total := 0
	for _, m := range regexp.MustCompile(`(?m)^init (github\.com/\S+|interleave/\S+) @.*, (\d+) bytes`).FindAllStringSubmatch(string(out), -1) {
		n := 0
		for _, c := range m[2] {
			n = 10*n + int(c-'0')
		}
		total += n
		if strings.Contains(m[1], "chroma/v2/lexers") || strings.Contains(m[1], "chroma/v2/styles") {
			t.Errorf("%s is imported: 5 ms", m[1])
		}
	}
	if total == 0 || total > 1<<20 {
		t.Errorf("before main the imports allocate %d bytes, want at most 1 MB:\n%s", total, out)
	}
}

func BenchmarkRender(b *testing.B) {
	nb, err := ipynb.ReadFile("testdata/kinds.ipynb")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Render(nb, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
