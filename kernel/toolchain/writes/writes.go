// Package writes knows how the host learns of each write to standard output and error before it happens: the patched
// package syscall has a hook for it. It must not know what is done with the bytes.
package writes

// A Func is called in the goroutine that writes b to file descriptor fd, 1 or 2, by syscall.Write and so by an *os.File, which
// is locked meanwhile. When handled is false, the write goes on as usual and n and err are ignored; otherwise they are what
// the writer gets. b must not be kept. Prints of the runtime (println, a crash) and of C code do not come by here.
type Func func(fd int, b []byte) (n int, err error, handled bool)
