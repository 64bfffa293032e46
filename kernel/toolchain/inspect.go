package toolchain

import (
	"context"
	"os/exec"
	"runtime"
	"strings"
)

// A Machine is what Prepare would find here.
type Machine struct {
	Go      string // "go1.26.8", or "" with Err
	GOROOT  string
	Err     error  // why there is no usable Go
	Memory  bool   // the host links cells into itself, and needs no C compiler
	CC      string // the C compiler's first line of --version, or ""
	LD      string // the linker's, or ""
	Plugins string // why there can be no plugins, with the remedy, or ""
}

// Inspect looks at the Go toolchain that go.mod in source asks for, the C compiler and the linker. link is
// Config's. It takes some 100 ms.
func Inspect(ctx context.Context, source, link string) Machine {
	var m Machine
	p := preparer{Config: Config{Source: source}}
	if p.go_, m.Err = findGo(ctx, source); m.Err != nil {
		return m
	}
	m.Go, m.GOROOT = p.go_.vers, p.go_.goroot
	m.Memory = inMemory(link, runtime.GOOS, "")
	m.Plugins = p.whyNoPlugins(ctx)
	m.CC = versionLine(ctx, p.go_.cc[0])
	m.LD = versionLine(ctx, "ld")
	return m
}

func versionLine(ctx context.Context, program string) string {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(firstLine(string(out)))
}
