package lab

import "interleave/runtime/timeline"

// started reports to the recorder that goroutines are about to start. It costs one atomic load when there is
// no recording.
func started() { timeline.Started() }
