package widget

import (
	"fmt"
	"html"
	"strconv"
)

// An IntProgress is a bar that shows how many steps of some work are done.
type IntProgress struct{ *model }

// NewIntProgress returns an empty bar for total steps. It panics if total is negative. lab.NewProgress has one with a
// count, a rate and the time that remains.
func NewIntProgress(label string, total int) *IntProgress {
	if total < 0 {
		panic(fmt.Sprintf("widget.NewIntProgress: total %d: need zero or more", total))
	}
	p := &IntProgress{newControl("IntProgress", newProgressStyle(), values{
		"description": label, "min": 0, "max": total, "value": 0, "bar_style": "",
	})}
	progressDefaults(p.model)
	p.text = func() string { return fmt.Sprintf("%s/%d", labelled(label, p.Value()), total) }
	p.html = func() string { return progressPage(label, float64(p.Value()), float64(total)) }
	return p
}

// Value returns how many steps are done.
func (p *IntProgress) Value() int { return get[int](p.model, "value") }

// Set changes how many steps are done. Values outside of the bar's range show as its ends.
func (p *IntProgress) Set(done int) { p.set("value", done) }

// Style changes the bar's colour: "success", "info", "warning", "danger", or "" for the usual one.
func (p *IntProgress) Style(name string) { p.set("bar_style", name) }

// A FloatProgress is a bar that shows a number between two others.
type FloatProgress struct{ *model }

// NewFloatProgress returns a bar from least to most with a value. It panics if least is more than most, or one of the
// numbers is NaN.
func NewFloatProgress(label string, least, most, value float64) *FloatProgress {
	if !(least <= most) || value != value {
		panic(fmt.Sprintf("widget.NewFloatProgress: value %v from %v to %v: need numbers in ascending order", value, least, most))
	}
	p := &FloatProgress{newControl("FloatProgress", newProgressStyle(), values{
		"description": label, "min": least, "max": most, "value": value, "bar_style": "",
	})}
	progressDefaults(p.model)
	p.text = func() string { return labelled(label, p.Value()) }
	p.html = func() string { return progressPage(label, p.Value()-least, most-least) }
	return p
}

// Value returns the bar's present value.
func (p *FloatProgress) Value() float64 { return get[float64](p.model, "value") }

// Set changes the bar's value. Values outside of its range show as its ends. It panics if the value is NaN.
func (p *FloatProgress) Set(value float64) {
	if value != value {
		panic("widget.FloatProgress.Set: the value is NaN: need a number")
	}
	p.set("value", value)
}

// Style changes the bar's colour: "success", "info", "warning", "danger", or "" for the usual one.
func (p *FloatProgress) Style(name string) { p.set("bar_style", name) }

func newProgressStyle() *model {
	return newStyle("Progress", values{"bar_color": nil, "description_width": "initial"})
}

func progressDefaults(m *model) {
	m.fixed["_view_name"] = "ProgressView"
	m.fixed["description_allow_html"], m.fixed["orientation"] = false, "horizontal"
}

// progressPage is a bar that does not move.
func progressPage(label string, value, most float64) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	if most <= 0 {
		value, most = 0, 1
	}
	return fmt.Sprintf(`<label>%s <progress value="%s" max="%s" style="width:20em;vertical-align:middle"></progress></label>`,
		html.EscapeString(label), number(value), number(most))
}
