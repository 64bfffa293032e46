package ipynb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// An OutputType is the kind of an output.
type OutputType string

// The output types of nbformat 4.
const (
	Stream        OutputType = "stream"
	DisplayData   OutputType = "display_data"
	ExecuteResult OutputType = "execute_result"
	Error         OutputType = "error"
)

// An Output is one output of a code cell. Which fields are used depends on the type.
type Output struct {
	Type OutputType

	Stream string // Stream: stdout or stderr
	Text   string // Stream

	Data     Bundle // DisplayData and ExecuteResult
	Metadata Bundle // the same
	Count    int    // ExecuteResult: the prompt's number, or 0

	Name      string   // Error
	Value     string   // Error
	Traceback []string // Error: lines with ANSI colours
}

// A Bundle is one value in several representations: MIME type → its JSON. Text types and base64 are JSON
// strings, or lists of strings to be joined.
type Bundle map[string]json.RawMessage

// Text returns a representation that is text or base64.
func (b Bundle) Text(mime string) (string, bool) {
	v := b.parsed(mime)
	if v == nil {
		return "", false
	}
	return v.lines()
}

// parsed returns nil for a missing value, or one that is not JSON.
func (b Bundle) parsed(mime string) *value {
	raw, ok := b[mime]
	if !ok {
		return nil
	}
	v, _, _, err := parse(raw)
	if err != nil {
		return nil
	}
	return v
}

// Pretty returns a representation as JSON with an indent of two, keys and numbers as they are. Values more
// than twenty deep are indented as those that are, so that the text is at most about forty times the stored
// size.
func (b Bundle) Pretty(mime string) (string, bool) {
	v := b.parsed(mime)
	if v == nil {
		return "", false
	}
	v.loosen()
	return string(v.append(nil, 0, layout{newline: "\n", indent: "  ", levels: 20, colon: ": ", comma: ","})), true
}

// loosen drops the layout of containers.
func (v *value) loosen() {
	if v.kind == arrayKind || v.kind == objectKind {
		v.raw = nil
		for _, it := range v.items {
			it.value.loosen()
		}
	}
}

// IsJSON reports whether a MIME type holds a JSON value rather than text.
func IsJSON(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// splits reports whether Jupyter stores a MIME type line by line.
func splits(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

// Outputs returns the cell's outputs. Outputs of a type from a later format have only their Type.
func (c *Cell) Outputs() []Output {
	list := c.v.get("outputs")
	if list == nil {
		return nil
	}
	outs := make([]Output, 0, len(list.items))
	for _, it := range list.items {
		outs = append(outs, readOutput(it.value))
	}
	return outs
}

func readOutput(v *value) Output {
	o := Output{Type: OutputType(text(v, "output_type"))}
	switch o.Type {
	case Stream:
		o.Stream = text(v, "name")
		o.Text, _ = v.get("text").lines()
	case DisplayData, ExecuteResult:
		o.Data = readBundle(v.get("data"))
		o.Metadata = readBundle(v.get("metadata"))
		if o.Type == ExecuteResult {
			o.Count, _ = v.get("execution_count").integer()
		}
	case Error:
		o.Name, o.Value = text(v, "ename"), text(v, "evalue")
		for _, it := range v.get("traceback").items {
			o.Traceback = append(o.Traceback, it.value.str())
		}
	}
	return o
}

func readBundle(v *value) Bundle {
	if v == nil || v.kind != objectKind {
		return nil
	}
	b := make(Bundle, len(v.items))
	for _, it := range v.items {
		b[it.key] = it.value.append(nil, 0, layout{colon: ":", comma: ","})
	}
	return b
}

// SetOutputs replaces the cell's outputs. An error names the representation that is not JSON; then nothing
// has changed.
func (c *Cell) SetOutputs(outs []Output) error {
	list := newArray()
	for i, o := range outs {
		v, err := o.value()
		if err != nil {
			return fmt.Errorf("output %d: %w", i+1, err)
		}
		list.add(v)
	}
	if old := c.v.get("outputs"); old != nil && len(old.items) == 0 && len(outs) == 0 {
		return nil
	}
	c.v.set("outputs", list)
	return nil
}

func (o Output) value() (*value, error) {
	v := newObject()
	v.set("output_type", newString(string(o.Type)))
	switch o.Type {
	case Stream:
		v.set("name", newString(o.Stream))
		v.set("text", newLines(o.Text))
	case DisplayData, ExecuteResult:
		data, err := o.Data.value(true)
		if err != nil {
			return nil, err
		}
		metadata, err := o.Metadata.value(false)
		if err != nil {
			return nil, err
		}
		v.set("data", data)
		v.set("metadata", metadata)
		if o.Type == ExecuteResult {
			count := newNull()
			if o.Count > 0 {
				count = newInt(o.Count)
			}
			v.set("execution_count", count)
		}
	case Error:
		v.set("ename", newString(o.Name))
		v.set("evalue", newString(o.Value))
		v.set("traceback", newStrings(o.Traceback))
	default:
		return nil, fmt.Errorf("unknown type %q", o.Type)
	}
	return v, nil
}

// value returns a bundle as Jupyter stores it; data means that texts are stored in lines.
func (b Bundle) value(data bool) (*value, error) {
	v := newObject()
	for key, raw := range b {
		m, _, _, err := parse(bytes.Clone(raw))
		if err != nil {
			return nil, fmt.Errorf("%s: not JSON: %w", key, err)
		}
		m.canonical()
		if s, ok := m.lines(); data && ok && !IsJSON(key) {
			if m = newString(s); splits(key) {
				m = newLines(s)
			}
		}
		v.set(key, m)
	}
	return v, nil
}
