package widget

import (
	"encoding/json"
	"html"
)

// A Label is a line of text that the program changes.
type Label struct{ *model }

// NewLabel returns a label.
func NewLabel(text string) *Label {
	l := &Label{newControl("Label", newTextStyle(), values{"value": text})}
	l.fixed["description"], l.fixed["description_allow_html"], l.fixed["placeholder"] = "", false, "\u200b"
	l.text = l.Value
	l.html = func() string { return "<span>" + html.EscapeString(l.Value()) + "</span>" }
	return l
}

// Value returns the label's present text.
func (l *Label) Value() string { return get[string](l.model, "value") }

// Set changes the label's text.
func (l *Label) Set(text string) { l.set("value", text) }

// A Text is a field where the user writes a line.
type Text struct{ *model }

// NewText returns a field with a label and a first text.
func NewText(label, text string) *Text {
	t := &Text{newControl("Text", newTextStyle(), values{"description": label, "value": text})}
	for name, v := range (values{
		"continuous_update": false, "description_allow_html": false, "disabled": false, "placeholder": "\u200b",
	}) {
		t.fixed[name] = v
	}
	t.take = func(name string, raw json.RawMessage) (any, bool) {
		var s string
		if name != "value" || json.Unmarshal(raw, &s) != nil {
			return nil, false
		}
		return s, s != t.now["value"].(string)
	}
	t.text = func() string { return labelled(label, t.Value()) }
	t.html = func() string {
		return `<label>` + html.EscapeString(label) + ` <input disabled value="` + html.EscapeString(t.Value()) + `"></label>`
	}
	return t
}

// Value returns the field's present text.
func (t *Text) Value() string { return get[string](t.model, "value") }

// Set changes the field's text.
func (t *Text) Set(text string) { t.set("value", text) }

// OnChange has f called with the present text when the user has changed it and left the field, or pressed Enter.
func (t *Text) OnChange(f func(text string)) { t.onChange(func() { f(t.Value()) }) }

// newTextStyle returns a style that all versions of ipywidgets have.
func newTextStyle() *model { return newStyle("Description", values{"description_width": "initial"}) }
