package cell

import "go/types"

// tracerCalls lists the functions by which code takes the execution tracer, of which the process has one.
var tracerCalls = map[string]string{
	"runtime/trace.Start":                   "trace.Start",
	"runtime/trace.Stop":                    "trace.Stop",
	"runtime/trace.NewFlightRecorder":       "trace.NewFlightRecorder",
	"(*runtime/trace.FlightRecorder).Start": "FlightRecorder.Start",
	"(*runtime/trace.FlightRecorder).Stop":  "FlightRecorder.Stop",
}

// tracer returns the function by which the cell takes the execution tracer, empty when it takes none.
// Regions, logs and tasks do not take it.
func (c *checked) tracer() string {
	name := ""
	for _, o := range c.info.Uses {
		if f, ok := o.(*types.Func); ok && f.Pkg() != nil && f.Pkg().Path() == "runtime/trace" {
			if call := tracerCalls[f.FullName()]; call != "" && (name == "" || call < name) {
				name = call
			}
		}
	}
	return name
}
