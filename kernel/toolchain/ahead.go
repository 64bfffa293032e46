package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Half of the time that the compiler takes for a small cell passes before it looks at the cell: the process
// starts, and its packages are initialised. So the compiler of the next cell is started when there is nothing
// else to do. It reads the list of imports before anything else. The list is a pipe, on which the compiler
// waits, without using a core, until the cell is known. When this process ends the pipe is closed. Then the
// compiler finds no imports, and ends, too; its output has a name of its own, which is not read.

// An ahead is a compiler that waits for its cell.
type ahead struct {
	path    string // of the package
	out     string // what it writes
	imports *os.File
	cmd     *exec.Cmd
	output  bytes.Buffer
}

// Ahead starts the compiler of the cell that will be built next, if its name and folder are these. It costs
// the start of a process. It does nothing where cells are plugins, since the linker takes most of the time
// there.
func (t *Toolchain) Ahead(name, workDir string) {
	t.aheadMu.Lock()
	defer t.aheadMu.Unlock()
	path := CellPrefix + name
	if t.plugins != nil || t.info.Strategy != linkMemory {
		return
	}
	if a := t.ahead; a != nil {
		if a.path == path {
			return
		}
		t.ahead = nil
		a.stop()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return // Build starts its own
	}
	defer r.Close()
	b := &build{Toolchain: t, Package: Package{Name: name, WorkDir: workDir}}
	a := &ahead{path: path, out: b.file(fmt.Sprintf(".%d.ahead", os.Getpid())), imports: w}
	a.cmd = exec.Command(t.info.Compile.Path, b.arguments(path, a.out, "/dev/fd/3", b.file(".go"), nil)...)
	a.cmd.Dir, a.cmd.Env = workDir, b.environ()
	a.cmd.ExtraFiles = []*os.File{r}
	a.cmd.Stdout, a.cmd.Stderr = &a.output, &a.output
	if a.cmd.Start() != nil {
		w.Close()
		return
	}
	t.ahead = a
}

// stop ends the compiler.
func (a *ahead) stop() {
	a.cmd.Process.Kill()
	a.imports.Close()
	a.cmd.Wait()
	os.Remove(a.out)
}

// takeAhead returns the compiler that waits for this package, if there is one.
func (b *build) takeAhead(path string, flags []string) *ahead {
	b.aheadMu.Lock()
	defer b.aheadMu.Unlock()
	a := b.ahead
	if a == nil || a.path != path || len(flags) > 0 || filepath.Dir(a.out) != b.WorkDir {
		return nil
	}
	b.ahead = nil
	return a
}

// begin writes the list of imports to the compiler, which then reads the cell.
func (a *ahead) begin(imports []byte) bool {
	_, err := a.imports.Write(imports)
	return errors.Join(err, a.imports.Close()) == nil
}

// finish waits for the compiler, and puts what it wrote in place. done is false if the package must be
// compiled without it: the process may have been killed meanwhile, or its folder emptied.
func (a *ahead) finish(ctx context.Context, to string) (done bool, err error) {
	defer os.Remove(a.out)
	stop := context.AfterFunc(ctx, func() { a.cmd.Process.Kill() })
	defer stop()
	wait := a.cmd.Wait()
	if ctx.Err() != nil {
		return true, context.Cause(ctx)
	}
	if wait != nil {
		te := &toolError{Tool: filepath.Base(a.cmd.Path), Err: wait, Output: string(bytes.TrimSpace(a.output.Bytes()))}
		return te.complains(), te
	}
	return os.Rename(a.out, to) == nil, nil
}
