package remote_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"go.uber.org/goleak"

	"interleave/runtime/host"
	"interleave/runtime/remote"
)

// code is that of this test's program: functions have names, and there are no types or variables to find.
type code struct{ funcs map[string]any }

var tests = code{map[string]any{
	"add": add, "echo": echo, "end": end, "quit": quit, "say": say, "sleep": sleep, "crash": crash, "where": where, "fail": fail,
}}

func add(a, b int) int { return a + b }

func echo(text string) string { return text }

func end() { runtime.Goexit() }

func quit(code int) { os.Exit(code) }

func say(text string) { fmt.Print(text) }

func sleep(ctx context.Context) error {
	fmt.Println("ready")
	<-ctx.Done()
	return context.Cause(ctx)
}

func crash() {
	go func() { panic("in a goroutine") }()
	select {}
}

func where() (string, string) { dir, _ := os.Getwd(); return dir, os.Getenv("REMOTE_TEST") }

func fail(text string) (int, error) { return 0, errors.New(text) }

func (c code) Command() (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Args = []string{"worker"}
	return cmd, nil
}

func (c code) Function(fn reflect.Value) (host.Function, error) {
	for name, f := range c.funcs {
		if reflect.ValueOf(f).Pointer() == fn.Pointer() {
			return host.Function{Name: name, Label: name}, nil
		}
	}
	return host.Function{}, errors.New("an unknown function")
}

func (c code) Call(name string, t reflect.Type) (reflect.Value, error) {
	f := reflect.ValueOf(c.funcs[name])
	if !f.IsValid() || f.Type() != t {
		return reflect.Value{}, errors.New("an unknown function")
	}
	return f, nil
}

func (code) TypeName(t reflect.Type) string {
	if t == reflect.TypeFor[context.Context]() || t == reflect.TypeOf(errors.New("")).Elem() {
		return t.String()
	}
	return ""
}

func (code) Type(name string) reflect.Type {
	for _, t := range []reflect.Type{reflect.TypeFor[context.Context](), reflect.TypeOf(errors.New("")).Elem()} {
		if t.String() == name {
			return t
		}
	}
	return nil
}

func (code) Reads(string, []string) []host.Variable                { return nil }
func (code) Needs(string, []string, map[string]bool) []byte        { return nil }
func (code) Load([]byte) error                                     { return nil }
func (code) Variable(string) any                                   { return nil }
func (code) Fixed(unsafe.Pointer) (name, variable string, ok bool) { return "", "", false }
func (code) At(string) (p unsafe.Pointer, elem reflect.Type)       { return nil, nil }

func TestMain(m *testing.M) {
	if os.Args[0] == "worker" {
		fmt.Fprintln(os.Stderr, remote.Serve(tests, os.Exit))
		os.Exit(2)
	}
	goleak.VerifyTestMain(m)
}

// start starts a worker whose lines are collected.
func start(t testing.TB) (w *remote.Worker, lines func() string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	w, err := remote.Start(tests, "worker", func(_ bool, line []byte) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, string(line))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(all, "|")
	}
}

func call(t testing.TB, w *remote.Worker, ctx context.Context, fn any, args []any, results ...any) error {
	t.Helper()
	f, err := remote.New(tests, fn)
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.Pack(false, args...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Call(ctx, a, results...)
	return err
}

func TestCall(t *testing.T) {
	w, _ := start(t)
	for i := range 100 {
		a, b, sum := i, 2, 0
		if err := call(t, w, t.Context(), add, []any{&a, &b}, &sum); err != nil || sum != i+2 {
			t.Fatalf("%d: %d, %v", i, sum, err)
		}
	}
	text, n := "it failed", 0
	if err := call(t, w, t.Context(), fail, []any{&text}, &n); err == nil || err.Error() != text {
		t.Errorf("%v", err)
	}
	if u, err := w.Usage(); err != nil || u.Memory < 1<<20 {
		t.Errorf("%v, %v", u, err)
	}
}

// What a function writes is there when it has returned, by lines.
func TestOutput(t *testing.T) {
	w, lines := start(t)
	for _, text := range []string{"one\ntwo\nthr", "ee\n", strings.Repeat("long ", 50_000) + "\n", "rest"} {
		if err := call(t, w, t.Context(), say, []any{&text}); err != nil {
			t.Fatal(err)
		}
	}
	got := lines()
	if !strings.HasPrefix(got, "one|two|three|long ") || strings.HasSuffix(got, "rest") || strings.Count(strings.ReplaceAll(got, "|", ""), "long ") != 50_000 {
		t.Errorf("%.100q … %d", got, len(got))
	}
	w.Flush()
	if got := lines(); !strings.HasSuffix(got, "|rest") {
		t.Errorf("%.100q", got)
	}
}

func TestCrash(t *testing.T) {
	w, lines := start(t)
	var e *remote.Error
	err := call(t, w, t.Context(), crash, nil)
	if !errors.As(err, &e) || e.Code != 2 || e.Reason() != "panic: in a goroutine" || e.Func != "crash" {
		t.Errorf("%v", err)
	}
	if lines() != "" {
		t.Errorf("the report of the crash is output: %q", lines())
	}
	if err := call(t, w, t.Context(), crash, nil); !errors.Is(err, remote.ErrNotBegun) {
		t.Errorf("a call of a worker that has ended: %v", err)
	}
}

// Text that looks like a crash is only text when the process continues.
func TestNoCrash(t *testing.T) {
	w, lines := start(t)
	text := "panic: not really\nmore\n"
	if err := call(t, w, t.Context(), say, []any{&text}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	if lines() != "panic: not really|more" {
		t.Errorf("%q", lines())
	}
}

func TestCancel(t *testing.T) {
	w, _ := start(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	time.AfterFunc(50*time.Millisecond, func() { cancel(why) })
	if err := call(t, w, ctx, sleep, nil); err == nil {
		t.Error("no error")
	}
	w.Settle()
	a, b, sum := 1, 2, 0
	if err := call(t, w, t.Context(), add, []any{&a, &b}, &sum); err != nil || sum != 3 {
		t.Errorf("after a call that was cancelled: %d, %v", sum, err)
	}
	if err := call(t, w, ctx, add, []any{&a, &b}, &sum); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}

// Short calls come one after the other, so that both ends look for them in memory, among all that can come between.
func TestShortCalls(t *testing.T) {
	w, lines := start(t)
	adds := func(n int) {
		t.Helper()
		for i := range n {
			a, b, sum := i, 2, 0
			if err := call(t, w, t.Context(), add, []any{&a, &b}, &sum); err != nil || sum != i+2 {
				t.Fatalf("%d + 2 = %d, %v", i, sum, err)
			}
		}
	}
	for i := range 60 {
		adds(i % 7)
		switch i % 6 {
		case 0: // longer than what fits into a page
			text, got := strings.Repeat("x", 40*i*i), ""
			if err := call(t, w, t.Context(), echo, []any{&text}, &got); err != nil || got != text {
				t.Fatalf("%d bytes came back as %d, %v", len(text), len(got), err)
			}
		case 1:
			if err := call(t, w, t.Context(), end, nil); !errors.Is(err, remote.ErrGoexit) {
				t.Fatal(err)
			}
		case 2:
			text := fmt.Sprintln("line", i)
			if err := call(t, w, t.Context(), say, []any{&text}); err != nil || !strings.HasSuffix(lines(), strings.TrimSpace(text)) {
				t.Fatalf("%q, %v", lines(), err)
			}
		case 3:
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					for k := range 20 {
						a, b, sum := i, k, 0
						if err := call(t, w, t.Context(), add, []any{&a, &b}, &sum); err != nil || sum != i+k {
							t.Errorf("%d + %d = %d, %v", i, k, sum, err)
						}
					}
				})
			}
			all.Wait()
		case 4:
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Duration(i)*time.Millisecond/20, cancel)
			if err := call(t, w, ctx, sleep, nil); err == nil {
				t.Fatal("a call that was cancelled has no error")
			}
			w.Settle()
		case 5:
			t.Setenv("REMOTE_TEST", fmt.Sprint(i))
			var dir, env string
			if err := call(t, w, t.Context(), where, nil, &dir, &env); err != nil || env != fmt.Sprint(i) {
				t.Fatalf("%q, %v", env, err)
			}
		}
	}
	adds(5)
	status := 7
	var e *remote.Error
	if err := call(t, w, t.Context(), quit, []any{&status}); !errors.As(err, &e) || e.Code != 7 || errors.Is(err, remote.ErrNotBegun) {
		t.Errorf("%v", err)
	}
	if err := call(t, w, t.Context(), end, nil); !errors.Is(err, remote.ErrNotBegun) {
		t.Errorf("a call of a worker that has ended: %v", err)
	}
}

// A worker that is killed between and during short calls loses no call: each has its result or an error.
func TestShortCallsKilled(t *testing.T) {
	for i := range 30 {
		w, _ := start(t)
		time.AfterFunc(20*time.Millisecond+time.Duration(i*37)*time.Microsecond, func() { kill(w.Pid()) })
		var e *remote.Error
		for n := 0; ; n++ {
			a, b, sum := n, 1, 0
			err := call(t, w, t.Context(), add, []any{&a, &b}, &sum)
			if err == nil && sum == n+1 {
				continue
			}
			if !errors.As(err, &e) || e.Signal != syscall.SIGKILL {
				t.Fatalf("call %d: %d, %v", n, sum, err)
			}
			break
		}
		w.Close()
	}
}

func TestPlace(t *testing.T) {
	w, _ := start(t)
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("REMOTE_TEST", "x=y")
	var gotDir, gotEnv string
	if err := call(t, w, t.Context(), where, nil, &gotDir, &gotEnv); err != nil || gotEnv != "x=y" {
		t.Errorf("%q %q, %v", gotDir, gotEnv, err)
	}
	if here, _ := os.Getwd(); here != gotDir {
		t.Errorf("%q is not %q", gotDir, here)
	}
}

func TestDeath(t *testing.T) {
	ready := make(chan bool, 1)
	w, err := remote.Start(tests, "worker", func(bool, []byte) { ready <- true })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	go func() {
		<-ready
		kill(w.Pid())
	}()
	var e *remote.Error
	if err := call(t, w, t.Context(), sleep, nil); !errors.As(err, &e) || e.Signal != syscall.SIGKILL || e.Func != "sleep" {
		t.Errorf("%v", err)
	}
	if w.State() == nil || w.Err() == nil {
		t.Error("it has not ended")
	}
}

func TestNew(t *testing.T) {
	for _, c := range []struct {
		fn   any
		want string
	}{
		{7, "need a function, got a value of type int"},
		{(func())(nil), "nil function"},
		{strings.ToUpper, "an unknown function"},
	} {
		if _, err := remote.New(tests, c.fn); err == nil || err.Error() != c.want {
			t.Errorf("%v", err)
		}
	}
}

func ExampleStart() {
	w, err := remote.Start(tests, "worker", func(stderr bool, line []byte) { fmt.Printf("line %q\n", line) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.Close()
	f, err := remote.New(tests, add)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, b, sum := 20, 22, 0
	args, err := f.Pack(false, &a, &b)
	if err == nil {
		_, err = w.Call(context.Background(), args, &sum)
	}
	fmt.Println(sum, err)
	// Output: 42 <nil>
}

func BenchmarkCall(b *testing.B) {
	w, _ := start(b)
	f, err := remote.New(tests, add)
	if err != nil {
		b.Fatal(err)
	}
	x, y, sum := 1, 2, 0
	args, err := f.Pack(false, &x, &y)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := w.Call(context.Background(), args, &sum); err != nil {
			b.Fatal(err)
		}
	}
}
