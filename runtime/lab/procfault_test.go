//go:build unix

package lab_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"interleave/runtime/lab"
)

// A process that needs more memory than it may have fails its own task, and is replaced.
func TestProcMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		_, err := lab.NewProcPool(t.Context(), 1, lab.ProcMemory(2<<30))
		if err == nil || !strings.Contains(err.Error(), "not on "+runtime.GOOS) {
			t.Errorf("%v", err)
		}
		return
	}
	if raceDetector {
		t.Skip("the race detector's own memory counts, and it ends the process with a status of its own")
	}
	t.Parallel()
	ctx := t.Context()
	pool, err := lab.NewProcPool(ctx, 2, lab.ProcMemory(2<<30))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 3 {
		good := lab.SubmitWith(ctx, pool, fills, 8<<20)
		bad := lab.SubmitWith(ctx, pool, fills, 8<<30)
		w := (*lab.WorkerError)(nil)
		_, err := bad.Await(ctx)
		if !errors.As(err, &w) || w.Code != 2 && w.Signal != syscall.SIGABRT || !strings.Contains(err.Error(), "lab_test.fills") ||
			!strings.HasSuffix(err.Error(), " (lab.ProcMemory allows the process 2.15 GB)") {
			t.Errorf("%v", err)
		}
		if n, err := good.Await(ctx); n != 8<<20 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if got, err := lab.Map(ctx, pool, []int{1, 2, 3}, squareOf); len(got) != 3 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	wantMisuse(t, func() { lab.ProcMemory(1 << 20) }, "lab.ProcMemory: 1.05 MB: need at least 134 MB")
	wantMisuse(t, func() { lab.NewPool(1, lab.ProcMemory(1<<30)) }, "lab.NewPool: ProcMemory is for processes: use lab.NewProcPool")
}

// withLimit runs a test of this program again with a limit of the system, in a process of its own.
func withLimit(t *testing.T, resource int, limit func() uint64, test func()) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processes need Linux")
	}
	const inside = "INTERLEAVE_TEST_LIMITED"
	if os.Getenv(inside) == t.Name() {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(resource, &l); err != nil {
			t.Fatal(err)
		}
		l.Cur = limit()
		if err := syscall.Setrlimit(resource, &l); err != nil {
			t.Fatal(err)
		}
		test()
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Pools write nothing to the disk: that no file may have more than a page does not stop them.
func TestProcPoolWithoutDisk(t *testing.T) {
	withLimit(t, syscall.RLIMIT_FSIZE, func() uint64 { return uint64(os.Getpagesize()) }, func() { // the page that a process shares is a file in memory
		signal.Ignore(syscall.SIGXFSZ)
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(make([]byte, 2*os.Getpagesize())); !errors.Is(err, syscall.EFBIG) {
			t.Fatalf("the limit has no effect: %v", err)
		}
		f.Close()
		pool, err := lab.NewProcPool(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if got, err := lab.Map(t.Context(), pool, make([]int, 1000), squareOf); len(got) != 1000 || err != nil {
			t.Errorf("%d, %v", len(got), err)
		}
		if n, err := lab.SubmitWith(t.Context(), pool, sizeOf, make([]byte, 16<<20)).Await(t.Context()); n != 16<<20 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func sizeOf(_ context.Context, b []byte) (int, error) { return len(b), nil }

// A pool for which there are too few descriptors is refused, and leaves none, nor a process.
func TestProcPoolWithoutDescriptors(t *testing.T) {
	withLimit(t, syscall.RLIMIT_NOFILE, func() uint64 {
		// the first process opens what is opened once
		p, err := lab.Spawn(t.Context(), nothing)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		return 64
	}, func() {
		before := descriptors(t)
		for _, size := range []int{64, 20, 13} {
			pool, err := lab.NewProcPool(t.Context(), size)
			if err == nil {
				t.Errorf("%d processes with 64 descriptors", size)
				pool.Close()
				continue
			}
			if !errors.Is(err, syscall.EMFILE) || !strings.HasPrefix(err.Error(), "lab.NewProcPool: ") {
				t.Errorf("%v", err)
			}
			t.Log(err)
		}
		var pool *lab.ProcPool
		for i := 0; ; i++ { // those of pools that were refused end soon, on other goroutines
			var err error
			if pool, err = lab.NewProcPool(t.Context(), 2); err == nil {
				break
			}
			if i == 1000 {
				t.Fatal(err)
			}
			lab.Sleep(t.Context(), 5e6)
		}
		if got, err := lab.Map(t.Context(), pool, []int{1, 2, 3}, squareOf); len(got) != 3 || err != nil {
			t.Errorf("%v, %v", got, err)
		}
		pool.Close()
		for i := 0; children(t) > 0 || descriptors(t) > before; i++ {
			if i == 1000 {
				t.Fatalf("%d processes are left, and %d descriptors where %d were", children(t), descriptors(t), before)
			}
			lab.Sleep(t.Context(), 5e6)
		}
	})
}

// children counts the processes that this one has started and that have not ended.
func children(t *testing.T) (n int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		b, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children") // the thread may have ended
		n += len(strings.Fields(string(b)))
	}
	return n
}

// Processes that end before they begin a call are not started for ever.
func TestProcPoolWhoseProcessesEndAtOnce(t *testing.T) {
	t.Setenv(endsAtOnce, "yes")
	pool, err := lab.NewProcPool(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	w := (*lab.WorkerError)(nil)
	if _, err := lab.SubmitWith(t.Context(), pool, squareOf, 1).Await(t.Context()); !errors.As(err, &w) || w.Code != 7 {
		t.Errorf("%v", err)
	}
}
