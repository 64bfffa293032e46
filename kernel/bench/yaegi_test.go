package main

import (
	"strings"
	"testing"
	"time"
)

// TestRawYaegi runs yaegi alone, as the column beside the interpreter does.
func TestRawYaegi(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	t.Chdir("../..")
	bin, err := buildRaw(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rawFirst(bin); err != nil || got.took <= 0 {
		t.Errorf("definitions and first calls: %+v, %v", got, err)
	}
	p := yaegiProgram{defs: "func f(n int) int { return n + 1 }", call: "f(2)", want: "3"}
	if got := p.raw(bin); got.took <= 0 || got.took > time.Minute || got.why != "" {
		t.Errorf("a call: %+v", got)
	}
	p.want = "4"
	if got := p.raw(bin); got.why != "wrong: 3, not 4" {
		t.Errorf("a wrong result: %+v", got)
	}
	p.call = "g(2)"
	if got := p.raw(bin); !strings.HasPrefix(got.why, "failed: ") {
		t.Errorf("a program that does not compile: %+v", got)
	}
}

// narrow replaces the space in numbers.
var narrow = strings.NewReplacer("\u202f", " ", "\u2009", " ", "\u00a0", " ")

func TestYaegiTable(t *testing.T) {
	t.Parallel()
	got := yaegiTable([]yaegiRow{
		{"p", pathTime{took: 2 * time.Second}, pathTime{took: 3 * time.Second}, pathTime{took: time.Millisecond}, time.Second},
		{"q", pathTime{why: "wrong: 1, not 2"}, pathTime{why: "refused"}, pathTime{took: time.Second}, 0},
	})
	for _, row := range []string{
		"| p | 2 000 ms | 3 000 ms | 1 ms | 1.5 × | 3 000 × | 1 000 ms |\n",
		"| q | wrong: 1, not 2 | refused | 1 000 ms | – | – | – |\n",
	} {
		if !strings.Contains(narrow.Replace(got), row) {
			t.Errorf("no row %q in\n%s", row, got)
		}
	}
	got = growthTable([]growth{{"a", 29, 31, ""}, {"b", 29, 29, ""}, {"c", 0, 0, "refused"}})
	for _, row := range []string{"| a | 29.0 MB | 31.0 MB | no |\n", "| b | 29.0 MB | 29.0 MB | yes |\n", "| c | refused | | |\n"} {
		if !strings.Contains(got, row) {
			t.Errorf("no row %q in\n%s", row, got)
		}
	}
}
