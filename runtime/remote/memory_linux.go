package remote

import (
	"os"

	"golang.org/x/sys/unix"
)

// release makes memory zero. Whole pages go back to the system.
func release(b []byte) {
	if len(b) < largePiece || len(b)%os.Getpagesize() != 0 || unix.Madvise(b, unix.MADV_REMOVE) != nil {
		clear(b)
	}
}
