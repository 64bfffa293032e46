package gotests

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A recorder is a test whose failures are data: what a program does to the kernel is a class of the program, and no failure of
// the test. Its cleanups run at the end of recorded.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	problems []string
	cleanups []func()
}

// recorded calls f, on a goroutine that f may end by Fatal, then the cleanups that f has registered. It returns the
// failures that were reported until then.
func recorded(t testing.TB, f func(testing.TB)) []string {
	r := &recorder{TB: t}
	r.call(func() { f(r) })
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			defer r.mu.Unlock()
			return r.problems
		}
		last := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		r.call(last)
	}
}

func (r *recorder) call(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (r *recorder) record(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, strings.TrimSpace(text))
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.problems) > 0
}

func (r *recorder) Error(args ...any)                 { r.record(fmt.Sprintln(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.record(fmt.Sprintf(format, args...)) }
func (r *recorder) Fail()                             { r.record("failed") }
func (r *recorder) FailNow()                          { r.Fail(); runtime.Goexit() }
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }

func TestRecorded(t *testing.T) {
	t.Parallel()
	var order []string
	got := recorded(t, func(tb testing.TB) {
		tb.Cleanup(func() { order = append(order, "first"); tb.Fatal("in a cleanup") })
		tb.Cleanup(func() { order = append(order, "second") })
		tb.Errorf("one %d", 1)
		tb.Fatal("two")
		order = append(order, "never")
	})
	if want := "[one 1 two in a cleanup] [second first]"; fmt.Sprint(got, order) != want {
		t.Errorf("%v %v, not %s", got, order, want)
	}
}
