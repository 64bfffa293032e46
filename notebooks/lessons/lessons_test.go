// Package lessons holds the notebooks that teach, numbered in the order in which they are meant to be read. It knows their
// text and, in its tests, what they promise to show; nothing of how they are run.
package lessons

import (
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/notebooks/ipynb"
)

// all reads every lesson.
func all(t *testing.T) []*ipynb.Notebook {
	t.Helper()
	names, err := filepath.Glob("[0-9]*.ipynb")
	if err != nil || len(names) == 0 {
		t.Fatalf("no lessons: %v", err)
	}
	var list []*ipynb.Notebook
	for _, name := range names {
		if strings.HasSuffix(name, ".executed.ipynb") {
			continue // what a reader's own run left
		}
		nb, err := ipynb.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, nb)
	}
	return list
}

var fence = regexp.MustCompile("(?s)```go\n(.*?)```")

// A lesson is shipped as its author would like to find it: no outputs, cells with names of their own, Go as gofmt writes it.
func TestForm(t *testing.T) {
	t.Parallel()
	for _, nb := range all(t) {
		if want := (ipynb.Kernelspec{Name: "interleave", DisplayName: "Go (Interleave)", Language: "go"}); nb.Kernelspec() != want || nb.Minor() != 5 {
			t.Errorf("%s: nbformat 4.%d for %+v", nb.Name(), nb.Minor(), nb.Kernelspec())
		}
		if nb.EnsureIDs() != 0 {
			t.Errorf("%s: cells without an id, or with the same", nb.Name())
		}
		for i, c := range nb.Cells() {
			where := fmt.Sprintf("%s: cell %d (%s)", nb.Name(), i+1, c.ID())
			if _, run := c.ExecutionCount(); run || len(c.Outputs()) > 0 {
				t.Errorf("%s holds outputs", where)
			}
			code := []string{c.Source()}
			if c.Type() == ipynb.Markdown {
				code = nil
				for _, m := range fence.FindAllStringSubmatch(c.Source(), -1) {
					code = append(code, strings.TrimSuffix(m[1], "\n"))
				}
			}
			for _, source := range code {
				if strings.HasPrefix(source, "%") || strings.HasPrefix(source, "!") {
					continue
				}
				// A cell may mix declarations and statements; a function body may not declare functions.
				formatted, err := format.Source([]byte(source))
				if err != nil && strings.HasPrefix(source, "func ") {
					continue
				}
				if err != nil || string(formatted) != source {
					t.Errorf("%s: not as gofmt writes it: %v\n%s", where, err, formatted)
				}
			}
		}
	}
}

// solved reads a lesson and puts its solution where the reader's goes.
func solved(t *testing.T, name string) *ipynb.Notebook {
	t.Helper()
	nb, err := ipynb.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var solution string
	for _, c := range nb.Cells() {
		if m := fence.FindStringSubmatch(c.Source()); c.ID() == "solution" && m != nil {
			solution = m[1]
		}
	}
	if solution == "" {
		t.Fatalf("%s has no solution", name)
	}
	for _, c := range nb.Cells() {
		if c.ID() == "your-turn" {
			c.SetSource(solution)
		}
	}
	return nb
}

// runLesson runs a notebook in the real kernel and returns what it became, and its page.
func runLesson(t *testing.T, nb *ipynb.Notebook) (executed *ipynb.Notebook, page string) {
	t.Helper()
	host := hosttest.Host(t)
	dir := t.TempDir()
	source, out, html := filepath.Join(dir, nb.Name()), filepath.Join(dir, "out.ipynb"), filepath.Join(dir, "out.html")
	if err := nb.WriteFile(source); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(host, "run", "--timeout", "2m", "-o", out, "--html", html, source).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", nb.Name(), err, text)
	}
	executed, err = ipynb.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(html)
	if err != nil {
		t.Fatal(err)
	}
	return executed, string(data)
}

// shown returns what a cell printed, and whether a figure stands below it.
func shown(t *testing.T, nb *ipynb.Notebook, id string) (text string, figure bool) {
	t.Helper()
	for _, c := range nb.Cells() {
		if c.ID() != id {
			continue
		}
		for _, o := range c.Outputs() {
			text += o.Text
			_, png := o.Data["image/png"]
			_, svg := o.Data["image/svg+xml"]
			figure = figure || png && svg
		}
		return text, figure
	}
	t.Fatalf("%s: no cell %q", nb.Name(), id)
	return "", false
}

// lateness sleeps until its result is called, which says for how long this process woke up later than it had asked for: what
// a busy machine may have added to anything that waited meanwhile. On an idle one that is next to nothing.
func lateness() (stop func() time.Duration) {
	const nap, usual = 20 * time.Millisecond, 5 * time.Millisecond
	done, late := make(chan struct{}), make(chan time.Duration)
	go func() {
		var sum time.Duration
		for {
			begin := time.Now()
			select {
			case <-time.After(nap):
				if over := time.Since(begin) - nap; over > usual {
					sum += over
				}
			case <-done:
				late <- sum
				return
			}
		}
	}()
	return func() time.Duration { close(done); return <-late }
}

// Lesson 01 says what one will see. Here it is looked at, in the real kernel: the order of events, the times, the results, the
// figures, and the solution of the exercise. Nothing can make a cell faster than its sleeps. A busy machine can make it slower:
// what this process felt of that is allowed for. However busy it is, work done together beats the same work done one after
// another in the same run.
func TestGather(t *testing.T) {
	t.Parallel()
	nb := solved(t, "01-gather.ipynb")
	stop := lateness()
	executed, page := runLesson(t, nb)
	busy := 0.5 + stop().Seconds() // what a cell may take longer than it sleeps
	const alone = 6                // what sequential sleeps; each other cell sleeps less and does the same work, or gives it up
	sequential := 0.0
	took := regexp.MustCompile(`(\d+\.\d) s\n$`)
	for _, c := range []struct {
		id      string
		seconds float64 // 0: the cell says no time
		figure  bool
		want    []string
	}{
		{"once", 0, true, []string{"nothing has started yet\nstart  home\nfinish home\n<page home> <nil>\n"}},
		{"sequential", 6, true, []string{"start  a\nfinish a\nstart  b\nfinish b\nstart  c\nfinish c\n<page a> <page b> <page c>\n"}},
		{"gather", 3, true, []string{"finish b\nfinish a\nfinish c\n[<page a> <page b> <page c>] <nil>\n"}},
		{"tasks", 3, true, []string{"finish b\nfinish a\nfinish c\n<page a> <page b> <page c>\n"}},
		{"fail", 1, true, []string{"stop   a - context canceled: page b: 404 not found\n", "pages: []\nerror: page b: 404 not found\n"}},
		{"gather-all", 3, true, []string{"<page a> after 2.", "missing after 1.", "<page c> after 3."}},
		{"timeout", 0, true, []string{"start  c\nstop   c - timeout: no answer within 1.5 s\npage:  \"\"\n", "out of time? true\n"}},
		{"your-turn", 1.5, true, []string{"<page b>\n", "no page a - timeout", "no page c - timeout"}},
	} {
		text, figure := shown(t, executed, c.id)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", c.id, want, text)
			}
		}
		// Who works together begins before anybody ends.
		together := c.id != "sequential" && strings.Count(text, "start  ") > 1
		if first := strings.Index(text, "finish"); together && first >= 0 && strings.Contains(text[first:], "start  ") {
			t.Errorf("%s: a fetch begins after another has ended:\n%s", c.id, text)
		}
		if figure != c.figure {
			t.Errorf("%s: figure %v, want %v", c.id, figure, c.figure)
		}
		if m := took.FindStringSubmatch(text); m != nil {
			s, err := strconv.ParseFloat(m[1], 64)
			if err != nil || s < c.seconds || s > c.seconds+busy {
				t.Errorf("%s: took %v s, want %v s and at most %.1f s more on a machine as busy as this", c.id, m[1], c.seconds, busy)
			}
			if c.id == "sequential" {
				sequential = s
			}
			if saves := alone - c.seconds; sequential-s < saves/2 {
				t.Errorf("%s: took %v s where sequential took %v: it saves not even half of %v s", c.id, s, sequential, saves)
			}
		} else if c.seconds > 0 && c.id != "gather-all" {
			t.Errorf("%s: says no time:\n%s", c.id, text)
		}
	}
	if n := strings.Count(page, "<figure>"); n < 6 {
		t.Errorf("the page has %d figures, want 6", n)
	}
}
