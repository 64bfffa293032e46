//go:build interleave_host

package main

import _ "unsafe" // for linkname

//go:linkname setExitHook os.setExitHook
func setExitHook(f func(code int))

func init() { hookExit = setExitHook }
