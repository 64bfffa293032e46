package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"interleave/kernel/cell/hint"
	"interleave/kernel/cell/source"
)

// Magics for folders, files and the environment, which belong to the session's process.

func (x *execution) pwd(s source.Segment) {
	dir, err := os.Getwd()
	if err != nil {
		x.refuse(s, "%pwd: "+err.Error(), "%cd chooses a folder that exists")
		return
	}
	x.print("%s\n", dir)
}

// cd changes the folder: to home without an argument, to the one before with a minus.
func (x *execution) cd(s source.Segment) {
	e := x.e
	to := unquoted(s.Args)
	switch {
	case to == "-" && e.lastFolder == "":
		x.refuse(s, "%cd -: no folder was left yet", "Write %cd folder")
		return
	case to == "-":
		to = e.lastFolder
	default:
		to = home(to)
	}
	before, _ := os.Getwd()
	if err := os.Chdir(to); err != nil {
		remedy := "%pwd shows the present folder"
		if near := nearestFile(to); near != "" {
			remedy = "Did you mean " + near + "? " + remedy
		}
		x.refuse(s, fmt.Sprintf("%%cd %s: %v", s.Args, reason(err)), remedy)
		return
	}
	e.lastFolder = before
	x.pwd(s)
}

func unquoted(text string) string {
	if len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		return text[1 : len(text)-1]
	}
	return text
}

// home replaces the sign for the user's folder; no path means that folder.
func home(path string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if path != "" && !(ok && (rest == "" || rest[0] == '/')) {
		return path
	}
	dir, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(dir, rest)
}

// reason is why a file cannot be used, without its name.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// nearestFile returns a file whose name is nearly that of a path, or "".
func nearestFile(path string) string {
	dir, base := filepath.Split(filepath.Clean(path))
	for _, f := range filesIn(dir) {
		if name := strings.TrimSuffix(f, "/"); strings.EqualFold(name, base) || hint.Nearest(base, []string{name}) != "" {
			return filepath.Join(dir, name)
		}
	}
	return ""
}

// env lists the environment, shows a variable of it, or sets one: NAME=value or NAME value.
func (x *execution) env(s source.Segment) {
	if s.Args == "" {
		all := os.Environ()
		slices.Sort(all)
		for _, v := range all {
			x.print("%s\n", v)
		}
		return
	}
	name, value, set := strings.Cut(s.Args, "=")
	if first, rest, spaced := strings.Cut(s.Args, " "); spaced && len(first) < len(name) {
		name, value, set = first, strings.TrimPrefix(strings.TrimSpace(rest), "="), true
	}
	name, value = strings.TrimSpace(name), unquoted(strings.TrimSpace(value))
	if set {
		if err := os.Setenv(name, value); err != nil {
			x.refuse(s, fmt.Sprintf("%%env %s: %v", s.Args, err), "Write %env NAME=value")
			return
		}
		x.print("%s=%s\n", name, value)
		return
	}
	value, ok := os.LookupEnv(name)
	if !ok {
		x.refuse(s, fmt.Sprintf("%%env %s: there is no such variable", name),
			"Write %env "+name+"=value to set it; %env lists all")
		return
	}
	x.print("%s\n", value)
}

// writefile writes the rest of the cell to a file.
func (x *execution) writefile(s source.Segment) {
	name, add := strings.CutPrefix(s.Args, "-a ")
	name = home(unquoted(strings.TrimSpace(name)))
	if s.Args == "" || s.Args == "-a" {
		x.refuse(s, "%%writefile: which file?", "Write %%writefile name, or %%writefile -a name to add to a file")
		return
	}
	text := strings.TrimPrefix(strings.TrimLeft(s.Text, "\n"), "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	flags, done := os.O_WRONLY|os.O_CREATE|os.O_TRUNC, "wrote"
	if add {
		flags, done = os.O_WRONLY|os.O_CREATE|os.O_APPEND, "added"
	}
	f, err := os.OpenFile(name, flags, 0o666)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		x.refuse(s, fmt.Sprintf("%%%%writefile %s: %v", s.Args, reason(err)), "%pwd shows the present folder")
		return
	}
	x.print("%s %d bytes: %s\n", done, len(text), name)
}

// fileNamed reads the file that is the argument of a magic, or fails the cell. write is the remedy where there is no
// argument.
func (x *execution) fileNamed(s source.Segment, write string) (name string, b []byte, ok bool) {
	if s.Args == "" {
		x.refuse(s, "%"+s.Name+": which file?", write)
		return "", nil, false
	}
	name = home(unquoted(s.Args))
	b, err := os.ReadFile(name)
	if err != nil {
		remedy := "%pwd shows the present folder"
		if near := nearestFile(name); near != "" {
			remedy = "Did you mean " + near + "?"
		}
		x.refuse(s, fmt.Sprintf("%%%s %s: %v", s.Name, s.Args, reason(err)), remedy)
		return "", nil, false
	}
	return name, b, true
}

// runFile runs the cells of a notebook, or a file with Go code, as if they stood here.
func (x *execution) runFile(s source.Segment) {
	name, b, ok := x.fileNamed(s, "Write %run lesson.ipynb, or %run code.go")
	if !ok {
		return
	}
	cells := []string{string(b)}
	if strings.HasSuffix(name, ".ipynb") {
		var err error
		if cells, err = codeCells(b); err != nil {
			x.refuse(s, fmt.Sprintf("%%run %s: %v", s.Args, err), "A notebook is JSON, as JupyterLab saves it")
			return
		}
	}
	if x.depth++; x.depth > deepestRun {
		x.refuse(s, fmt.Sprintf("%%run %s: %d files run one another", s.Args, deepestRun), "A file must not run itself")
		return
	}
	defer func() { x.depth-- }()
	for i, text := range cells {
		x.segments(source.Segments(text))
		if !x.done.OK || x.exited {
			if len(cells) > 1 {
				x.notes([]string{fmt.Sprintf("that was code cell %d of %s; lines are counted in it", i+1, name)})
			}
			return
		}
	}
}

const deepestRun = 20

// loadFile puts the text of a file into the cell, below a comment in place of the magic.
func (x *execution) loadFile(s source.Segment) {
	name, b, ok := x.fileNamed(s, "Write %load code.go")
	if !ok {
		return
	}
	switch {
	case strings.HasSuffix(name, ".ipynb"):
		x.refuse(s, "%load "+s.Args+": a notebook is not the text of one cell", "%run runs its cells")
		return
	case !utf8.Valid(b):
		x.refuse(s, "%load "+s.Args+": it is no text in UTF-8", "A cell holds text")
		return
	}
	x.done.Next, x.done.Instead = "// %load "+s.Args+"\n"+strings.TrimRight(string(b), "\n"), true
}

// codeCells returns the code of a notebook.
func codeCells(b []byte) (cells []string, err error) {
	var nb struct {
		Cells []struct {
			Type   string          `json:"cell_type"`
			Source json.RawMessage `json:"source"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(b, &nb); err != nil {
		return nil, fmt.Errorf("it is not a notebook: %w", err)
	}
	for _, c := range nb.Cells {
		if c.Type != "code" {
			continue
		}
		var text string
		var lines []string
		if err := json.Unmarshal(c.Source, &text); err != nil {
			if err := json.Unmarshal(c.Source, &lines); err != nil {
				return nil, fmt.Errorf("a cell has no source: %w", err)
			}
			text = strings.Join(lines, "")
		}
		cells = append(cells, text)
	}
	return cells, nil
}
