package widget

import "strings"

// A Box shows widgets beside or above each other.
type Box struct{ *model }

// HBox returns a box with widgets in a row.
func HBox(widgets ...Widget) *Box { return newBox("HBox", " ", widgets) }

// VBox returns a box with widgets in a column.
func VBox(widgets ...Widget) *Box { return newBox("VBox", "\n", widgets) }

func newBox(name, between string, widgets []Widget) *Box {
	b := &Box{newControl(name, nil, values{})}
	b.fixed["box_style"] = ""
	var children []*model
	for _, w := range widgets {
		children = append(children, w.inner())
	}
	b.parts, b.refs["children"] = append(b.parts, children...), children
	b.text = func() string {
		var all []string
		for _, c := range children {
			all = append(all, c.text())
		}
		return strings.Join(all, between)
	}
	b.html = func() string {
		var s strings.Builder
		style := ` style="display:flex;gap:1em"`
		if name == "VBox" {
			style = ""
		}
		s.WriteString("<div" + style + ">")
		for _, c := range children {
			s.WriteString("<div>" + c.page() + "</div>")
		}
		return s.String() + "</div>"
	}
	return b
}
