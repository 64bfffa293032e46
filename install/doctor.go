package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"interleave/kernel/command"
	"interleave/kernel/toolchain"
	"interleave/runtime/quantity"
)

// probeTime is how long a kernel may take to start and to run one cell. It takes a tenth of a second; a
// machine that is busy building something may need more.
const probeTime = 60 * time.Second

// A doctor checks everything that the kernel needs and reports what is missing.
type doctor struct {
	w       io.Writer
	missing int
}

func (d *doctor) ok(what, format string, args ...any) {
	fmt.Fprintf(d.w, "ok       %-14s %s\n", what, fmt.Sprintf(format, args...))
}

func (d *doctor) bad(what, format string, args ...any) {
	d.missing++
	fmt.Fprintf(d.w, "missing  %-14s %s\n", what,
		strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n"+strings.Repeat(" ", 24)))
}

// skip reports a check that could not be made because of an earlier one.
func (d *doctor) skip(what, format string, args ...any) {
	fmt.Fprintf(d.w, "-        %-14s %s\n", what, fmt.Sprintf(format, args...))
}

// Doctor checks Go, where cells are plugins the C compiler and linker, the kernelspec and the host it names,
// and runs a cell in each engine of that very kernel. It writes one line for each to w. When Jupyter does not
// find the kernel, it checks the kernel in place to find out why. The error is a command.Exit when something
// is missing.
func Doctor(ctx context.Context, place Place, w io.Writer) error {
	d := &doctor{w: w}
	m := d.machine(ctx)
	if spec, ok := d.kernelspec(ctx, place); ok {
		d.host(ctx, spec, m)
	} else {
		d.skip("host", "not installed")
		d.skip("engine", "not tried")
	}
	if d.missing > 0 {
		return command.Exit(1)
	}
	return nil
}

func (d *doctor) machine(ctx context.Context) toolchain.Machine {
	wd, err := os.Getwd()
	if err != nil {
		wd = os.TempDir()
	}
	link, err := linkChoice()
	if err != nil {
		d.bad("cells", "%v", err)
	}
	m := toolchain.Inspect(ctx, wd, link)
	if m.Err != nil {
		d.bad("Go", "%v", m.Err)
		return m
	}
	d.ok("Go", "%s in %s", m.Go, m.GOROOT)
	if m.Memory {
		d.ok("cells", "the kernel links them itself: a C compiler is not needed")
		return m
	}
	switch {
	case m.CC != "":
		d.ok("C compiler", "%s", m.CC)
	case m.Plugins != "":
		d.bad("C compiler", "%s", m.Plugins)
	}
	if m.CC != "" {
		if m.Plugins != "" {
			d.bad("plugins", "%s", m.Plugins)
		} else {
			d.ok("plugins", "Go can load compiled cells here")
		}
	}
	if m.LD != "" {
		d.ok("linker", "%s", m.LD)
	} else if m.Plugins == "" {
		d.skip("linker", "no GNU ld on PATH: the C compiler links, which takes 60 ms longer a cell")
	}
	return m
}

// kernelspec finds the spec that Jupyter would use: by asking Jupyter if it is installed, or else by its
// rules.
func (d *doctor) kernelspec(ctx context.Context, place Place) (Spec, bool) {
	dir := ""
	for _, p := range jupyterPath(ctx) {
		if s := filepath.Join(p, "kernels", "interleave"); exists(filepath.Join(s, "kernel.json")) {
			dir = s
			break
		}
	}
	by := "found by Jupyter's rules; jupyter itself could not be asked"
	if out, err := exec.CommandContext(ctx, "jupyter", "kernelspec", "list", "--json").Output(); err == nil {
		var list struct {
			Kernelspecs map[string]struct {
				Dir string `json:"resource_dir"`
			}
		}
		if json.Unmarshal(out, &list) == nil {
			by = "according to jupyter kernelspec list"
			dir = list.Kernelspecs["interleave"].Dir
		}
	}
	if dir == "" {
		if exists(filepath.Join(place.Spec(), "kernel.json")) {
			d.bad("kernelspec",
				"it is in %s, where Jupyter does not look: set JUPYTER_PATH=%s, or run `interleave install` without --prefix",
				place.Spec(), place.Jupyter)
		} else {
			d.bad("kernelspec", "Jupyter does not know the kernel: run `interleave install`, "+
				"or if you did, `interleave doctor` with the same flags")
		}
		return Spec{}, false
	}
	s, err := readSpec(dir)
	if err != nil || len(s.Argv) == 0 {
		d.bad("kernelspec", "%s cannot be read (%v): run `interleave install` again", dir, err)
		return Spec{}, false
	}
	d.ok("kernelspec", "%s, %s", dir, by)
	return s, true
}

// host checks the program that the kernelspec names, and the toolchain it compiles cells with.
func (d *doctor) host(ctx context.Context, s Spec, m toolchain.Machine) {
	out, err := exec.CommandContext(ctx, s.Argv[0], "version").CombinedOutput()
	if err != nil {
		d.bad("host", "%s does not run (%v): run `interleave install` again", s.Argv[0], err)
		d.skip("engine", "not tried")
		return
	}
	d.ok("host", "%s, %s", s.Argv[0], bytes.TrimSpace(out))

	real, err := filepath.EvalSymlinks(s.Argv[0])
	if err != nil {
		real = s.Argv[0]
	}
	engines := []string{"yaegi", "compiled"}
	tc, err := toolchain.Open(toolchain.DirOf(real))
	stale, isStale := errors.AsType[*toolchain.StaleError](err)
	none, isNone := errors.AsType[*toolchain.NoPluginsError](err)
	switch {
	case isStale:
		d.bad("toolchain", "%v", stale)
		engines = engines[:1]
	case isNone && none.NoCC && m.Plugins == "" && m.Err == nil:
		d.bad("toolchain", "the kernel was installed when there was no C compiler: run `interleave install` again")
		engines = engines[:1]
	case isNone:
		d.bad("toolchain", "%s", none.Reason)
		engines = engines[:1]
	case err != nil:
		d.bad("toolchain", "%v: run `interleave install` again", err)
	case m.Go != "" && m.Go != tc.GoVersion():
		d.ok("toolchain", "%s, with which the kernel was built; the go command here is %s; %s",
			tc.GoVersion(), m.Go, tc.Linking())
	default:
		d.ok("toolchain", "%s, with which the kernel was built; %s", tc.GoVersion(), tc.Linking())
	}
	for _, engine := range engines {
		d.engine(ctx, s, engine)
	}
	if len(engines) == 1 {
		d.skip("engine", "compiled: not tried")
	}
}

// engine starts the installed kernel as Jupyter would and runs one cell. The host does that, since it
// implements the protocol.
func (d *doctor) engine(ctx context.Context, s Spec, engine string) {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTime, fmt.Errorf("no answer within %s", quantity.Duration(probeTime)))
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Argv[0], append([]string{"probe", "-engine", engine, "--"}, s.Argv...)...)
	cmd.Env = append(os.Environ(), "INTERLEAVE_HISTORY=off") // the cells of a check are not the user's
	for k, v := range s.Env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	text := string(bytes.TrimSpace(out))
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		d.bad(
			"engine",
			"%s: the kernel ran no cell (%v)\n%s\n"+
				"run `interleave install` again; if that does not help, this is a bug of Interleave",
			engine,
			err,
			text,
		)
		return
	}
	d.ok("engine", "%s: %s", engine, text)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
