#!/usr/bin/env bash
# Go 1.26.8, cmd/compile and package runtime: a goroutine stands in a line with a negative number.
#
# Guess:      the line of a frame is one of its function's, also behind a //line directive, as generators of code (goyacc, cgo, templates) write them.
# Behaviour:  when the compiler finds that the condition of a loop is always true and that its body does nothing, the jump that is left has no
#             position. Without a directive runtime.Stack shows line 1 of the file; behind //line template.y:1 that line is counted from the directive as well,
#             though it stands above it: template.y:-19.
# Why it shows: the goroutine spends all its time in that jump, so every sample of a profiler and every dump of stacks is of it. Tools that parse
#             "file:line" with an unsigned number drop the place or take it for 0.
# So:         parse lines as signed; below 1, take the line of the instruction before, or the function's own first line.
#
# Needs: go (it fetches the toolchain named below).
set -euo pipefail
export GOTOOLCHAIN=go1.26.8 GOWORK=off

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'module finding\n\ngo 1.26\n' >go.mod
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"time"
)

func main() {
	runtime.GOMAXPROCS(2)
	go spin()
	time.Sleep(100 * time.Millisecond)
	buf := make([]byte, 1<<16)
	text := string(buf[:runtime.Stack(buf, true)])
	fmt.Println(regexp.MustCompile(`template\.y:\S+`).FindString(text))
}

//line template.y:1
func spin() {
	for ctx := context.Background(); ctx.Err() == nil; { // Background never ends, and the compiler knows
	}
}
GO
got=$(go run -trimpath .)
echo "spin, whose lines are 1 to 4 of template.y, is seen at $got"
[[ $got =~ ^template\.y:-[0-9]+$ ]] || { echo 'changed: the line is not negative'; exit 1; }
