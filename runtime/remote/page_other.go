//go:build unix && !linux

package remote

import "os"

// sharedFile returns a file of some size whose name is removed at once.
func sharedFile(size int64) (*os.File, error) {
	f, err := os.CreateTemp("", "interleave-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
