package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"interleave/runtime/lab"
)

func TestMain(m *testing.M) {
	lab.WorkerMain()
	os.Exit(m.Run())
}

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

// A small run of the rows about processes: each way of Python's has a number, or a reason why it has none.
func TestProcessTable(t *testing.T) {
	t.Parallel()
	c := config{python: "/usr/bin/python3", log: os.Stderr, load: load{rounds: 1, trips: 10, tasks: 20, bytes: 5000, locks: 1000, turns: 1000, pyturn: 1000}}
	if _, err := os.Stat(c.python); err != nil || testing.Short() {
		c.python = ""
	}
	var out bytes.Buffer
	c.out = &out
	if err := processTable(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, k := range procContests(c.load) {
		for _, o := range k.others {
			if c.python != "" || o.run != nil {
				want += len(k.rows)
			}
		}
		if c.python == "" && k.key != "speedup" {
			want += len(k.rows)
		}
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")[4:]
	rows = rows[:len(rows)-2] // below them is a note
	if len(rows) != want {
		t.Fatalf("%d rows, want %d:\n%s", len(rows), want, out.String())
	}
	for _, row := range rows {
		cells := strings.Split(row, "|")
		if len(cells) != 7 {
			t.Errorf("%d cells in %s", len(cells), row)
			continue
		}
		none := strings.Contains(row, "is not installed") || strings.TrimSpace(cells[3]) == ""
		if ratio := strings.TrimSpace(cells[5]); (ratio == "") != none {
			t.Errorf("ratio %q in %s", ratio, row)
		}
	}
}
