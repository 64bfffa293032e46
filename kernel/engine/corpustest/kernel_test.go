package corpustest

import (
	"strings"
	"testing"
	"time"

	"interleave/install/hosttest"
)

// refused reports whether an error says that the engine does not accept the cell, which is no error of the cell.
func refused(err string) bool { return strings.HasPrefix(err, "not interpreted") }

// TestCorpus runs every case in a fresh session of the real host with each engine.
func TestCorpus(t *testing.T) {
	cases, err := Load(corpus)
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Host(t)
	for _, engine := range []string{"auto", "compiled", "yaegi"} {
		for _, c := range cases {
			t.Run(engine+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				c.runIn(t, Start(t, engine, time.Minute), engine == "yaegi")
			})
		}
	}
}

// runIn runs the cells and compares. With mayRefuse the first cell that the engine refuses ends the case, well.
func (c *Case) runIn(t *testing.T, k *Kernel, mayRefuse bool) {
	for i, cell := range c.Cells {
		got := k.Run(cell.Code)
		if mayRefuse && refused(got.Err) {
			t.Logf("cell %d refused: %s", i+1, got.Err)
			return
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
		if miss := Missing(cell.Note, got.Stderr); len(miss) > 0 || cell.Note == "" && got.Stderr != "" {
			t.Errorf("cell %d\n%s\nstandard error is %q, want lines of %q", i+1, cell.Code, got.Stderr, cell.Note)
		}
	}
	if mayRefuse && c.Compiled {
		t.Error("the interpreter accepts all cells of a case marked engines: compiled")
	}
}
