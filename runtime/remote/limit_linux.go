package remote

import (
	"fmt"
	"syscall"
	"unsafe"
)

const limitData = 2 // RLIMIT_DATA: private memory that a process may write to, since Linux 4.7

// LimitMemory bounds the memory that the process may take, in bytes. A Go program that asks for more crashes, mostly with
// "out of memory". It is Python's resource.setrlimit in the worker.
func (w *Worker) LimitMemory(bytes int64) error {
	w.mu.Lock()
	if w.Err() == nil {
		w.page.setBudget(bytes)
	}
	w.mu.Unlock()
	limit := syscall.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(w.Pid()), limitData, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("limit the memory of a worker: %w", errno)
	}
	return nil
}
