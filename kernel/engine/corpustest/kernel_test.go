package corpustest

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/cell"
)

// refused reports whether an error says that the engine does not accept the cell, which is no error of the cell.
func refused(got Seen) bool { return strings.HasPrefix(got.Err, "refused: ") }

// TestCorpus runs every case in a fresh session of the real host with each engine. A case's sessions follow one another in one
// folder, so that a cell that comes to the same text in two of them is compiled once: compiling is nearly all that this costs.
func TestCorpus(t *testing.T) {
	cases, err := Load(corpus)
	if err != nil {
		t.Fatal(err)
	}
	strategy, plain := hosttest.Toolchain(t, hosttest.Host(t)).Strategy(), hosttest.Plain(t, hosttest.Host(t))
	var interpreted atomic.Int64
	t.Cleanup(func() {
		n := interpreted.Load()
		if t.Logf("%d cells ran", n); n == 0 {
			t.Error("no cell ran")
		}
	})
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Memory && strategy != "memory" {
				t.Skip("cells are plugins here")
			}
			if c.Ungated && !plain {
				t.Skip("code is gated here")
			}
			if why := onlyUnix[c.Name]; why != "" && runtime.GOOS == "windows" {
				t.Skip(why)
			}
			work, err := os.MkdirTemp("", "corpus")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(work) }) // which Wine 8 cannot
			engines := []string{"auto", "compiled", "yaegi"}
			if strategy == "none" { // the host is a bundle's
				engines = engines[2:]
			}
			for _, engine := range engines {
				t.Run(engine, func(t *testing.T) { interpreted.Add(c.runIn(t, work, engine, strategy != "none")) })
			}
		})
	}
}

// onlyUnix are cases that hold on systems other than Windows, with the reason.
var onlyUnix = map[string]string{
	"descriptors-closed":  "handles have no numbers",
	"descriptors-used-up": "handles have no limit",
	"magic-shell":         "the commands are those of sh",
	"magic-bash":          "there need not be a bash",
	"magic-engine":        "nothing is compiled",
}

// runIn runs the cells and compares. The first cell that the interpreter alone refuses ends the case, well. Where both engines
// must accept a case, the cells that are not for the interpreter are compiled; where nothing can be compiled, those that
// the interpreter refuses are left out, and what needs their names.
func (c *Case) runIn(t *testing.T, work, engine string, compiles bool) (ran int64) {
	k := Start(t, work, engine, time.Minute)
	chooses := slices.ContainsFunc(c.Cells, func(cell Cell) bool { return strings.HasPrefix(cell.Code, "%engine") })
	lacks := false
	for i, cell := range c.Cells {
		other := engine == "yaegi" && c.Both && cell.Engine != "yaegi"
		borrowed := other && compiles
		if borrowed {
			k.magic("%engine compiled")
		}
		got := k.Run(cell.Code)
		if borrowed {
			k.magic("%engine yaegi")
		}
		if engine == "yaegi" && refused(got) && !c.Both {
			return ran
		}
		if other && !compiles && refused(got) {
			lacks = true
			continue
		}
		if lacks && strings.HasPrefix(got.Err, "type error: ") && (!cell.WantErr || strings.Contains(got.Err, "undefined: ")) {
			continue
		}
		ran++
		if engine != "compiled" && cell.Engine != "" && got.Engine != cell.Engine {
			t.Errorf("cell %d\n%s\nran in %q, not in %q", i+1, cell.Code, got.Engine, cell.Engine)
		}
		if engine == "compiled" && got.Engine == "yaegi" && !chooses {
			t.Errorf("cell %d\n%s\nwas interpreted", i+1, cell.Code)
		}
		if got.Out != cell.Out {
			t.Errorf("cell %d\n%s\nprints\n%s\nnot\n%s", i+1, cell.Code, got.Out, cell.Out)
		}
		switch {
		case (got.Err != "") != cell.WantErr:
			t.Errorf("cell %d\n%s\nerror %q, want %q", i+1, cell.Code, got.Err, cell.Err)
		case len(Missing(cell.Err, got.Err)) > 0:
			t.Errorf("cell %d\n%s\nthe error does not say %q:\n%s", i+1, cell.Code, Missing(cell.Err, got.Err), got.Err)
		}
		if miss := Missing(cell.Note, ansi.ReplaceAllString(got.Stderr, "")); len(miss) > 0 || cell.Note == "" && got.Stderr != "" {
			t.Errorf("cell %d\n%s\nstandard error is %q, want lines of %q", i+1, cell.Code, got.Stderr, cell.Note)
		}
	}
	if engine == "yaegi" && c.Compiled {
		t.Error("the interpreter accepts all cells of a case marked engines: compiled")
	}
	return ran
}

// TestFaithfulSet holds the interpreter's entries to their word: each names a case that both engines run, and the interpreter
// part of it.
func TestFaithfulSet(t *testing.T) {
	cases, err := Load(corpus)
	if err != nil {
		t.Fatal(err)
	}
	proofs := map[string]bool{}
	for _, c := range cases {
		interpreted := slices.ContainsFunc(c.Cells, func(cell Cell) bool { return cell.Engine == "yaegi" })
		proofs[c.Name] = c.Both && interpreted
	}
	for entry, name := range cell.FaithfulSet {
		if !proofs[name] {
			t.Errorf("%s: no case %s that is marked engines: both and has an interpreted cell", entry, name)
		}
	}
}
