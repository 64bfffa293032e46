//go:build interleave_host

package engine

import (
	_ "unsafe"

	"interleave/kernel/session"
)

//go:linkname setWriteHook os.setWriteHook
func setWriteHook(f func(fd int, b []byte) (n int, err error, handled bool))

func init() {
	captureOutput = func(e *Engine) {
		setWriteHook(func(fd int, b []byte) (int, error, bool) {
			stream := session.Stdout
			if fd == 2 {
				stream = session.Stderr
			}
			if t := current(); t != nil && t.run.over.Load() { // outlived its cell
				e.out.Output(t.run.id, stream, b)
				return len(b), nil, true
			}
			if e.out != nil {
				e.out.Switch(stream)
			}
			return 0, nil, false
		})
	}
}
