// Loadhost loads the plugins named by its arguments, in order, into one process. It is the smallest host there is: the
// toolchain's tests build cells for it. It knows nothing of cells; their init functions do whatever the test is about.
package main

import (
	"fmt"
	"os"
	"plugin"
	"time"
)

func main() {
	for _, so := range os.Args[1:] {
		start := time.Now()
		if _, err := plugin.Open(so); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if os.Getenv("LOADHOST_TIMES") != "" {
			fmt.Fprintln(os.Stderr, so, time.Since(start))
		}
	}
}
