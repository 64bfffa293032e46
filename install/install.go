package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"interleave/kernel/toolchain"
)

// Install builds the host in place, points its stable path at it and writes the kernelspec. It replaces an
// earlier installation; running kernels keep the host that they have. It writes what it did to w, after the
// end of bar.
func Install(ctx context.Context, fsys fs.FS, p Place, b Build, bar *Progress, w io.Writer) error {
	dir, bundled := Bundled()
	host := toolchain.HostPath(dir)
	if !bundled {
		var err error
		host, err = Host(ctx, fsys, p.Data, b)
		bar.Done(err)
		if err != nil {
			return err
		}
	}
	kernel := toolchain.KernelPath(toolchain.DirOf(host))
	if !exists(kernel) { // it is not the product's host
		kernel = host
	}
	stable := p.Host()
	if bundled || runtime.GOOS == "windows" {
		stable = kernel // no links on Windows; installing again writes a new kernelspec
	} else if err := point(stable, kernel); err != nil {
		return fmt.Errorf("install the host: %w", err)
	}
	if err := newSpec(stable).write(p.Spec()); err != nil {
		return fmt.Errorf("install the kernelspec: %w", err)
	}
	fmt.Fprintf(w, "kernelspec  %s\nhost        %s\n", p.Spec(), stable)
	_, err := toolchain.Open(toolchain.DirOf(host))
	if none, ok := errors.AsType[*toolchain.NoPluginsError](err); ok {
		fmt.Fprintf(w, "\nOnly the interpreter works (%%engine yaegi): %s.\n", none.Reason)
		return nil
	}
	return err
}

// point makes the path stable lead to host, in one step.
func point(stable, host string) error {
	if err := os.MkdirAll(filepath.Dir(stable), 0o755); err != nil {
		return err
	}
	tmp := fmt.Sprintf("%s.%d", stable, os.Getpid())
	// Relative, so that the installation may be moved or mounted elsewhere.
	target, err := filepath.Rel(filepath.Dir(stable), host)
	if err != nil {
		target = host
	}
	_ = os.Remove(tmp)
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, stable)
}

// Uninstall removes what Install put in place and nothing else, and reports whether anything was installed.
func Uninstall(p Place, w io.Writer) (found bool, err error) {
	remove := func(name string, all bool) error {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		rm := os.Remove
		if all {
			rm = os.RemoveAll
		}
		if err := rm(name); err != nil {
			return err
		}
		found = true
		fmt.Fprintf(w, "removed  %s\n", name)
		return nil
	}
	var errs []error
	dir, bundled := Bundled()
	belongs := func(program string) bool {
		return strings.HasPrefix(program, p.Data+string(filepath.Separator)) ||
			bundled && program == toolchain.KernelPath(dir)
	}
	if s, err := readSpec(p.Spec()); err == nil && len(s.Argv) > 0 && !belongs(s.Argv[0]) {
		return false, fmt.Errorf(
			"the kernelspec in %s runs %s, which does not belong to this installation; it stays", p.Spec(),
			s.Argv[0])
	}
	errs = append(errs, remove(p.Spec(), true), remove(p.Host(), false))
	entries, err := os.ReadDir(p.Data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	for _, e := range entries {
		dir := filepath.Join(p.Data, e.Name())
		if isHostDir(dir) {
			errs = append(errs, remove(dir, true))
			_ = os.Remove(dir + ".lock")
		}
	}
	_ = os.Remove(filepath.Dir(p.Host())) // if they are empty now
	_ = os.Remove(p.Data)
	return found, errors.Join(errs...)
}

// isHostDir reports whether a folder is one that Host made.
func isHostDir(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "src", "go.mod"))
	return err == nil && len(b) > 0
}
