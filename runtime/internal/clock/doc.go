// Package clock reads clocks of the system that package time does not give: the processor time of this
// process, and the time of day also where the calling goroutine's clock is another one.
package clock
