#!/usr/bin/env bash
# golang.org/x/tools v0.52.0, go/gcexportdata, and go/importer of Go 1.26.8: positions of objects behind a //line directive.
#
# Guess:      an object that export data describe has the position that the compiler's messages and runtime.Caller give for it: file and line
#             as the //line directive has them.
# Behaviour:  the file is that of the directive, and the line is counted in the file that was compiled. With one directive line at the top all lines
#             are one too large; in generated code they name places that the original does not have.
# Why:        the reader of the compiler's unified export data (ureader.go in both) takes the name of a position base and leaves out the line at which
#             it begins.
# So:         who writes code that is compiled in place of a file, and reads positions from export data (completion, documentation), should keep the line
#             numbers: /*line file:line:column*/ within a line instead of //line on a line of its own.
#
# Needs: go (it fetches the toolchain and the module named here).
set -euo pipefail
export GOTOOLCHAIN=go1.26.8 GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'module finding\n\ngo 1.26.0\n\nrequire golang.org/x/tools v0.52.0\n' >go.mod
mkdir lib
cat >lib/copy.go <<'GO'
//line /src/original.go:1
package lib

import "runtime"

func F() (string, int) {
	_, file, line, _ := runtime.Caller(0)
	return file, line
}
GO
cat >main.go <<'GO'
package main

import (
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"

	"finding/lib"

	"golang.org/x/tools/go/gcexportdata"
)

func main() {
	file, line := lib.F()
	fmt.Printf("runtime.Caller, in the line below func F: %s:%d\n", file, line)
	out, err := exec.Command("go", "list", "-export", "-f", "{{.Export}}", "./lib").Output()
	if err != nil {
		panic(err)
	}
	open := func(string) (io.ReadCloser, error) { return os.Open(strings.TrimSpace(string(out))) }
	fset := token.NewFileSet()
	p, err := importer.ForCompiler(fset, "gc", open).Import("finding/lib")
	if err != nil {
		panic(err)
	}
	fmt.Println("go/importer, func F:", fset.Position(p.Scope().Lookup("F").Pos()))
	f, _ := open("")
	r, err := gcexportdata.NewReader(f)
	if err != nil {
		panic(err)
	}
	if p, err = gcexportdata.Read(r, fset, map[string]*types.Package{}, "finding/lib"); err != nil {
		panic(err)
	}
	fmt.Println("gcexportdata, func F:", fset.Position(p.Scope().Lookup("F").Pos()))
}
GO
go version
seen=$(go run . 2>&1 | grep -v '^go: ')
echo "$seen"
want='runtime.Caller, in the line below func F: /src/original.go:6
go/importer, func F: /src/original.go:6:1
gcexportdata, func F: /src/original.go:6:1'
if [ "$seen" != "$want" ]; then
	echo "FAIL: this is no longer so"
	exit 1
fi
echo "ok: func F is in line 5 of original.go; both say 6"
