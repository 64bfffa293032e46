package page

import (
	"bytes"
	"encoding/json"
	"flag"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	xhtml "golang.org/x/net/html"

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

// HTML is trusted where this run made it. All other outputs are shown in ways in which nothing in them acts.
func TestOutputsAreTrustedByTheirRun(t *testing.T) {
	t.Parallel()
	nb := ipynb.New("n.ipynb", ipynb.Kernelspec{})
	quoted := func(s string) json.RawMessage {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	add := func(mime, s string) *ipynb.Cell {
		c := nb.AddCell(ipynb.Code, "x")
		if err := c.SetOutputs([]ipynb.Output{{Type: ipynb.DisplayData, Data: ipynb.Bundle{mime: quoted(s)}}}); err != nil {
			t.Fatal(err)
		}
		return c
	}
	fresh := add("text/html", "<div><script>act(1)</script><table><tr><td>open")
	for mime, s := range map[string]string{
		"text/html":                   "<script>act(2)</script><table><tr><td onclick='act(2)'>open",
		"text/markdown":               "<script>act(2)</script> [x](javascript:act(2)) <img src=x onerror='act(2)'>",
		"image/svg+xml":               "<svg xmlns='http://www.w3.org/2000/svg' onload='act(2)'><script>act(2)</script></svg>",
		"application/javascript":      "</pre><script>act(2)</script>",
		"text/latex":                  "$</span><script>act(2)</script>$",
		"text/plain":                  "</pre><script>act(2)</script>",
		"application/json":            "</pre><script>act(2)</script>",
		"x\"><script>act(2)</script>": "act(2)",
	} {
		add(mime, s)
	}
	nb.AddCell(ipynb.Raw, "</pre><script>act(2)</script>")
	for _, trusted := range []bool{true, false} {
		out, err := Render(nb, Options{Ran: func(c *ipynb.Cell) bool { return trusted && c == fresh }})
		if err != nil {
			t.Fatal(err)
		}
		page := string(out)
		_, body, _ := strings.Cut(page, "<main>")
		want := 0
		if trusted {
			want = 1
		}
		if n := strings.Count(body, "<script"); n != want || strings.Count(body, "<script>act(1)</script>") != want {
			t.Errorf("trusted %v: %d scripts in the page:\n%s", trusted, n, body)
		}
		for _, bad := range []string{`<[^>]*\sonclick`, `<[^>]*\sonerror`, `<svg`, `href="javascript`} {
			if regexp.MustCompile(bad).MatchString(body) {
				t.Errorf("trusted %v: the page has %s:\n%s", trusted, bad, body)
			}
		}
		if strings.Contains(page, "Content-Security-Policy") == trusted {
			t.Errorf("trusted %v: scripts are forbidden, or not, the wrong way round", trusted)
		}
		if n := strings.Count(body, "<section"); n != 10 || strings.Count(body, "</table>") != 2 {
			t.Errorf("trusted %v: want 10 cells and two tables that are closed, got %d:\n%s", trusted, n, body)
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
	tokens := xhtml.NewTokenizer(strings.NewReader(s))
	for {
		kind := tokens.Next()
		rest := s[len(tokens.Raw()):]
		if kind == xhtml.ErrorToken {
			if s != "" {
				t.Fatalf("a tag without an end at %.60q", s)
			}
			break
		}
		tag := tokens.Token()
		switch {
		case kind == xhtml.TextToken:
			if strings.Contains(s[:len(s)-len(rest)], "<") {
				t.Fatalf("a bare < at %.60q", s)
			}
		case kind == xhtml.CommentToken || kind == xhtml.DoctypeToken:
			t.Fatalf("a comment or declaration at %.60q", s)
		case voids[tag.Data]:
		case kind != xhtml.EndTagToken:
			open = append(open, tag.Data)
		case len(open) == 0 || open[len(open)-1] != tag.Data:
			t.Fatalf("</%s> closes %v before %.60q", tag.Data, open, rest)
		default:
			open = open[:len(open)-1]
		}
		s = rest
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
		"\x1b[38;5;196mx\x1b[39my":    `<span style="color:light-dark(#e00000,#ff4646)">x</span>y`,
		"\x1b[38;5;226;48;5;16mx":     `<span style="color:#ffff00;background:#000000">x</span>`,
		"\x1b[48;5;244mx":             `<span style="background:#808080">x</span>`,
		"\x1b[38:2:1:2:3mx":           `<span style="color:light-dark(#010203,#898a8a)">x</span>`,
		"\x1b[38;5mx\x1b[38mx\x1b[99999999999999999999mx": "xxx",
		"10%\r100%":                            "100%",
		"100%\r5":                              "500%",
		"100%\r\x1b[K5":                        "5",
		"abc\b\bX":                             "aXc",
		"\b\b\bx":                              "x",
		"a\r\nb":                               "a|b",
		"\x1b]0;title\x07x\x1b]8;;u\x1b\\y":    "xy",
		"a\x1b[2Jb\x1b[3;4Hc\x1b(Bd":           "abcd",
		"\x1bP1$r0m\x1b\\x\x1b_y\x1b\\z":       "xz",
		"\x1b]0;日本\x1b\\x":                     "x",
		"\x1b[3\r1mx\x1b[?25l\x1b[>1my":        `<span class="ansi-red-fg">xy</span>`,
		"\x1b[31\x18x\x1b[1 my\x1b[3日z":        "xy日z",
		"a\xffb\x1b]\xff\x9c\x07c":             "a\ufffdbc",
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

// Colouring code never changes it.
func FuzzHighlight(f *testing.F) {
	f.Add("%engine auto\nfunc f() { x := `a\r\n%b` }\n!ls\r\n/* c\r */ 'x' \"s\" 0x1p-2 ~ @ # é")
	f.Add("a(\n!b)\n%%time\n\n\n% !\n\"open")
	f.Fuzz(func(t *testing.T, code string) {
		var b strings.Builder
		for _, s := range spans("go", code) {
			b.WriteString(s.text)
		}
		if b.String() != code {
			t.Fatalf("%q became %q", code, b.String())
		}
		for _, language := range []string{"go", "python", "sh", "json", "klingon", ""} {
			got := regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(highlight(language, code), "")
			if got != html.EscapeString(code) {
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
	for _, m := range regexp.MustCompile(`(?m)^init ((?:github\.com|golang\.org|interleave)/\S+) @.*, (\d+) bytes`).FindAllStringSubmatch(string(out), -1) {
		n := 0
		for _, c := range m[2] {
			n = 10*n + int(c-'0')
		}
		total += n
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
