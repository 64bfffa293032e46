package install

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version in development. A tagged module has its own.
const release = "0.1.0"

// Release returns the version of Interleave.
func Release() string {
	if bi, ok := debug.ReadBuildInfo(); ok && bi.Main.Path == "interleave" && bi.Main.Version != "" && bi.Main.Version != "(devel)" {
		return bi.Main.Version
	}
	return release
}

// Version returns what the version command prints: of Interleave, of the Go toolchain that built it, and the platform.
func Version() string {
	return fmt.Sprintf("interleave %s %s %s/%s", Release(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// An ExitError ends the process with this status; what there was to say has been said.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
