package lessons

import (
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"interleave/notebooks/ipynb"
)

// What the second lesson promises: the same answers in four ways, their comparison in a figure, what is copied,
// shared and refused, a death that fails one task, and the solution of the exercise. How long each way takes depends on
// what else the machine does; how many goroutines run at a time does not.
func TestProcesses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("a pool of processes needs Linux on amd64")
	}
	executed, page := runLesson(t, solved(t, "02-processes.ipynb"))
	const found = "[78498 78498 78498] <nil>\n"
	for _, c := range []struct {
		id     string
		figure bool
		want   []string
	}{
		{"sequential", false, []string{found, "one after another: "}},
		{"goroutines", true, []string{found, "goroutines: "}},
		{"processes", true, []string{found, "processes: "}},
		{"gil", true, []string{found, "threads under a GIL: "}},
		{"measure", true, []string{"goroutines  ", "processes  ", "threads under a GIL "}},
		{"spawn", true, []string{": count (cell[1]:17), running <nil>\n9592 <nil> - exit code 0 true\n"}},
		{"copies", true, []string{"add assigns counter", "the process returned 105 <nil>\ncounter is 100\nthe goroutine returned 105 <nil>\ncounter is 105\n"}},
		{"shared", true, []string{"the process returned 105 <nil>\ntotal is 105\n"}},
		{"costs", true, []string{"start a process and call it: ", "call a goroutine: ", "pass 10 MB to a goroutine: ", "call a process: ", "pass 10 MB to a process: "}},
		{"refused", false, []string{"captures least, which another process does not have: pass it as an argument",
			"cannot be sent to another process: field account.mu is a sync.Mutex. Pass the data without it: it works within one process\n"}},
		{"killed", true, []string{"task 0: 0 <nil>\ntask 1: its process was ended by signal 9, killed\ntask 2: 4 <nil>\nafterwards: 49 <nil>\n"}},
		{"your-turn", true, []string{"[false true true] <nil>\n"}},
	} {
		text, figure := shown(t, executed, c.id)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", c.id, want, text)
			}
		}
		if strings.Contains(text, "note:") && c.id != "copies" { // whose point it is
			t.Errorf("%s has a note:\n%s", c.id, text)
		}
		if figure != c.figure {
			t.Errorf("%s: figure %v, want %v", c.id, figure, c.figure)
		}
	}
	text, _ := shown(t, executed, "measure")
	if n := len(regexp.MustCompile(`(?m)^[a-zA-Z ]+ \d+\.\d+ times as long as one after another$`).FindAllString(text, -1)); n != 3 {
		t.Errorf("%d factors, want 3, in\n%s", n, text)
	}
	if p := parallelism(t, executed, "gil"); p > 1.3 {
		t.Errorf("threads under a GIL have a parallelism of %v", p)
	}
	if p := parallelism(t, executed, "goroutines"); p < 1.3 && runtime.GOMAXPROCS(0) > 1 {
		t.Errorf("goroutines have a parallelism of %v", p)
	}
	if n := strings.Count(page, "<figure>"); n < 6 {
		t.Errorf("the page has %d figures, want 6", n)
	}
}

// parallelism returns that of the figure below a cell.
func parallelism(t *testing.T, nb *ipynb.Notebook, id string) float64 {
	t.Helper()
	for _, c := range nb.Cells() {
		if c.ID() != id {
			continue
		}
		for _, o := range c.Outputs() {
			text, _ := o.Data.Text("text/plain")
			m := regexp.MustCompile(`parallelism (\d+\.\d+)`).FindStringSubmatch(text)
			if m == nil {
				continue
			}
			p, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatalf("%s: no parallelism below %s", nb.Name(), id)
	return 0
}
