// Deferred calls panic, recover and panic again, in two thousand goroutines at once.
package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

var errInner = errors.New("inner")

func trace(log *strings.Builder, s string) { fmt.Fprint(log, s, " ") }

// layers panics at the deepest layer. Each layer but the outermost panics once more.
func layers(log *strings.Builder, depth int) {
	defer trace(log, fmt.Sprint("end", depth))
	defer func() {
		r := recover()
		trace(log, fmt.Sprint("caught ", r))
		if depth > 0 {
			panic(fmt.Errorf("layer %d: %w", depth, r.(error)))
		}
	}()
	if depth == 3 {
		panic(errInner)
	}
	layers(log, depth+1)
}

// replaced panics in a deferred call while it is panicking: the later panic is the one that is recovered.
func replaced(log *strings.Builder) (result string) {
	defer func() { result = fmt.Sprint("result ", recover(), " then ", recover()) }()
	defer trace(log, "still runs")
	defer func() {
		defer func() { trace(log, fmt.Sprint("inside ", recover())) }()
		panic("third")
	}()
	defer func() { panic("second") }()
	panic("first")
}

// helper recovers nothing, since no deferred call calls recover directly.
func helper() any { return recover() }

func notDirect() (result string) {
	defer func() { result += fmt.Sprint(" outer ", recover()) }()
	defer func() { result = fmt.Sprint("helper ", helper()) }()
	panic("kept")
}

// inLoop defers in a loop, and recovers in the middle of the list.
func inLoop(log *strings.Builder) {
	for i := range 6 {
		defer func() {
			trace(log, fmt.Sprint(i))
			if i == 4 {
				panic(i)
			}
			if i == 2 {
				trace(log, fmt.Sprint("recovered ", recover()))
			}
		}()
	}
}

func once() string {
	var log strings.Builder
	layers(&log, 1)
	return log.String()
}

func guarded() (s string) {
	defer func() {
		if err, ok := recover().(error); ok {
			s = fmt.Sprint(err, " ", errors.Is(err, errInner))
		}
	}()
	return once()
}

func all() string {
	var log strings.Builder
	layers(&log, 0)
	s := replaced(&log)
	inLoop(&log)
	return strings.Join([]string{log.String(), s, notDirect(), guarded()}, "\n")
}

func main() {
	want := all()
	fmt.Println(want)
	var wg sync.WaitGroup
	results := make([]string, 2000)
	for i := range results {
		wg.Go(func() { results[i] = all() })
	}
	wg.Wait()
	other := 0
	for _, r := range results {
		if r != want {
			other++
		}
	}
	fmt.Println(other, "differ")
}
