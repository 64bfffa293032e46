// Package release knows the version of this program. It must not know anything else.
package release

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// number is the version in development. A tagged module has its own.
const number = "0.1.0"

// Number returns the version of Interleave, without a v.
func Number() string {
	if bi, ok := debug.ReadBuildInfo(); ok && bi.Main.Path == "interleave" && len(bi.Main.Version) > 1 &&
		bi.Main.Version[0] == 'v' {
		return bi.Main.Version[1:]
	}
	return number
}

// Version returns the line that the version command prints: of Interleave, of the Go toolchain that built it,
// and the platform.
func Version() string {
	return fmt.Sprintf("interleave %s %s %s/%s", Number(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
