package itabs

//lint:file-ignore U1000 used where cells are plugins

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// hook corrects the plugin whose memory contains an address.
func hook(module unsafe.Pointer, stale, kept []unsafe.Pointer) error {
	maps, err := mapsAround(uintptr(module))
	if err != nil {
		return err
	}
	_, err = correct(maps, stale, kept, protect)
	return err
}

func protect(page, size uintptr, writable bool) error {
	prot := syscall.PROT_READ
	if writable {
		prot |= syscall.PROT_WRITE
	}
	return syscall.Mprotect(unsafe.Slice((*byte)(unsafe.Add(nil, page)), size), prot)
}

// mapsAround returns the readable mappings without code of the file whose mappings contain an address.
func mapsAround(address uintptr) ([]mapping, error) {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	// 7f3a5c000000-7f3a5c0ce000 r--p 00000000 fe:00 1234567    /tmp/cells/c2.so
	var file string
	byFile := map[string][]mapping{}
	for line := range bytes.Lines(text) {
		f := strings.Fields(string(line))
		if len(f) < 6 {
			continue
		}
		low, high, _ := strings.Cut(f[0], "-")
		from, err1 := strconv.ParseUint(low, 16, 64)
		to, err2 := strconv.ParseUint(high, 16, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		m := mapping{uintptr(from), uintptr(to), strings.Contains(f[1], "w")}
		id := strings.Join(f[3:], " ") // device, number and name: names alone may come again
		if m.from <= address && address < m.to {
			file = id
		}
		if strings.HasPrefix(f[1], "r") && !strings.Contains(f[1], "x") {
			byFile[id] = append(byFile[id], m)
		}
	}
	if file == "" {
		return nil, errors.New("the plugin is not among the mapped files")
	}
	return byFile[file], nil
}
