package lab_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A behaviour is one that a test of CPython's own test-suite checks, stated and tried in our words. The tables are in the files
// cpython_*_test.go, one for each area.
type behaviour struct {
	of    string // the test in CPython 3.13: module.Class.test, as far as needed to find it
	does  string // what CPython does
	lab   string // what lab does instead, on purpose; empty when it does the same
	check func(t *testing.T)
}

var cpython = map[string][]behaviour{
	"barrier":   cpythonBarrier,
	"condition": cpythonCondition,
	"event":     cpythonEvent,
	"executor":  cpythonExecutor,
	"gather":    cpythonGather,
	"group":     cpythonGroup,
	"lock":      cpythonLock,
	"loop":      cpythonLoop,
	"pool":      cpythonPool,
	"queue":     cpythonQueue,
	"run":       cpythonRun,
	"semaphore": cpythonSemaphore,
	"task":      cpythonTask,
	"thread":    cpythonThread,
	"timeout":   cpythonTimeout,
	"wait":      cpythonWait,
}

// Each behaviour is tried in a bubble of its own: its times are exact, and a call that would wait for ever is an error at once.
func TestCPython(t *testing.T) {
	t.Parallel()
	const least = 350 // so that the number is not reduced unnoticed
	n, seen := 0, map[string]bool{}
	for area, all := range cpython {
		for _, b := range all {
			n++
			if b.of == "" || b.does == "" || b.check == nil || seen[area+b.does] {
				t.Errorf("%s: a behaviour without its parts, or twice: %+q", area, b.does)
			}
			seen[area+b.does] = true
			name := strings.ReplaceAll(b.does, "/", " or ")
			t.Run(area+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b.check(t)
					if t.Failed() {
						t.Logf("CPython (%s): %s", b.of, b.does)
						if b.lab != "" {
							t.Logf("lab: %s", b.lab)
						}
					}
				})
			})
		}
	}
	if n < least {
		t.Errorf("%d behaviours, want at least %d", n, least)
	}
}

// gives checks values by their text, separated by spaces.
func gives(t *testing.T, want string, got ...any) {
	t.Helper()
	if text := strings.TrimSuffix(fmt.Sprintln(got...), "\n"); text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}

// within is the test's context for the given time.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// start runs f in a goroutine and waits until that can do no more for now.
func start(f func()) {
	go f()
	synctest.Wait()
}

// cancelable is a context that its owner ends.
func cancelable(t *testing.T) (context.Context, func()) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// A journal notes what happens, in order.
type journal struct {
	mu  sync.Mutex
	all []any
}

func (j *journal) add(x any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, x)
}

// words are the entries, separated by spaces.
func (j *journal) words() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.TrimSuffix(fmt.Sprintln(j.all...), "\n")
}

const sec = time.Second

func now() time.Time { return time.Now() }

func since(begin time.Time) time.Duration { return time.Since(begin) }

func after(d time.Duration, f func()) { time.AfterFunc(d, f) }
