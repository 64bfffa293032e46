package cell

import (
	"fmt"
	"strings"
	"testing"
)

// Cells that leave nothing behind leave no syntax either; those whose definitions are used keep theirs, and diagnostics show it.
func TestPrune(t *testing.T) {
	t.Parallel()
	s := New(shared)
	n := 0
	var notices []string
	run := func(text string) error {
		n++
		p, err := s.Check(n, text)
		if err == nil {
			p.Commit(p.Drive == "")
			notices = p.Notices
		}
		return err
	}
	if err := run("func twice(n int) int {\n\treturn limit * n\n}\nconst limit = 2"); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if err := run(fmt.Sprintf("x := %d\nfmt.Sprint(x)", i)); err != nil {
			t.Fatal(err)
		}
		if err := run("nowhere"); err == nil {
			t.Fatal("an undefined name is accepted")
		}
	}
	if got := len(s.sources); got > 2*pruneEvery {
		t.Errorf("%d cells are kept", got)
	}
	if got := len(s.spelled); got > 20*pruneEvery {
		t.Errorf("the spellings of %d identifiers are kept", got)
	}
	if err := run("twice(x)"); err != nil {
		t.Error(err)
	}
	if err := run("limit := \"much\"\n_ = limit"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(notices, "\n"); !strings.Contains(got, "cell[1]:2") {
		t.Errorf("the line of the first cell that no longer fits is not named: %s", got)
	}
}
