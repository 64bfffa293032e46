#!/usr/bin/env bash
# github.com/traefik/yaegi v0.16.1 with Go 1.26.8: arguments of interpreted functions that are negative zero.
#
# Guess:      an interpreted function gets the value that its caller passes.
# Behaviour:  it gets positive zero for negative zero, as a float, and in a struct or array whose other parts are zero. No error is reported.
#             A value that is assigned, returned, or passed to a compiled function keeps its sign.
# Why:        yaegi leaves out the copy of an argument for which reflect.Value.IsZero is true (run.go, func call), since a new frame is zero. Go 1.22
#             made IsZero true for negative zero; yaegi is older than that.
# So:         who interprets numerical code with yaegi should pass floats by pointer, or test functions like math.Copysign and 1/x through a call.
#
# Needs: go (it fetches the toolchain and the module named here).
set -euo pipefail
export GOTOOLCHAIN=go1.26.8 GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'module finding\n\ngo 1.26.0\n\nrequire github.com/traefik/yaegi v0.16.1\n' >go.mod
cat >program.txt <<'GO'
package main

import (
	"fmt"
	"math"
)

type point struct{ x, y float64 }

func negative(x float64) bool { return math.Signbit(x) }

func inStruct(p point) bool { return math.Signbit(p.x) }

func result() float64 { return math.Copysign(0, -1) }

func main() {
	zero := math.Copysign(0, -1)
	fmt.Println("assigned:", math.Signbit(zero))
	fmt.Println("returned:", math.Signbit(result()))
	fmt.Println("passed:", negative(zero))
	fmt.Println("passed in a struct:", inStruct(point{x: zero}))
	fmt.Println("passed in a struct with another part:", inStruct(point{zero, 1}))
}
GO
cat >main.go <<'GO'
package main

import (
	"os"

	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
)

func main() {
	text, err := os.ReadFile("program.txt")
	if err != nil {
		panic(err)
	}
	i := interp.New(interp.Options{})
	if err := i.Use(stdlib.Symbols); err != nil {
		panic(err)
	}
	if _, err := i.Eval(string(text)); err != nil {
		panic(err)
	}
}
GO
mkdir compiled && cp program.txt compiled/main.go
compiled=$(go run compiled/main.go)
interpreted=$(go run .)
printf 'compiled:\n%s\ninterpreted:\n%s\n' "$compiled" "$interpreted"

[ "$compiled" = 'assigned: true
returned: true
passed: true
passed in a struct: true
passed in a struct with another part: true' ]
[ "$interpreted" = 'assigned: true
returned: true
passed: false
passed in a struct: false
passed in a struct with another part: true' ]
