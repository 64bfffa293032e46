package remote

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Memory that the program shares with all its workers is one file without a name, which each of them inherits
// and maps when it first uses it. Objects in it are named by their offset. The program alone gives pieces of it
// out and takes them back.
//
// A piece begins with a header of 64 bytes, whose first word is the number of its allocation: what was freed,
// and perhaps given out again, is known by it.

const (
	memorySize = 1 << 36 // of the file, of which only what is used exists
	unit       = 64      // pieces are multiples of that, and so are their offsets
	largePiece = 1 << 16 // pieces from this size on begin and end with a page of the system
	// memoryDescriptor is the number that the file has in a worker.
	memoryDescriptor = 5
)

// A Region is a piece of shared memory. It may be copied to a worker, where it is the same memory.
type Region struct {
	At, Size, Number int64
}

// Shared memory as this process has it.
var memory struct {
	once sync.Once
	base atomic.Pointer[byte] // of mem, when it was used
	file *os.File
	mem  []byte
	err  error

	// of the program
	mu   sync.Mutex
	free []Region // by offset, never two that touch
	last int64    // number of an allocation
}

// sharedMemory returns the memory, which the first call makes or, in a worker, finds.
func sharedMemory() ([]byte, error) {
	memory.once.Do(func() {
		if memory.mem, memory.err = mapMemory(); memory.err != nil {
			memory.err = fmt.Errorf("this system shares no memory between processes: %w", memory.err)
		}
	})
	return memory.mem, memory.err
}

func mapMemory() (mem []byte, err error) {
	var f *os.File
	if InWorker() {
		f = os.NewFile(memoryDescriptor, "shared memory")
	} else if f, err = sharedFile(memorySize); err == nil {
		memory.file = f
		memory.free = []Region{{At: unit, Size: memorySize - unit}}
	}
	switch {
	case err != nil:
		return nil, err
	case f == nil:
		return nil, errors.New("the program had none when this process began")
	}
	return mapShared(f, memorySize)
}

// memoryFile returns the file for a new worker, nil where the system has no such memory.
func memoryFile() *os.File {
	if _, err := sharedMemory(); err != nil {
		return nil
	}
	return memory.file
}

// Allocate returns n bytes of memory that is zero and that all workers share.
func Allocate(n int64) (Region, error) {
	if InWorker() {
		return Region{}, errors.New("a function that runs in another process cannot make shared memory: make it in the program, and pass it")
	}
	mem, err := sharedMemory()
	if err != nil {
		return Region{}, err
	}
	edge := int64(unit)
	if n >= largePiece {
		edge = int64(os.Getpagesize())
	}
	size := (n + unit + edge - 1) &^ (edge - 1)
	memory.mu.Lock()
	defer memory.mu.Unlock()
	for i, f := range memory.free {
		at := (f.At + edge - 1) &^ (edge - 1)
		if n < 0 || at+size > f.At+f.Size {
			continue
		}
		rest := []Region{{At: f.At, Size: at - f.At}, {At: at + size, Size: f.At + f.Size - at - size}}
		rest = slices.DeleteFunc(rest, func(r Region) bool { return r.Size == 0 })
		memory.free = slices.Replace(memory.free, i, i+1, rest...)
		memory.last++
		r := Region{At: at, Size: size, Number: memory.last}
		atomic.StoreInt64((*int64)(unsafe.Pointer(&mem[at])), r.Number)
		return r, nil
	}
	return Region{}, fmt.Errorf("there is no room for %d bytes in shared memory", n)
}

// Pointer returns where the memory is, nil if it was freed.
func (r *Region) Pointer() unsafe.Pointer {
	base := memory.base.Load()
	if base == nil {
		if base = r.base(); base == nil {
			return nil
		}
	}
	at := uint64(r.At)
	if at >= memorySize || uint64(r.Size) > memorySize-at || r.Number == 0 {
		return nil
	}
	p := unsafe.Add(unsafe.Pointer(base), at)
	if atomic.LoadInt64((*int64)(p)) != r.Number {
		return nil
	}
	return unsafe.Add(p, unit)
}

// base returns where shared memory begins, nil where the system has no such memory.
func (r *Region) base() *byte {
	mem, err := sharedMemory()
	if err != nil {
		return nil
	}
	memory.base.Store(unsafe.SliceData(mem))
	return memory.base.Load()
}

// Bytes returns the memory, nil if it was freed.
func (r *Region) Bytes() []byte {
	p := r.Pointer()
	if p == nil || r.Size < unit {
		return nil
	}
	return unsafe.Slice((*byte)(p), r.Size-unit)
}

// Free gives the memory back to the system. It must not be used any more, by whatever process.
func (r Region) Free() {
	memory.mu.Lock()
	defer memory.mu.Unlock()
	if InWorker() || r.Bytes() == nil {
		return
	}
	atomic.StoreInt64((*int64)(unsafe.Pointer(&memory.mem[r.At])), 0)
	release(memory.mem[r.At : r.At+r.Size])
	free := append(memory.free, r)
	slices.SortFunc(free, func(a, b Region) int { return int((a.At - b.At) >> 6) })
	memory.free = free[:0]
	for _, f := range free {
		if n := len(memory.free); n > 0 && memory.free[n-1].At+memory.free[n-1].Size == f.At {
			memory.free[n-1].Size += f.Size
		} else {
			memory.free = append(memory.free, Region{At: f.At, Size: f.Size})
		}
	}
}
