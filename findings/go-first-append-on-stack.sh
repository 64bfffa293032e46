#!/usr/bin/env bash
# Go 1.26.8, cmd/compile and package testing: the same function allocates five times in a test and eight times in a benchmark, which reports seven.
#
# Guess:      a function that appends 100 numbers to a nil slice allocates equally often wherever it is called, and testing's numbers agree.
# Behaviour:  the compiler gives a slice that does not escape a first backing array of 32 bytes on the stack, which saves the growths to 1, 2 and
#             4 elements. When the function is inlined into a loop, that array is there once for all rounds: the first round takes it, and every
#             other round allocates 8 times. b.N rounds make 8·b.N-3 allocations, and AllocsPerOp divides integers: 7. AllocsPerRun calls its
#             function anew each time, so that every call has the array: 5. A call that is not inlined allocates 5 times in a loop, too.
# Why it shows: benchmarks of append in a loop look worse than the program they stand for, and their allocs/op changes between 7 and 8 with whatever
#             else the process happens to allocate meanwhile.
# So:         keep what is measured from being inlined into the loop (//go:noinline; b.Loop does not keep it from that in this version), and compare
#             MemAllocs/N, not AllocsPerOp.
#
# Needs: go (it fetches the toolchain named below).
set -euo pipefail
export GOTOOLCHAIN=go1.26.8 GOWORK=off GOGC=off

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'module finding\n\ngo 1.26\n' >go.mod
cat >main.go <<'GO'
package main

import (
	"fmt"
	"runtime"
	"testing"
)

func grow(n int) int {
	var s []int
	for i := range n {
		s = append(s, i)
	}
	return len(s)
}

//go:noinline
func called(n int) int { return grow(n) }

var keep int

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func main() {
	const rounds = 1000
	before := mallocs()
	for range rounds {
		keep += grow(100)
	}
	inlined := mallocs() - before
	before = mallocs()
	for range rounds {
		keep += called(100)
	}
	fmt.Println(inlined, mallocs()-before, testing.AllocsPerRun(rounds, func() { keep += grow(100) }), int64(inlined)/rounds)
}
GO
got=$(go run .)
echo "1000 rounds inlined, 1000 calls, AllocsPerRun, and what AllocsPerOp makes of the first: $got"
[ "$got" = '7997 5000 5 7' ] || { echo 'changed: not 7997 5000 5 7'; exit 1; }
