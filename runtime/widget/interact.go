package widget

import "interleave/runtime/display"

// A Control is a widget with a value that the user changes: a slider, a text field or a checkbox.
type Control[T any] interface {
	Widget
	Value() T
	OnChange(f func(T))
}

// Interact shows a control and under it what f returns for its value: at once, and again each time the user changes it.
// What f writes appears below, in the output of the cell. The first call of f is the caller's.
func Interact[T any](control Control[T], f func(T) any) {
	display.Show(control)
	result := display.NewHandle()
	control.OnChange(func(v T) { result.Update(f(v)) })
	result.Update(f(control.Value()))
}
