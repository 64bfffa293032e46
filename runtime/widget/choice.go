package widget

import (
	"encoding/json"
	"fmt"
	"html"
)

// A Checkbox is on or off.
type Checkbox struct{ *model }

// NewCheckbox returns a checkbox with a label.
func NewCheckbox(label string, on bool) *Checkbox {
	c := &Checkbox{newControl("Checkbox", newTextStyle(),
		values{"description": label, "value": on})}
	for name, v := range (values{"description_allow_html": false, "disabled": false, "indent": false}) {
		c.fixed[name] = v
	}
	c.take = func(name string, raw json.RawMessage) (any, bool) {
		var v bool
		if name != "value" || json.Unmarshal(raw, &v) != nil {
			return nil, false
		}
		return v, v != c.now["value"].(bool)
	}
	c.text = func() string { return labelled(label, c.Value()) }
	c.html = func() string {
		checked := ""
		if c.Value() {
			checked = " checked"
		}
		return fmt.Sprintf(`<label><input type="checkbox" disabled%s> %s</label>`, checked, html.EscapeString(label))
	}
	return c
}

// Value reports whether the box is checked.
func (c *Checkbox) Value() bool { return get[bool](c.model, "value") }

// Set checks the box or not.
func (c *Checkbox) Set(on bool) { c.set("value", on) }

// OnChange has f called with the present value when the user has changed it.
func (c *Checkbox) OnChange(f func(on bool)) { c.onChange(func() { f(c.Value()) }) }

// A Button calls functions.
type Button struct{ *model }

// NewButton returns a button with a label.
func NewButton(label string) *Button {
	b := &Button{newControl("Button", newStyle("Button", values{"button_color": nil, "font_weight": ""}),
		values{"description": label, "disabled": false})}
	b.fixed["button_style"], b.fixed["icon"] = "", ""
	b.event = func(content json.RawMessage) bool {
		var msg struct {
			Event string `json:"event"`
		}
		return json.Unmarshal(content, &msg) == nil && msg.Event == "click"
	}
	b.text = func() string { return "[" + label + "]" }
	b.html = func() string { return "<button disabled>" + html.EscapeString(label) + "</button>" }
	return b
}

// OnClick has f called when the user has clicked the button. Clicks while f runs count as one more.
func (b *Button) OnClick(f func()) { b.onChange(f) }

// Enable makes the button one that can be clicked, or not.
func (b *Button) Enable(yes bool) { b.set("disabled", !yes) }
