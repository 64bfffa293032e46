package lab_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"interleave/runtime/lab"
)

// endsAtOnce is the variable with which a worker of the tests ends before it calls anything.
const endsAtOnce = "INTERLEAVE_TEST_ENDS_AT_ONCE"

func TestMain(m *testing.M) {
	if os.Getenv(endsAtOnce) != "" && os.Args[0] == "interleave-worker" {
		os.Exit(7)
	}
	lab.WorkerMain()
	goleak.VerifyTestMain(m)
}

// wantUsage checks that err is a mistake of the given call, in words that name it.
func wantUsage(t testing.TB, err error, text string) {
	t.Helper()
	if u := (*lab.UsageError)(nil); !errors.As(err, &u) {
		t.Errorf("got %v, want a usage error %q", err, text)
	} else if err.Error() != text {
		t.Errorf("got %q, want %q", err, text)
	}
}

// wantMisuse checks that f panics with such a mistake.
func wantMisuse(t testing.TB, f func(), text string) {
	t.Helper()
	defer func() {
		t.Helper()
		if err, ok := recover().(error); ok {
			wantUsage(t, err, text)
		} else {
			t.Errorf("no usage panic, want %q", text)
		}
	}()
	f()
}

// wantPanic checks that err is a panic with this value, whose stack and spawn line speak of the test's own code.
func wantPanic(t testing.TB, err error, value any, frame string) *lab.PanicError {
	t.Helper()
	var p *lab.PanicError
	switch {
	case !errors.As(err, &p):
		t.Fatalf("got %v, want a panic", err)
	case p.Value != value:
		t.Errorf("panic value %v, want %v", p.Value, value)
	case !strings.Contains(string(p.Stack), frame):
		t.Errorf("the stack does not mention %s:\n%s", frame, p.Stack)
	case strings.Contains(string(p.Stack), "debug.Stack"):
		t.Errorf("the stack begins above the panic:\n%s", p.Stack)
	case !strings.Contains(p.Spawn, "_test.go:"):
		t.Errorf("spawn line %q is not in the test", p.Spawn)
	}
	return p
}
