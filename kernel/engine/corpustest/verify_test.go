package corpustest

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

const corpus = "../testdata/corpus"

var update = flag.Bool("update", false, "write what plain Go says into the corpus, where it can tell")

// TestVerify compares every expectation of the corpus with what plain Go does, as far as its cells make one Go program.
func TestVerify(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the corpus with go build")
	}
	cases, err := Load(corpus)
	if err != nil {
		t.Fatal(err)
	}
	natives, err := Ask(t.Context(), t.TempDir(), cases)
	if err != nil {
		t.Fatal(err)
	}
	verified, cells := 0, 0
	for _, n := range natives {
		if n.Case.NoVerify != "" && n.Case.Plain == "" {
			t.Logf("not verified: %s: %s", n.Case.Name, n.Case.NoVerify)
			continue
		}
		if *update {
			if err := n.Fill(); err != nil {
				t.Errorf("%s: %v", n.Case.Name, err)
			}
			continue
		}
		for _, d := range n.Compare() {
			t.Errorf("%s: %s", n.Case.Name, d)
		}
		verified++
		cells += len(n.Case.Cells)
	}
	t.Logf("%d of %d cases with %d cells agree with plain Go", verified, len(cases), cells)
	if verified*10 < len(cases)*8 && !*update {
		t.Errorf("only %d of %d cases are checked against Go: a corpus of guesses", verified, len(cases))
	}
}

// save writes the case back when it changed.
func (c *Case) save() error {
	old, err := os.ReadFile(c.path)
	if err != nil || bytes.Equal(old, c.Format()) {
		return err
	}
	return os.WriteFile(c.path, c.Format(), 0o644)
}
