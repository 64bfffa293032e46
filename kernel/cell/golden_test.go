package cell

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"interleave/kernel/cell/names"
)

var update = flag.Bool("update", false, "write what is emitted into testdata/emit")

// TestEmit compares what each cell becomes with testdata/emit: for a file of cells, the package for the compiler in plain and in gated code,
// the text for the interpreter or why it may not run the cell, and the notes. Run it with -update and read the difference.
func TestEmit(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/emit/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("testdata/emit has no files", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			old, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var cells []string
			for _, f := range old.Files {
				if strings.HasSuffix(f.Name, "/cell") {
					cells = append(cells, string(f.Data))
				}
			}
			got := txtar.Format(&txtar.Archive{Comment: old.Comment, Files: emitted(cells)})
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := txtar.Format(old); string(got) != string(want) {
				t.Errorf("%s is not what is emitted: run go test -run TestEmit -update, and read the difference\n%s", name, firstDifference(string(got), string(want)))
			}
		})
	}
}

// emitted checks and commits cells, in a session with plain code and in one with gated code, and returns what they become.
func emitted(cells []string) (files []txtar.File) {
	plain, gated := New(shared), New(shared)
	plain.Plain = true
	for i, text := range cells {
		n := i + 1
		add := func(name, text string) {
			if text != "" {
				files = append(files, txtar.File{Name: fmt.Sprintf("%d/%s", n, name), Data: []byte(strings.TrimRight(text, "\n") + "\n")})
			}
		}
		add("cell", text)
		for _, s := range []*Scope{plain, gated} {
			p, err := s.Check(n, strings.TrimSuffix(text, "\n"))
			mode := "gated"
			if s == plain {
				mode = "plain"
			}
			if err != nil {
				add(mode+".error", err.Error())
				continue
			}
			if p.Reuse > 0 {
				add(mode+".reuse", fmt.Sprintf("the package of cell[%d] runs again", p.ReuseN))
			}
			add(mode+".go", p.Code)
			if s == plain {
				add("interpreter.go", p.Drive)
				if p.Drive == "" && p.Refused.Message != "" {
					add("interpreter.refusal", p.Refused.String())
				}
				add("notes", strings.Join(p.Notices, "\n"))
				var plan strings.Builder
				for _, v := range p.Declared {
					fmt.Fprintf(&plan, "declares %s, generation %d\n", names.Clean(v.Name), v.Gen)
				}
				for _, m := range p.Moves {
					fmt.Fprintf(&plan, "moves %s from %d to %d\n", names.Clean(m.Name), m.From, m.To)
				}
				for _, j := range p.Jumps {
					fmt.Fprintf(&plan, "jump %s: %d %s -> %d %s\n", j.Key, j.Old.Cell, j.Old.Symbol, j.New.Cell, j.New.Symbol)
				}
				for _, x := range p.Sets {
					fmt.Fprintf(&plan, "step %d sets %s\n", x.Step, names.Clean(x.Name))
				}
				for _, x := range p.Stale {
					fmt.Fprintf(&plan, "stale: %s of package %d holds %s\n", x.Function, x.Cell, strings.Join(x.Names, ", "))
				}
				add("plan", plan.String())
			}
			p.Commit(p.Code != "")
		}
	}
	return files
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\ngot  %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}
