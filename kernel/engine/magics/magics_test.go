package magics_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"interleave/kernel/engine/magics"
)

// The README has the table as it is, in which names ascend, so that Find can search; a form begins with the name of
// its magic; and no magic is listed as missing.
func TestTable(t *testing.T) {
	t.Parallel()
	names := magics.Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("the names are not in order: %v", names)
	}
	for _, m := range magics.All {
		if found, ok := magics.Find(m.Name); !ok || found.Help != m.Help {
			t.Errorf("%s is not found", m.Name)
		}
		for form, sign := range map[string]string{m.Line: "%", m.Cell: "%%"} {
			if first, _, _ := strings.Cut(form, " "); form != "" && first != sign+m.Name {
				t.Errorf("%s: the form %q", m.Name, form)
			}
		}
		if m.Line == "" && m.Cell == "" || m.Help == "" || magics.Elsewhere[m.Name] != "" {
			t.Errorf("%+v", m)
		}
	}
	for name, remedy := range magics.Elsewhere {
		for _, word := range strings.FieldsFunc(remedy, func(r rune) bool { return strings.ContainsRune(" ,;:()\"", r) }) {
			if at := strings.TrimLeft(word, "%"); at != word && at != "" && at != ".3f" && at != "T" {
				if _, ok := magics.Find(at); !ok {
					t.Errorf("%s: there is no %s", name, word)
				}
			}
		}
	}
	b, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want, err := magics.Into(string(b)); err != nil || want != string(b) {
		t.Errorf("the README has another table: run go generate ./kernel/engine/magics (%v)", err)
	}
}

func TestIntoNeedsItsPlace(t *testing.T) {
	t.Parallel()
	if _, err := magics.Into("a document"); err == nil {
		t.Error("a document without a place is accepted")
	}
}
