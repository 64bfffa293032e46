package lab

import "interleave/runtime/timeline"

// started tells the recorder that goroutines are about to begin: one atomic load when it does not listen.
func started() { timeline.Started() }
