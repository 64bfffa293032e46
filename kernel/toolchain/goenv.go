package toolchain

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// minGo is the oldest toolchain whose standard library the patches know.
const minGo = "go1.26"

// goenv is the Go toolchain as the module's directory sees it, with every setting that could differ from one
// call to the next pinned. Cells are compiled long after the host, from a process with another environment;
// they must agree.
type goenv struct {
	cmd    string // GOROOT/bin/go: no toolchain switching from here on
	goroot string
	vers   string // go1.26.8
	cache  string // GOMODCACHE
	tools  string // GOROOT/pkg/tool/linux_amd64
	cc     []string
	pinned []string // KEY=value, for all programs that are run
}

// kept are the user's settings that are kept: the sources and folders of modules, and how C and code for this
// processor is compiled. All others (GOFLAGS above all) change what is compiled, and must not come from the
// current environment. go env -changed would be a shorter way, but it does not count a GOPATH that is in the
// environment.
var kept = []string{
	"GOPATH", "GOMODCACHE", "GOCACHE", "GOCACHEPROG", "GOTMPDIR", "GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOVCS", "GOAUTH",
	"CC", "CXX", "AR", "PKG_CONFIG", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_LDFLAGS",
	"GO386", "GOAMD64", "GOARM", "GOARM64", "GOPPC64", "GORISCV64", "GOLOONG64", "GOMIPS64",
}

// findGo asks the go command on PATH, in the module's directory, so that a toolchain chosen by go.mod is the
// one found.
func findGo(ctx context.Context, source string) (*goenv, error) {
	out, err := output(ctx, source, os.Environ(), "go", append([]string{"env", "-json", "GOROOT", "GOVERSION", "GOTOOLDIR"}, kept...)...)
	if err != nil {
		if _, lookErr := exec.LookPath("go"); lookErr != nil {
			return nil, fmt.Errorf("no go command on PATH: install Go 1.26 or later from https://go.dev/dl")
		}
		return nil, fmt.Errorf("go env: %w", err)
	}
	env := map[string]string{}
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	vers, _, _ := strings.Cut(env["GOVERSION"], " ")
	if version.IsValid(vers) && version.Compare(vers, minGo) < 0 {
		return nil, fmt.Errorf("%s is too old: Interleave needs Go 1.26 or later, from https://go.dev/dl", vers)
	}
	goroot := env["GOROOT"]
	g := &goenv{
		cmd:    filepath.Join(goroot, "bin", exe("go")),
		goroot: goroot, vers: vers, cache: env["GOMODCACHE"], tools: env["GOTOOLDIR"], cc: strings.Fields(cmp.Or(env["CC"], "gcc")),
		pinned: pin(goroot),
	}
	if _, err := os.Stat(g.cmd); err != nil { // a distribution's split GOROOT
		if g.cmd, err = exec.LookPath("go"); err != nil {
			return nil, err
		}
	}
	for _, k := range kept {
		if env[k] != "" {
			g.pinned = append(g.pinned, k+"="+env[k])
		}
	}
	slices.Sort(g.pinned)
	return g, nil
}

// pin returns the settings that are the same for all programs that are run.
func pin(goroot string) []string {
	// GOGC is for the compiler: a sixth less work, for 40 MB more.
	return []string{"GOENV=off", "GOGC=400", "GOFLAGS=-buildvcs=false", "GOTOOLCHAIN=local", "GOWORK=off", "GO111MODULE=on", "GOEXPERIMENT=", "GOROOT=" + goroot}
}

// forCells returns the settings that the compiler and linker look at. Those about modules, which may hold
// secrets, stay out of toolchain.json.
func (g *goenv) forCells() (env []string) {
	for _, kv := range g.pinned {
		switch k, _, _ := strings.Cut(kv, "="); k {
		case "GOROOT", "GOARCH", "GOEXPERIMENT", "GOTMPDIR", "GO386", "GOAMD64", "GOARM", "GOARM64", "GOPPC64", "GORISCV64", "GOLOONG64", "GOMIPS64":
			env = append(env, kv)
		}
	}
	return env
}

// inherited is the environment with which the process began. What cells set later is for them, not for the
// compiler.
var inherited = os.Environ()

// environ is the environment for the tools: the process's own without Go's settings, then the pinned ones,
// then extra.
func environ(pinned []string, extra ...string) []string {
	var env []string
	for _, kv := range inherited {
		k, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(k, "GO") || strings.HasPrefix(k, "CGO_") {
			continue
		}
		env = append(env, kv)
	}
	return append(append(env, pinned...), extra...)
}

// output runs a program and returns its output; on failure the error contains what it printed.
func output(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	// The go command has processes and a folder of its own to clean up.
	cmd.Cancel = func() error {
		if cmd.Process.Signal(os.Interrupt) != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		text := errs.String()
		if text == "" {
			text = out.String() // where the compiler complains
		}
		return nil, &toolError{Tool: filepath.Base(name), Err: err, Output: strings.TrimSpace(text)}
	}
	return out.Bytes(), nil
}

// A toolError is a program that ran and failed, or could not be run.
type toolError struct {
	Tool   string
	Err    error
	Output string
}

func (e *toolError) Error() string {
	if e.Output == "" {
		return e.Tool + ": " + e.Err.Error()
	}
	return e.Tool + ": " + e.Err.Error() + "\n" + e.Output
}

func (e *toolError) Unwrap() error { return e.Err }

// complains reports whether the program ended by itself and not for lack of disk space, memory or the like.
func (e *toolError) complains() bool {
	exit, ok := errors.AsType[*exec.ExitError](e.Err)
	if !ok || !exit.Exited() {
		return false
	}
	said := strings.ToLower(e.Output) // C's spelling of these begins with a capital
	for _, want := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE,
		syscall.EFBIG, syscall.EACCES, syscall.EPERM, syscall.EAGAIN} {
		if strings.Contains(said, want.Error()) {
			return false
		}
	}
	return !strings.Contains(said, "signal: killed") // a program that it ran
}

func readVersion(goroot string) string {
	b, _ := os.ReadFile(filepath.Join(goroot, "VERSION"))
	return string(b)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
