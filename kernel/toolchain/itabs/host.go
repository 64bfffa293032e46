//go:build interleave_host

package itabs

import "unsafe"

//go:linkname setCellItabsHook runtime.setCellItabsHook
func setCellItabsHook(f func(module unsafe.Pointer, stale, kept []unsafe.Pointer) error)

// Hook makes the runtime correct each plugin that is loaded from now on.
func Hook() { setCellItabsHook(hook) }
