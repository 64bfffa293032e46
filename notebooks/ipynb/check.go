package ipynb

import "fmt"

// A flaw is a FileError without the file: the problem, and the value that has it.
type flaw struct {
	pos                   int
	path, problem, remedy string
}

func (f *flaw) locate(file string, data []byte) *FileError {
	return (&FileError{File: file, Path: f.path, Problem: f.problem, Remedy: f.remedy}).at(data, f.pos)
}

// check refuses only what the rest of the package cannot handle: unknown members, unknown kinds of cells and
// outputs, and misplaced members are kept for other programs.
func (n *Notebook) check() *flaw {
	if n.root.kind != objectKind {
		return &flaw{
			n.root.pos,
			"",
			fmt.Sprintf("this is %s, not a notebook", n.root.kind),
			"a notebook is a JSON object with cells in it",
		}
	}
	major, ok := n.root.get("nbformat").integer()
	if !ok {
		pos := n.root.pos
		if v := n.root.get("nbformat"); v != nil {
			pos = v.pos
		}
		return &flaw{
			pos,
			"nbformat",
			"is missing or not a whole number, so this is not a notebook",
			"check that this is the right file",
		}
	}
	pos := n.root.get("nbformat").pos
	switch {
	case major < 4:
		return &flaw{pos, "nbformat", fmt.Sprintf("is %d, a format of before 2015", major),
			"convert it once with: jupyter nbconvert --to notebook --nbformat 4 FILE"}
	case major > 4:
		return &flaw{pos, "nbformat", fmt.Sprintf("is %d, newer than this program knows", major),
			"save it as nbformat 4, or update interleave"}
	}
	if n.minor, ok = n.root.get("nbformat_minor").integer(); !ok || n.minor < 0 {
		return &flaw{pos, "nbformat_minor", "is missing or not a whole number", `add "nbformat_minor": 5 after "nbformat"`}
	}
	if f := want(n.root, "", "metadata", objectKind); f != nil {
		return f
	}
	if f := want(n.root, "", "cells", arrayKind); f != nil {
		return f
	}
	for i, it := range n.root.get("cells").items {
		if f := checkCell(it.value, fmt.Sprintf("cells[%d]", i)); f != nil {
			return f
		}
	}
	return nil
}

func checkCell(c *value, path string) *flaw {
	if c.kind != objectKind {
		return wrong(c, path, objectKind)
	}
	if f := want(c, path, "cell_type", stringKind); f != nil {
		return f
	}
	if f := want(c, path, "metadata", objectKind); f != nil {
		return f
	}
	source := c.get("source")
	switch t := CellType(text(c, "cell_type")); {
	case t != Code && t != Markdown && t != Raw:
		return nil // of a later format, which is not checked here
	case source == nil:
		return missing(c, path, "source", "a string or a list of strings")
	}
	if f := wantText(source, path+".source"); f != nil {
		return f
	}
	if a := c.get("attachments"); a != nil {
		if a.kind != objectKind {
			return wrong(a, path+".attachments", objectKind)
		}
		for _, it := range a.items {
			if it.value.kind != objectKind {
				return wrong(it.value, fmt.Sprintf("%s.attachments[%q]", path, it.key), objectKind)
			}
		}
	}
	if CellType(text(c, "cell_type")) != Code {
		return nil
	}
	if e := c.get("execution_count"); e != nil && e.kind != nullKind {
		if _, ok := e.integer(); !ok {
			return &flaw{e.pos, path + ".execution_count", fmt.Sprintf("is %s, not a whole number or null", e.kind), repair}
		}
	}
	if f := want(c, path, "outputs", arrayKind); f != nil {
		return f
	}
	for i, it := range c.get("outputs").items {
		if f := checkOutput(it.value, fmt.Sprintf("%s.outputs[%d]", path, i)); f != nil {
			return f
		}
	}
	return nil
}

func checkOutput(o *value, path string) *flaw {
	if o.kind != objectKind {
		return wrong(o, path, objectKind)
	}
	if f := want(o, path, "output_type", stringKind); f != nil {
		return f
	}
	switch OutputType(text(o, "output_type")) {
	case Stream:
		t := o.get("text")
		if t == nil {
			return missing(o, path, "text", "a string or a list of strings")
		}
		if f := wantText(t, path+".text"); f != nil {
			return f
		}
		return want(o, path, "name", stringKind)
	case DisplayData, ExecuteResult:
		return want(o, path, "data", objectKind)
	case Error:
		for _, key := range []string{"ename", "evalue"} {
			if f := want(o, path, key, stringKind); f != nil {
				return f
			}
		}
		if f := want(o, path, "traceback", arrayKind); f != nil {
			return f
		}
		return wantText(o.get("traceback"), path+".traceback")
	}
	return nil
}

// want checks that a member exists and is of a kind.
func want(v *value, path, key string, k kind) *flaw {
	m := v.get(key)
	if m == nil {
		return missing(v, path, key, k.String())
	}
	if m.kind != k {
		return wrong(m, join(path, key), k)
	}
	return nil
}

// wantText checks that a value is a string or a list of strings.
func wantText(v *value, path string) *flaw {
	if v.kind == arrayKind {
		for i, it := range v.items {
			if it.value.kind != stringKind {
				return wrong(it.value, fmt.Sprintf("%s[%d]", path, i), stringKind)
			}
		}
		return nil
	}
	if v.kind != stringKind {
		return &flaw{v.pos, path, fmt.Sprintf("is %s, not a string or a list of strings", v.kind), repair}
	}
	return nil
}

// repair is the remedy for a member of the wrong kind.
const repair = "correct it in a text editor, or restore the file from version control"

func wrong(v *value, path string, k kind) *flaw {
	return &flaw{v.pos, path, fmt.Sprintf("is %s, not %s", v.kind, k), repair}
}

func missing(v *value, path, key, what string) *flaw {
	return &flaw{v.pos, join(path, key), "is missing", fmt.Sprintf("add it; it is %s", what)}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
