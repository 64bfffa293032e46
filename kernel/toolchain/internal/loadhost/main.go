// Loadhost loads the plugins named by its arguments, in order, into one process. It is the smallest possible
// host, for which the toolchain's tests build cells. It knows nothing about cells; their init functions do
// what the test needs.
package main

import (
	"fmt"
	"os"
	"plugin"
	"runtime"
	"strings"

	"interleave/kernel/toolchain/writes"
)

func main() {
	if os.Getenv("LOADHOST_HOOK") != "" && !writes.Hook(shout) {
		fmt.Fprintln(os.Stderr, "no hook")
		os.Exit(1)
	}
	if os.Getenv("LOADHOST_EXIT") != "" {
		hookExit(refuse)
	}
	for _, so := range os.Args[1:] {
		if _, err := plugin.Open(so); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// hookExit is set where the standard library is patched.
var hookExit func(func(code int))

// refuse lets 7 go and ends the goroutine of any other exit.
func refuse(code int) {
	if code != 7 {
		fmt.Println("not", code)
		runtime.Goexit()
	}
}

// shout handles text in capitals: it writes it to the other stream, in small letters.
func shout(fd int, b []byte) (int, error, bool) {
	s := string(b)
	if s != strings.ToUpper(s) {
		return 0, nil, false
	}
	fmt.Fprintf([]*os.File{1: os.Stderr, 2: os.Stdout}[fd], "fd %d: %s", fd, strings.ToLower(s))
	return len(b), nil, true
}
