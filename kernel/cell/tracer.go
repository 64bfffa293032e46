package cell

import "go/types"

// tracerCalls are the functions by which code takes the execution tracer, which the process has once.
var tracerCalls = map[string]string{
	"runtime/trace.Start":                   "trace.Start",
	"runtime/trace.Stop":                    "trace.Stop",
	"runtime/trace.NewFlightRecorder":       "trace.NewFlightRecorder",
	"(*runtime/trace.FlightRecorder).Start": "FlightRecorder.Start",
	"(*runtime/trace.FlightRecorder).Stop":  "FlightRecorder.Stop",
}

// tracer names a function by which the cell takes the execution tracer; empty when it does not. Regions, logs and tasks do not.
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
