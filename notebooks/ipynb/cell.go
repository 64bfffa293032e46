package ipynb

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"sync"
)

// A CellType is the kind of a cell.
type CellType string

// The cell types of nbformat 4. A later minor number may bring others.
const (
	Code     CellType = "code"
	Markdown CellType = "markdown"
	Raw      CellType = "raw"
)

// A Cell is one cell of a notebook. Its methods read and change the notebook it belongs to.
type Cell struct {
	nb *Notebook
	v  *value
}

// Type returns the kind of the cell.
func (c *Cell) Type() CellType { return CellType(text(c.v, "cell_type")) }

// ID returns the cell's id, or empty; nbformat has them since 4.5.
func (c *Cell) ID() string { return text(c.v, "id") }

// Source returns the text of the cell.
func (c *Cell) Source() string {
	if s := c.v.get("source"); s != nil {
		t, _ := s.lines()
		return t
	}
	return ""
}

// SetSource changes the text of the cell.
func (c *Cell) SetSource(s string) {
	if c.Source() != s {
		c.v.set("source", newLines(s))
	}
}

// Tags returns the cell's tags.
func (c *Cell) Tags() []string {
	var tags []string
	if list := c.v.get("metadata").get("tags"); list != nil && list.kind == arrayKind {
		for _, it := range list.items {
			if it.value.kind == stringKind {
				tags = append(tags, it.value.str())
			}
		}
	}
	return tags
}

// HasTag reports whether the cell has a tag.
func (c *Cell) HasTag(tag string) bool { return slices.Contains(c.Tags(), tag) }

// AddTag adds a tag unless the cell has it.
func (c *Cell) AddTag(tag string) {
	if c.HasTag(tag) {
		return
	}
	meta := c.v.get("metadata")
	if list := meta.get("tags"); list == nil || list.kind != arrayKind {
		meta.set("tags", newArray())
	}
	meta.get("tags").add(newString(tag))
}

// SourceHidden reports whether the user collapsed the cell's source.
func (c *Cell) SourceHidden() bool { return c.flag("source_hidden") }

// OutputsHidden reports whether the user collapsed the cell's outputs.
func (c *Cell) OutputsHidden() bool {
	v := c.v.get("metadata").get("collapsed")
	return c.flag("outputs_hidden") || v != nil && string(v.raw) == "true"
}

func (c *Cell) flag(name string) bool {
	v := c.v.get("metadata").get("jupyter").get(name)
	return v != nil && string(v.raw) == "true"
}

// ExecutionCount returns the number in the cell's prompt; false if it was never run.
func (c *Cell) ExecutionCount() (int, bool) { return c.v.get("execution_count").integer() }

// SetExecutionCount sets the number in the prompt; 0 means that the cell was not run.
func (c *Cell) SetExecutionCount(n int) {
	if old, _ := c.ExecutionCount(); old == n && c.v.get("execution_count") != nil {
		return
	}
	if n == 0 {
		c.v.set("execution_count", newNull())
		return
	}
	c.v.set("execution_count", newInt(n))
}

// SetExecution stores the times of a cell's execution, as Jupyter does under metadata.execution: names such
// as "iopub.status.busy", times in ISO 8601. Empty times remove the entry.
func (c *Cell) SetExecution(times map[string]string) {
	meta := c.v.get("metadata")
	if len(times) == 0 {
		meta.remove("execution")
		return
	}
	v := newObject()
	for name, at := range times {
		v.set(name, newString(at))
	}
	meta.set("execution", v)
}

// An Attachment is a file stored in a cell, shown by ![](attachment:NAME).
type Attachment struct {
	MIME string
	Data []byte
}

// Attachments returns the attached files by name, of each the first representation.
func (c *Cell) Attachments() map[string]Attachment {
	all := map[string]Attachment{}
	list := c.v.get("attachments")
	if list == nil {
		return all
	}
	for _, file := range list.items {
		if len(file.value.items) == 0 {
			continue
		}
		first := file.value.items[0]
		s, ok := first.value.lines()
		if !ok {
			continue
		}
		data, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			data = []byte(s) // an SVG is stored as text
		}
		all[file.key] = Attachment{first.key, data}
	}
	return all
}

// idForm is what nbformat 4.5 allows as an id.
var idForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`) })

// EnsureIDs gives an id to each cell without one, in a notebook of format 4.5 or later; earlier formats have
// no ids. An id that the format does not allow, or that an earlier cell has, is replaced, as in Jupyter. It
// returns the number of new ids.
//
// An id is made from the cell's place and text, so that the same notebook gets the same ids each time.
func (n *Notebook) EnsureIDs() (made int) {
	if n.minor < 5 {
		return 0
	}
	used := map[string]bool{}
	var need []int
	for i, c := range n.cells {
		if id := c.ID(); !idForm().MatchString(id) || used[id] {
			need = append(need, i)
		} else {
			used[id] = true
		}
	}
	for _, i := range need {
		c := n.cells[i]
		for try := 0; ; try++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", i, try, c.Source()))
			if id := hex.EncodeToString(sum[:4]); !used[id] {
				used[id] = true
				c.v.set("id", newString(id))
				break
			}
		}
	}
	return len(need)
}
