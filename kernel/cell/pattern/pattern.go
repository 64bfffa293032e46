// Package pattern compiles regular expressions when they are first used. Most of the front end's belong to
// mistakes, and with classes such as \pL each costs some 40 kB and the time to touch them, in both processes
// of a kernel, when they start.
package pattern

import (
	"regexp"
	"sync"
)

// New returns a function that returns the compiled expression. It may be called from several goroutines. A
// wrong expression panics at the first call.
func New(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
