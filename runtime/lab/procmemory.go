package lab

import (
	"errors"
	"fmt"

	"interleave/runtime/quantity"
)

// leastMemory is enough for a worker that has loaded cells and does little.
const leastMemory = 128 << 20

// ProcMemory bounds the memory that each process of a [NewProcPool] may take, in bytes, at least 128 MiB: heap,
// stacks and what Go's runtime needs for them, and in programs with cgo 8 MiB for each thread; not the program
// itself. Under the race detector it has to be 2 GiB. A process that takes more ends, with "out of memory" or another
// crash of Go's runtime, at the latest when its function returns: its task fails with a [*WorkerError] and a hint at
// the limit, and it is replaced. Memory that was freed and not given back counts, so leave room. It costs a system
// call for each process and a look at the heap every 10 ms, and needs Linux: elsewhere NewProcPool returns an error.
// Python's counterpart is resource.setrlimit in the initializer of a pool.
func ProcMemory(bytes int64) PoolOption {
	if bytes < leastMemory {
		panic(misuse("lab.ProcMemory", "%s: need at least %s", quantity.Bytes(bytes), quantity.Bytes(leastMemory)))
	}
	return func(p *Pool) { p.memory = bytes }
}

// mayBeMemory adds a hint to the error of a process that has crashed while its memory was limited. Go's runtime
// does not always report a lack of memory as one.
func (s *processes) mayBeMemory(err error) error {
	var w *WorkerError
	if s.memory == 0 || !errors.As(err, &w) || w.Signal == 0 && w.Code != crashStatus {
		return err
	}
	return fmt.Errorf("%w (lab.ProcMemory allows the process %s)", err, quantity.Bytes(s.memory))
}

const crashStatus = 2 // of a Go program that crashes
