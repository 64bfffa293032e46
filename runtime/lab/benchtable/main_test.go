package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// A small run of everything: the table has every row, and Python's column when there is a Python.
func TestTable(t *testing.T) {
	t.Parallel()
	c := config{tasks: 500, items: 2000, pythonItems: 500, rounds: 2, python: "/usr/bin/python3", log: os.Stderr}
	_, err := os.Stat(c.python)
	withPython := err == nil
	var out bytes.Buffer
	c.out = &out
	if err := run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")[4:]
	if len(rows) != len(contests(c)) {
		t.Fatalf("%d rows:\n%s", len(rows), out.String())
	}
	for _, row := range rows {
		cells := strings.Split(row, "|")
		if len(cells) != 9 {
			t.Errorf("%d cells in %s", len(cells), row)
		} else if hasPython := strings.TrimSpace(cells[6]) != ""; hasPython != withPython {
			t.Errorf("Python's column is filled: %v, in %s", hasPython, row)
		}
	}
}

func TestWithoutPython(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/nowhere/python3"} {
		if py, err := python(t.Context(), config{python: path, log: os.Stderr}); py != nil || err != nil {
			t.Errorf("%q: got %v, %v", path, py, err)
		}
	}
}
