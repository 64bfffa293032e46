// Package ipynb knows Jupyter's notebook files, nbformat 4.0 to 4.5: it reads them, changes them and writes
// them back. It must not know how cells are run, which messages a kernel sends, or what a page looks like.
//
// Unchanged parts keep their bytes. A notebook that is read and written is the same file, whichever program
// wrote it; a changed notebook differs only in the change, which has Jupyter's layout (sorted keys, an indent
// of one, text in lines).
package ipynb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// A Notebook is one notebook file in memory. Make it with Read, ReadFile or New. It is not safe for
// concurrent use.
type Notebook struct {
	name       string
	root       *value
	layout     layout
	head, tail []byte // the white space around the JSON
	minor      int
	cells      []*Cell
}

// A Kernelspec names the kernel of a notebook.
type Kernelspec struct {
	Name        string // the folder of the kernelspec: interleave
	DisplayName string // what Jupyter shows
	Language    string // go
}

// New returns a notebook without cells, in nbformat 4.5. name is the file's, for messages.
func New(name string, k Kernelspec) *Notebook {
	n := &Notebook{name: name, root: newObject(), layout: jupyter, tail: []byte("\n"), minor: 5}
	n.root.set("cells", newArray())
	n.root.set("metadata", newObject())
	n.root.set("nbformat", newInt(4))
	n.root.set("nbformat_minor", newInt(5))
	n.SetKernelspec(k)
	return n
}

// ReadFile reads a notebook file. For a file that is not a notebook it returns a *FileError.
func ReadFile(path string) (*Notebook, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("read notebook: %s is a folder: name a notebook in it", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read notebook: %w", err)
	}
	return Read(path, data)
}

// Read reads a notebook; name is used in messages only. For data that is not a notebook it returns a
// *FileError. It keeps data, which must not change afterwards, and costs one pass over it.
func Read(name string, data []byte) (*Notebook, error) {
	root, head, tail, err := parse(data)
	if err != nil {
		return nil, notJSON(name, data, err)
	}
	n := &Notebook{name: name, root: root, head: head, tail: tail}
	if err := n.check(); err != nil {
		return nil, err.locate(name, data)
	}
	n.layout = layoutOf(root)
	for _, it := range root.get("cells").items {
		n.cells = append(n.cells, &Cell{n, it.value})
	}
	return n, nil
}

// Name returns the name the notebook was read under.
func (n *Notebook) Name() string { return n.name }

// Minor returns the minor number of the format: 5 for nbformat 4.5. The major number is always 4.
func (n *Notebook) Minor() int { return n.minor }

// Bytes returns the notebook as a file's content.
func (n *Notebook) Bytes() []byte {
	b := append([]byte(nil), n.head...)
	b = n.root.append(b, 0, n.layout)
	return append(b, n.tail...)
}

// WriteFile writes the notebook under path, through a temporary file beside it, so that a crash leaves the
// old file or the new one. An existing file keeps its permissions.
func (n *Notebook) WriteFile(path string) error {
	return WriteFile(path, n.Bytes())
}

// WriteFile replaces a file by data in one step: through a temporary file in the same folder.
func WriteFile(path string, data []byte) (err error) {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() { // a pipe or /dev/stdout cannot be replaced
			return os.WriteFile(path, data, mode)
		}
		mode = info.Mode().Perm()
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".~"+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Cells returns the cells in order. The caller may change the slice; the cells belong to the notebook.
func (n *Notebook) Cells() []*Cell { return append([]*Cell(nil), n.cells...) }

// AddCell appends a cell without outputs. In nbformat 4.5 it gets an id.
func (n *Notebook) AddCell(t CellType, source string) *Cell {
	c := &Cell{n, newObject()}
	c.v.set("cell_type", newString(string(t)))
	c.v.set("metadata", newObject())
	c.v.set("source", newLines(source))
	if t == Code {
		c.v.set("execution_count", newNull())
		c.v.set("outputs", newArray())
	}
	n.root.get("cells").add(c.v)
	n.cells = append(n.cells, c)
	n.EnsureIDs()
	return c
}

// InsertCell makes a cell without outputs the one with an index, from 0. In nbformat 4.5 it gets an id.
func (n *Notebook) InsertCell(at int, t CellType, source string) *Cell {
	c := n.AddCell(t, source)
	cells := n.root.get("cells")
	last := len(n.cells) - 1
	it := cells.items[last]
	copy(cells.items[at+1:], cells.items[at:last])
	cells.items[at] = it
	copy(n.cells[at+1:], n.cells[at:last])
	n.cells[at] = c
	return c
}

// SetPapermillParameters records the parameters of a run where papermill does: in the notebook's metadata. Other
// members of the entry stay.
func (n *Notebook) SetPapermillParameters(values map[string]json.RawMessage) error {
	list := newObject()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, _, _, err := parse(bytes.Clone(values[name]))
		if err != nil {
			return fmt.Errorf("the parameter %s is not JSON: %q", name, values[name])
		}
		v.canonical()
		list.set(name, v)
	}
	meta := n.root.get("metadata")
	entry := meta.get("papermill")
	if entry == nil || entry.kind != objectKind {
		entry = newObject()
		meta.set("papermill", entry)
	}
	entry.set("parameters", list)
	return nil
}

// Kernelspec returns the notebook's kernelspec, or an empty one.
func (n *Notebook) Kernelspec() Kernelspec {
	k := n.root.get("metadata").get("kernelspec")
	return Kernelspec{text(k, "name"), text(k, "display_name"), text(k, "language")}
}

// SetKernelspec sets the notebook's kernel. Other members of the entry stay.
func (n *Notebook) SetKernelspec(k Kernelspec) {
	if n.Kernelspec() == k {
		return
	}
	meta := n.root.get("metadata")
	spec := meta.get("kernelspec")
	if spec == nil {
		spec = newObject()
		meta.set("kernelspec", spec)
	}
	spec.set("display_name", newString(k.DisplayName))
	spec.set("language", newString(k.Language))
	spec.set("name", newString(k.Name))
}

// Language returns the language of the code cells in lower case letters as the metadata names it, or empty.
func (n *Notebook) Language() string {
	if l := text(n.root.get("metadata").get("language_info"), "name"); l != "" {
		return l
	}
	return n.Kernelspec().Language
}

// SetLanguageInfo stores a kernel's language_info, an object. An equal entry is not touched.
func (n *Notebook) SetLanguageInfo(info json.RawMessage) error {
	v, _, _, err := parse(bytes.Clone(info))
	if err != nil || v.kind != objectKind {
		return fmt.Errorf("language_info of the kernel is not a JSON object: %q", info)
	}
	meta := n.root.get("metadata")
	v.canonical()
	if old := meta.get("language_info"); old != nil && equal(old, v) {
		return nil
	}
	meta.set("language_info", v)
	return nil
}

// A Module is a module that the cells of a notebook use, in the version that they were run with.
type Module struct {
	Path, Version string
	Sum           string // of its content, as go.sum has it; may be empty
}

// Modules returns the modules in the notebook's metadata, at interleave.modules. Entries without a path and a
// version are left out.
func (n *Notebook) Modules() (list []Module) {
	all := n.root.get("metadata").get("interleave").get("modules")
	if all == nil || all.kind != arrayKind {
		return nil
	}
	for _, it := range all.items {
		m := Module{text(it.value, "path"), text(it.value, "version"), text(it.value, "sum")}
		if m.Path != "" && m.Version != "" {
			list = append(list, m)
		}
	}
	return list
}

// SetModules stores modules in the notebook's metadata. An equal list is not touched; without modules the entry
// is removed.
func (n *Notebook) SetModules(list []Module) {
	if slices.Equal(list, n.Modules()) {
		return
	}
	meta := n.root.get("metadata")
	own := meta.get("interleave")
	if own == nil || own.kind != objectKind {
		own = newObject()
		meta.set("interleave", own)
	}
	if len(list) == 0 {
		own.remove("modules")
		return
	}
	all := newArray()
	for _, m := range list {
		v := newObject()
		v.set("path", newString(m.Path))
		v.set("sum", newString(m.Sum))
		v.set("version", newString(m.Version))
		all.add(v)
	}
	own.set("modules", all)
}

// equal reports whether two values have the same text in Jupyter's layout. It writes both.
func equal(a, b *value) bool {
	flat := func(v *value) []byte {
		w, _, _, err := parse(v.append(nil, 0, layout{colon: ":", comma: ","}))
		if err != nil {
			return nil
		}
		return w.canonical().append(nil, 0, layout{colon: ":", comma: ","})
	}
	return bytes.Equal(flat(a), flat(b))
}

// text returns a string member of v, or empty.
func text(v *value, key string) string {
	if s := v.get(key); s != nil && s.kind == stringKind {
		return s.str()
	}
	return ""
}
