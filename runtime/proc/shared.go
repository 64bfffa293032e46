package proc

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"unsafe"

	"interleave/runtime/quantity"
	"interleave/runtime/remote"
)

// A Number is what a [Shared] can hold.
type Number interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// A Shared is an array of numbers in memory that all processes share. It is multiprocessing.Array without its
// lock, and multiprocessing.shared_memory with a type.
//
// Each of At, Set, Add and CompareAndSwap is atomic, and takes some nanoseconds. [Shared.Slice] is the memory
// itself, for work on parts that no other process uses meanwhile.
type Shared[T Number] struct {
	region remote.Region
	n      int
}

// NewShared returns an array of n zeros. It takes no memory before it is used. The error is that of a system
// that shares none.
func NewShared[T Number](n int) (*Shared[T], error) {
	if n < 0 {
		return nil, misuse("proc.NewShared", "length %d: need zero or more", n)
	}
	var zero T
	if n > math.MaxInt/int(unsafe.Sizeof(zero)) {
		return nil, misuse("proc.NewShared", "length %d: need less than memory", n)
	}
	r, err := remote.Allocate(int64(n) * int64(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, fmt.Errorf("proc.NewShared: %w", err)
	}
	s := &Shared[T]{r, n}
	runtime.AddCleanup(s, func(r remote.Region) { remote.Unused(r.Free) }, r)
	return s, nil
}

// Len returns the number of elements.
func (s *Shared[T]) Len() int { return s.n }

// Slice returns the array as a slice of the same memory. What several processes change at a time needs a [Lock],
// or the array's own methods. It must not be used after Close.
func (s *Shared[T]) Slice() []T {
	b := s.region.Bytes()
	if b == nil {
		panic(misuse("proc.Shared", "%s", s.gone()))
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), s.n)
}

func (s *Shared[T]) gone() string {
	if s.region.Number == 0 {
		return "it was never made: proc.NewShared makes one"
	}
	return "it was closed"
}

// Close gives the memory back at once. Without it that happens when nothing uses the array any more.
func (s *Shared[T]) Close() { s.region.Free() }

// shown is how many elements of an array String shows.
const shown = 8

// String shows the length of the array, its type and its first elements.
func (s *Shared[T]) String() string {
	var zero T
	text := fmt.Sprintf("shared array of %s %T", quantity.Count(s.n), zero)
	mem := s.region.Bytes()
	if mem == nil {
		return text + ": " + s.gone()
	}
	all := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem))), s.n)
	for i := range min(s.n, shown) {
		if i == 0 {
			text += ":"
		}
		text += fmt.Sprint(" ", load(&all[i]))
	}
	if s.n > shown {
		text += " …"
	}
	return text
}

// word returns the bits of element i, in 4 or in 8 bytes.
func (s *Shared[T]) word(i int) (*uint32, *uint64) { return word(&s.Slice()[i]) }

func word[T Number](p *T) (*uint32, *uint64) {
	if unsafe.Sizeof(*p) == 4 {
		return (*uint32)(unsafe.Pointer(p)), nil
	}
	return nil, (*uint64)(unsafe.Pointer(p))
}

// At returns element i.
func (s *Shared[T]) At(i int) T { return load(&s.Slice()[i]) }

func load[T Number](p *T) T {
	w, w8 := word(p)
	if w != nil {
		bits := atomic.LoadUint32(w)
		return *(*T)(unsafe.Pointer(&bits))
	}
	bits := atomic.LoadUint64(w8)
	return *(*T)(unsafe.Pointer(&bits))
}

// Set sets element i to v.
func (s *Shared[T]) Set(i int, v T) {
	w, w8 := s.word(i)
	if w != nil {
		atomic.StoreUint32(w, *(*uint32)(unsafe.Pointer(&v)))
		return
	}
	atomic.StoreUint64(w8, *(*uint64)(unsafe.Pointer(&v)))
}

// Add adds delta to element i, and returns the sum. No other change of the element comes in between.
func (s *Shared[T]) Add(i int, delta T) T {
	for {
		old := s.At(i)
		if sum := old + delta; s.swap(i, old, sum) {
			return sum
		}
	}
}

// CompareAndSwap sets element i to v if it is old, and reports whether it was. Numbers are compared by their
// bits: a NaN is itself, and 0.0 is not -0.0.
func (s *Shared[T]) CompareAndSwap(i int, old, v T) bool { return s.swap(i, old, v) }

func (s *Shared[T]) swap(i int, old, v T) bool {
	w, w8 := s.word(i)
	if w != nil {
		return atomic.CompareAndSwapUint32(w, *(*uint32)(unsafe.Pointer(&old)), *(*uint32)(unsafe.Pointer(&v)))
	}
	return atomic.CompareAndSwapUint64(w8, *(*uint64)(unsafe.Pointer(&old)), *(*uint64)(unsafe.Pointer(&v)))
}
