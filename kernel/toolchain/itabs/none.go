//go:build !interleave_host

package itabs

// Hook makes the runtime correct each plugin that is loaded from now on. Only a host built by package
// toolchain loads plugins; in other programs it does nothing.
func Hook() {}
