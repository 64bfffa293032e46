package page

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"interleave/notebooks/ipynb"
)

// convert renders one Markdown text, where a paragraph may have so much markup.
func convert(t testing.TB, text string, most int) (string, *printer) {
	t.Helper()
	p := newPrinter()
	p.most = most
	out, _, err := p.markdown(text, ipynb.New("n.ipynb", ipynb.Kernelspec{}).AddCell(ipynb.Markdown, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out, p
}

const note = "Not all of this text is formatted: "

// Each limit shows what is beyond it as it was written, says so, and formats what is within it.
func TestBounds(t *testing.T) {
	t.Parallel()
	list := func(depth int) string {
		var b strings.Builder
		for i := range depth {
			fmt.Fprintf(&b, "%s- item %d\n", strings.Repeat("  ", i), i)
		}
		return b.String()
	}
	cells := func(n int) string { return strings.Repeat("|a", n) + "|\n" + strings.Repeat("|-", n) + "|\n" }
	for _, c := range []struct {
		name, text string
		why        string // empty: it is within the limits
		has        string
	}{
		{"quotes", strings.Repeat("> ", maxNesting) + "*deep*", "", "<em>deep</em>"},
		{"deep quotes", strings.Repeat("> ", maxNesting+1) + "*deep*", "quotes or lists are nested too deeply", "&gt; <em>deep</em>"},
		{"lists", list(maxNesting), "", fmt.Sprintf("<li>item %d</li>", maxNesting-1)},
		{"deep lists", list(maxNesting+1) + "\n1. next", "quotes or lists are nested too deeply", fmt.Sprintf("- item %d", maxNesting)},
		{"after deep lists", list(maxNesting+1) + "- next\n\n<!-- -->\n\n1. ordered", "quotes or lists are nested too deeply", "<li>ordered</li>"},
		{"table", cells(50) + strings.Repeat("|b\n", 50), "", "<td>b</td>"},
		{"table of nothing", cells(200) + strings.Repeat("|b\n", 200), "a table has more cells than text", "|b"},
		{"pipes", cells(1) + strings.Repeat("|`a\\|b`\n", maxPipes), "", "<code>a|b</code>"},
		{"more pipes", cells(1) + strings.Repeat("|`a\\|b`\n", maxPipes+1), "tables have too many escaped pipes", "|-"},
		{"definitions", strings.Repeat("[a]: b\n", maxDefinitions) + "\n[a]", "", `<a href="b">a</a>`},
		{"more definitions", strings.Repeat("[a]: b\n", maxDefinitions+1) + "\n[a]", "there are too many link definitions in a row", "[a]: b"},
		{"repeats", "[a]: /" + strings.Repeat("b", 1000) + "\n\n" + strings.Repeat("[a] ", minRepeats/1001), "", "/bbb"},
		{"more repeats", "[a]: /" + strings.Repeat("b", 1000) + "\n\n" + strings.Repeat("[a] ", minRepeats/1001+2), "links are repeated too often", " [a]"},
		{"prose", strings.Repeat("some words (of prose), and so on: https://go.dev ", 4000), "", "</a>"},
		{"links", strings.Repeat("[go](https://go.dev) and `code` and *so* on, ", 500), "", "<em>so</em> on,</p>"},
		{"a stored picture", "![x](data:image/png;base64," + strings.Repeat("aGVsbG8", 1<<17) + ")", "", "<img"},
	} {
		out, _ := convert(t, c.text, maxMarkup)
		if got := strings.Contains(out, note); got != (c.why != "") || !strings.Contains(out, c.why) {
			t.Errorf("%s: want the note %q, got …%s", c.name, c.why, out[max(0, len(out)-200):])
		}
		if !strings.Contains(out, c.has) {
			t.Errorf("%s: no %q in %.300s", c.name, c.has, out)
		}
		checkHarmless(t, c.name, strings.ReplaceAll(out, `<div class="cut">`, "<div>"))
	}
}

// A paragraph with more markup than it may have keeps its text, and the next one is formatted again. When the page's limit is
// used up, its texts are shown as they were written.
func TestMarkupIsBounded(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"[", "![", "]", "`a", "``a`", "<a ", "<!-- ", "*a **b ", "_a ", "$a ", "$$ a ", "~a~ ", "[a](b ", "<a b='"} {
		text := "x " + strings.Repeat(unit, 200) + "\n\n*next*"
		out, p := convert(t, text, 10_000)
		if !strings.Contains(out, note) || !strings.Contains(out, "<p><em>next</em></p>") {
			t.Errorf("%q: no note, or the next paragraph is plain: …%s", unit, out[max(0, len(out)-200):])
		}
		if spent := maxPageMarkup - p.markup; spent > 2*10_000 {
			t.Errorf("%q: %d spent in two paragraphs with 10000 each", unit, spent)
		}
		p.markup = 0
		out, _, err := p.markdown("*a*\n\n# b", ipynb.New("n.ipynb", ipynb.Kernelspec{}).AddCell(ipynb.Markdown, ""), nil)
		if err != nil || !strings.Contains(out, "*a*") || !strings.Contains(out, "<h1") || !strings.Contains(out, note) {
			t.Errorf("with nothing left: %s, %v", out, err)
		}
	}
}

// Whatever a text is made of, the work on it and its page stay within a multiple of its length, and the page is whole.
func TestRandomTextIsBounded(t *testing.T) {
	t.Parallel()
	parts := strings.Split("> |- |* |1. |[|]|(|)|![|](b)|*|**|_|~~|`|``|<|</|<a |</a>|<!--|-->|<b x='|<div>|<title>|&amp;|\\|$|$$|\n|\n\n|    |# |```\n|===|---|a|a b|http://a.b/|a@b.c|\"|'|[a]: /b \"t\"\n|[a]|[a][b]|- [ ] ", "|")
	parts = append(parts, "|", "|-", `\|`)
	const most = 1 << 18
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		pick := func() (s string) {
			for range 1 + r.IntN(4) {
				s += parts[r.IntN(len(parts))]
			}
			return s
		}
		text := pick() + strings.Repeat(pick(), 300) + strings.Repeat(pick(), 300)
		out, p := convert(t, text, most)
		checkHarmless(t, text, strings.ReplaceAll(out, `<div class="cut">`, "<div>"))
		paragraphs := 1 + strings.Count(text, "\n") + strings.Count(text, "|")
		if spent := maxPageMarkup - p.markup; spent > paragraphs*most {
			t.Errorf("seed %d: %d spent on %d paragraphs and cells of at most %d", seed, spent, paragraphs, most)
		}
		if len(out) > 150*len(text)+minRepeats {
			t.Errorf("seed %d: %d bytes became %d: %.80q", seed, len(text), len(out), text)
		}
	}
}

// Headings that say the same have ids in a row, however many there are, and texts that look like such ids keep theirs.
func TestManyIDs(t *testing.T) {
	t.Parallel()
	m := ids{}
	m.Generate([]byte("a 3"), 0)
	seen := map[string]bool{"a-3": true}
	for i := range 2000 {
		id := string(m.Generate([]byte("a"), 0))
		if seen[id] {
			t.Fatalf("heading %d has the id %s of another", i, id)
		}
		seen[id] = true
	}
	if len(m) > 2*len(seen) {
		t.Errorf("%d entries for %d ids", len(m), len(seen))
	}
}

// The pictures of a page's texts are bounded, each time that one is shown, and only files are read.
func TestPicturesAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.png"), make([]byte, 1000), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.png"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	p := newPrinter()
	p.pictures = 2500
	text := strings.Repeat("![x](a.png)\n", 10) + "![y](folder.png) ![z](pipe.png)"
	out, _, err := p.markdown(text, ipynb.New("n.ipynb", ipynb.Kernelspec{}).AddCell(ipynb.Markdown, text), root)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out, "<img"); n != 3 || !strings.Contains(out, "pictures beyond 64 MiB are left out") {
		t.Errorf("%d pictures: …%s", n, out[max(0, len(out)-300):])
	}
}

// A text four times as long takes about four times as long: the ratio is reported for each of what a text is made of.
func BenchmarkGrowth(b *testing.B) {
	for _, unit := range []string{"words, words ", "# heading\n", "- item\n", "| a | b |\n", "[go](https://go.dev) ", "`code` ", "*so* ", "<b>x</b> ", "$x$ ", "[x "} {
		b.Run(strings.TrimSpace(unit), func(b *testing.B) {
			var took [2]time.Duration
			for b.Loop() {
				for i, n := range []int{64 << 10, 256 << 10} {
					text := strings.Repeat(unit, n/len(unit))
					begin := time.Now()
					convert(b, text, maxMarkup)
					took[i] += time.Since(begin)
				}
			}
			b.ReportMetric(float64(took[1])/float64(took[0]), "times-for-4x")
		})
	}
}
