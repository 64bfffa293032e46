// Package writes installs a hook in the patched package syscall that is called before each write to standard
// output and error. It must not know what is done with the bytes.
package writes

// A Func is called in the goroutine that writes b to file descriptor fd, 1 or 2, by syscall.Write and so by
// an *os.File, which is locked meanwhile. When handled is false, the write continues as usual and n and err
// are ignored; otherwise the writer gets them. b must not be kept. Output of the runtime (println, a crash)
// and of C code does not pass through here.
type Func func(fd int, b []byte) (n int, err error, handled bool)
