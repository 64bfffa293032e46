package widget

import (
	"encoding/json"
	"fmt"
	"html"
	"math"
	"strconv"
)

// An IntSlider is a slider for whole numbers.
type IntSlider struct{ *model }

// NewIntSlider returns a slider from least to most with a label and a first value. It panics if least is more than most,
// or the value is not between them.
func NewIntSlider(label string, least, most, value int) *IntSlider {
	if least > most || value < least || value > most {
		panic(fmt.Sprintf("widget.NewIntSlider: value %d: need one from %d to %d", value, least, most))
	}
	s := &IntSlider{newControl("IntSlider", newSliderStyle(), values{
		"description": label, "min": least, "max": most, "step": 1, "value": value, "readout_format": "d",
	})}
	sliderDefaults(s.model)
	s.take = func(name string, raw json.RawMessage) (any, bool) {
		var n float64
		if name != "value" || json.Unmarshal(raw, &n) != nil || n != math.Trunc(n) {
			return nil, false
		}
		v := min(max(int(n), s.now["min"].(int)), s.now["max"].(int))
		return v, v != s.now["value"].(int)
	}
	s.text = func() string { return labelled(label, s.Value()) }
	s.html = func() string { return sliderPage(label, float64(least), float64(most), float64(s.Value())) }
	return s
}

// Value returns the slider's present value.
func (s *IntSlider) Value() int { return get[int](s.model, "value") }

// Set moves the slider. It panics if the value is outside of the slider's range.
func (s *IntSlider) Set(value int) {
	if least, most := get[int](s.model, "min"), get[int](s.model, "max"); value < least || value > most {
		panic(fmt.Sprintf("widget.IntSlider.Set: value %d: need one from %d to %d", value, least, most))
	}
	s.set("value", value)
}

// OnChange has f called with the present value when the user has moved the slider.
func (s *IntSlider) OnChange(f func(value int)) { s.onChange(func() { f(s.Value()) }) }

// A FloatSlider is a slider for numbers.
type FloatSlider struct{ *model }

// NewFloatSlider returns a slider from least to most in hundred steps, with a label and a first value. It panics if least
// is more than most, the value is not between them, or one of them is not a number.
func NewFloatSlider(label string, least, most, value float64) *FloatSlider {
	if !(least <= value && value <= most) || math.IsInf(most-least, 0) {
		panic(fmt.Sprintf("widget.NewFloatSlider: value %v: need one from %v to %v", value, least, most))
	}
	s := &FloatSlider{newControl("FloatSlider", newSliderStyle(), values{
		"description": label, "min": least, "max": most, "step": (most - least) / 100, "value": value,
		"readout_format": readout(least, most),
	})}
	sliderDefaults(s.model)
	s.take = func(name string, raw json.RawMessage) (any, bool) {
		var v float64
		if name != "value" || json.Unmarshal(raw, &v) != nil {
			return nil, false
		}
		v = min(max(v, s.now["min"].(float64)), s.now["max"].(float64))
		return v, v != s.now["value"].(float64)
	}
	s.text = func() string { return labelled(label, s.Value()) }
	s.html = func() string { return sliderPage(label, least, most, s.Value()) }
	return s
}

// readout is the format of a slider's number: as many decimals as its steps need.
func readout(least, most float64) string {
	step := (most - least) / 100
	if step <= 0 {
		return ".2f"
	}
	return fmt.Sprintf(".%df", min(max(int(math.Ceil(-math.Log10(step))), 0), 12))
}

// Value returns the slider's present value.
func (s *FloatSlider) Value() float64 { return get[float64](s.model, "value") }

// Set moves the slider. It panics if the value is outside of the slider's range.
func (s *FloatSlider) Set(value float64) {
	if least, most := get[float64](s.model, "min"), get[float64](s.model, "max"); !(least <= value && value <= most) {
		panic(fmt.Sprintf("widget.FloatSlider.Set: value %v: need one from %v to %v", value, least, most))
	}
	s.set("value", value)
}

// OnChange has f called with the present value when the user has moved the slider.
func (s *FloatSlider) OnChange(f func(value float64)) { s.onChange(func() { f(s.Value()) }) }

func newSliderStyle() *model {
	return newStyle("Slider", values{"description_width": "initial", "handle_color": nil})
}

func sliderDefaults(m *model) {
	for name, v := range (values{
		"behavior": "drag-tap", "continuous_update": true, "description_allow_html": false, "disabled": false,
		"orientation": "horizontal", "readout": true,
	}) {
		m.fixed[name] = v
	}
}

// sliderPage is a slider that cannot be moved.
func sliderPage(label string, least, most, value float64) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return fmt.Sprintf(`<label>%s <input type="range" disabled min="%s" max="%s" step="any" value="%s" style="vertical-align:middle"> `+
		`<code>%[4]s</code></label>`, html.EscapeString(label), number(least), number(most), number(value))
}
