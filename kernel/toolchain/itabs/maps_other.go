//go:build !linux

package itabs

import (
	"errors"
	"unsafe"
)

// hook refuses the plugin: a wrong answer would be worse.
func hook(unsafe.Pointer, []unsafe.Pointer, []unsafe.Pointer) error {
	return errors.New("this cell contains an interface table that the session has already created, and this system cannot merge the two; restart the kernel and run the cell before others")
}
