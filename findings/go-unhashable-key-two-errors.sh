#!/usr/bin/env bash
# Go 1.26.8: the panic for a map key that has no hash.
#
# Guess:      looking up, deleting or assigning a key without a hash, such as a slice in a map[any]int, panics with one run-time error.
# Behaviour:  there are two errors, and how many keys the map has decides. A lookup or delete in a map that is empty or nil panics with a
#             maps.unhashableTypeError, "hash of unhashable type: []int"; in a map with a key, and in any assignment, with a runtime.errorString,
#             "runtime error: hash of unhashable type []int". Both are runtime.Error.
# Why:        without keys nothing is hashed: package internal/runtime/maps looks at the key's type itself, and has an error type of its own.
# So:         who tests the text of the panic, or recognises run-time errors by "runtime error: ", should look for runtime.Error instead.
#
# Needs: go (it fetches the toolchain named here).
set -euo pipefail
export GOTOOLCHAIN=go1.26.8 GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'module finding\n\ngo 1.26.0\n' >go.mod
cat >main.go <<'GO'
package main

import (
	"fmt"
	"runtime"
)

func try(name string, f func()) {
	defer func() {
		v := recover()
		_, is := v.(runtime.Error)
		fmt.Printf("%s: %v (%T, %t)\n", name, v, v, is)
	}()
	f()
}

func main() {
	key := any([]int{1})
	var none map[any]int
	empty, one := map[any]int{}, map[any]int{0: 0}
	try("lookup, nil", func() { _ = none[key] })
	try("lookup, empty", func() { _ = empty[key] })
	try("lookup, one key", func() { _ = one[key] })
	try("delete, empty", func() { delete(empty, key) })
	try("delete, one key", func() { delete(one, key) })
	try("assignment, empty", func() { empty[key] = 1 })
}
GO
got=$(go run .)
printf '%s\n' "$got"

own='hash of unhashable type: []int (maps.unhashableTypeError, true)'
usual='runtime error: hash of unhashable type []int (runtime.errorString, true)'
[ "$got" = "lookup, nil: $own
lookup, empty: $own
lookup, one key: $usual
delete, empty: $own
delete, one key: $usual
assignment, empty: $usual" ]
