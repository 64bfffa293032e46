//go:build amd64 || arm64

package dyntype

import (
	"fmt"
	"reflect"
	"unsafe"
)

// The runtime calls a method by the address of code, with no closure. A stub is code of its own for each entry of
// closures: it loads the closure into the register where Go's calls expect one and jumps to the closure's code, with
// all arguments where they were.

// poolSize is the number of stubs; stubs_amd64.s and stubs_arm64.s have as many. A method takes one, or two when its
// receiver is a value.
const poolSize = 16384

// closures are what the stubs jump to. An entry is set before the runtime sees the stub's address, and never changes
// while it does.
var closures [poolSize]unsafe.Pointer

var (
	nextStub  int   // the first stub that was never used
	freeStubs []int // stubs of types that could not be completed
)

// firstStub returns the address of stub 0. The others follow in steps of stubBytes.
func firstStub() unsafe.Pointer

// A stub is the offset by which a descriptor names a stub's code.
func (b *batch) stub(fn reflect.Value) (int32, error) {
	var i int
	switch {
	case len(freeStubs) > 0:
		i = freeStubs[len(freeStubs)-1]
		freeStubs = freeStubs[:len(freeStubs)-1]
	case nextStub < poolSize:
		i = nextStub
		nextStub++
	default:
		return 0, fmt.Errorf("interpreted types have used up all %d methods of this session: restart the kernel", poolSize)
	}
	b.stubs = append(b.stubs, i)
	closures[i] = closureOf(fn)
	return addReflectOff(unsafe.Add(firstStub(), i*stubBytes)), nil
}

// closureOf returns the closure of a func value: memory that begins with the address of its code.
func closureOf(fn reflect.Value) unsafe.Pointer {
	p := reflect.New(fn.Type())
	p.Elem().Set(fn)
	return *(*unsafe.Pointer)(p.UnsafePointer())
}
