// Package corpustest knows the conformance corpus: sequences of cells in txtar files, each with the output
// that a user must see. It runs them in plain Go and in the product's kernel. It must not know how the kernel
// runs them.
//
// A file begins with a sentence about what it shows and, below it, optional header lines:
//
//	engines: compiled      only compiled (and auto) accept the sequence; yaegi must refuse it
//	engines: both          the interpreter must accept every cell that has an engine section; others are compiled for it
//	link: memory           plugins do something else
//	code: plain            gated code does something else
//	verify: no: reason     plain Go cannot print what the cells print, for the reason given
//
// The sections that follow belong to the cell before them:
//
//	-- cell --   the source of a cell, numbered from 1
//	-- out --    its standard output and, on a line of its own, the value shown; a missing section means nothing
//	-- err --    lines of which each must occur in the cell's error, colours removed; a missing section means no error
//	-- note --   lines of which each must occur on standard error, colours removed; a missing section means that nothing is written there
//	-- engine --  which engine must run the cell when the kernel chooses
//	-- plain --  once, a program of its own that prints what all cells print: the proof where cells cannot be joined to one
package corpustest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

// A Case is one file of the corpus.
type Case struct {
	Name     string // the file's name without its extension
	Text     string // what the file shows
	Compiled bool   // only the compiled engine accepts it
	Both     bool   // both engines must accept it, except for cells with definitions
	Memory   bool   // it holds only for cells that are linked in memory, not for plugins
	Ungated  bool   // it holds only for plain code
	NoVerify string // why plain Go cannot print what the cells print; empty when it can
	Plain    string // a program that prints the same, where the cells cannot be joined
	Cells    []Cell

	path string
	head []byte
}

// A Cell is one cell with the output that it must have. The texts of Err and Note are sets of lines to be
// found, Out is exact.
type Cell struct {
	Code, Out, Err, Note string
	Engine               string // "yaegi" or "compiled" when it matters
	// WantErr distinguishes an error with any text (an empty section) from no error.
	WantErr bool
}

// Load reads all files of dir in the order of their names.
func Load(dir string) ([]*Case, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("corpus: no *.txtar in %s", dir)
	}
	var cases []*Case
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		c, err := parse(p, data)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func parse(path string, data []byte) (*Case, error) {
	a := txtar.Parse(data)
	c := &Case{Name: strings.TrimSuffix(filepath.Base(path), ".txtar"), path: path, head: a.Comment}
	for line := range strings.Lines(string(a.Comment)) {
		key, val, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case key == "engines" && val == "compiled":
			c.Compiled = true
		case key == "engines" && val == "both":
			c.Both = true
		case key == "verify" && strings.HasPrefix(val, "no: "):
			c.NoVerify = strings.TrimPrefix(val, "no: ")
		case key == "link" && val == "memory":
			c.Memory = true
		case key == "code" && val == "plain":
			c.Ungated = true
		case key == "engines" || key == "verify" || key == "link" || key == "code":
			return nil, fmt.Errorf("%s: what does %q mean?", path, strings.TrimSpace(line))
		default:
			c.Text += line
		}
	}
	if strings.TrimSpace(c.Text) == "" {
		return nil, fmt.Errorf("%s: the first line must describe what the case shows", path)
	}
	for _, f := range a.Files {
		text := string(f.Data)
		if f.Name == "cell" {
			c.Cells = append(c.Cells, Cell{Code: text})
			continue
		}
		if f.Name == "plain" {
			c.Plain = text
			continue
		}
		if len(c.Cells) == 0 {
			return nil, fmt.Errorf("%s: section %s before the first cell", path, f.Name)
		}
		cell := &c.Cells[len(c.Cells)-1]
		switch f.Name {
		case "out":
			cell.Out = text
		case "err":
			cell.Err, cell.WantErr = text, true
		case "note":
			cell.Note = text
		case "engine":
			cell.Engine = strings.TrimSpace(text)
		default:
			return nil, fmt.Errorf("%s: unknown section %s", path, f.Name)
		}
	}
	if len(c.Cells) == 0 {
		return nil, fmt.Errorf("%s: no cells", path)
	}
	return c, nil
}

// Format returns the case as a file. Parsing it returns the case again.
func (c *Case) Format() []byte {
	a := &txtar.Archive{Comment: c.head}
	add := func(name, text string) { a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)}) }
	for _, cell := range c.Cells {
		add("cell", cell.Code)
		if cell.Out != "" {
			add("out", cell.Out)
		}
		if cell.WantErr {
			add("err", cell.Err)
		}
		if cell.Note != "" {
			add("note", cell.Note)
		}
		if cell.Engine != "" {
			add("engine", cell.Engine+"\n")
		}
	}
	if c.Plain != "" {
		add("plain", c.Plain)
	}
	return txtar.Format(a)
}

// Shown joins what a cell printed and the text of its last expression as an out section holds them: the value
// begins on a line of its own, and the text ends with one line end.
func Shown(printed, value string) string {
	s := printed
	if value != "" && s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	if value != "" {
		s += strings.TrimRight(value, "\n")
	}
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s
}

// Missing returns the lines of want that do not occur in got. Blank lines are ignored.
func Missing(want, got string) []string {
	var lines []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(got, line) && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}
