// Package widget has sliders, progress bars, buttons and texts for notebooks: those of ipywidgets 8, by their names.
// A widget appears where it is shown, as the last expression of a cell or by display.Show, in front ends that have
// ipywidgets, such as JupyterLab with its extension. Elsewhere, and in a saved notebook, it appears as a text and as HTML
// with the value that it had.
//
//	workers := widget.NewIntSlider("workers", 1, 16, 4)
//	workers.OnChange(func(n int) { fmt.Println("now", n) })
//	workers
//
// A function of a widget runs beside the cells, also while one runs. It is code of the cell that has registered it: what
// it writes, and a panic of it, appear there, and an interrupt ends it. Its context ctx ends with it. While it runs no
// other function of the same widget is called; of the values that the user has passed meanwhile it gets the last one.
// Functions are called for changes by the user, not for those by Set.
//
// All methods may be called from several goroutines. Setters cost less than a microsecond: what they change is sent to
// the front end soon, at most twenty times a second, and the last state always arrives.
package widget

// The front end's packages that have these widgets, with the versions of ipywidgets 8 and 7.7: both announce themselves
// alike, and have all that is used here.
const (
	controls        = "@jupyter-widgets/controls"
	controlsVersion = "^2.0.0 || ^1.5.0"
	base            = "@jupyter-widgets/base"
	baseVersion     = "^2.0.0 || ^1.2.0"
)
