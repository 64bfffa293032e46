//go:build interleave_host

package engine

import _ "unsafe" // for linkname

//go:linkname setExitHook os.setExitHook
func setExitHook(f func(code int))

func init() {
	catchExit = func(e *Engine) { setExitHook(e.exit) }
}
