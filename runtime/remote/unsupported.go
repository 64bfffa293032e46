//go:build !unix

package remote

import (
	"fmt"
	"os"
	"runtime"
)

// Workers load the cells that a function needs, which only hosts that link cells into their memory can do. These
// systems have no such host, and no sockets and memory to share.

func sharedFile(int64) (*os.File, error) { return nil, unsupported("memory that processes share") }

func mapShared(*os.File, int) ([]byte, error) { return nil, unsupported("memory that processes share") }

func unmapShared([]byte) {}

func socketPair() (ours, theirs *os.File, err error) {
	return nil, nil, unsupported("worker processes")
}

// readPipe reports the end: there is no worker that writes.
func readPipe(uintptr, []byte) (int, error) { return 0, nil }

func unsupported(what string) error {
	return fmt.Errorf("%s: not supported on %s", what, runtime.GOOS)
}
