package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"interleave/kernel/toolchain"
)

// Bundle fills a folder with all that runs cells on a machine that has no Go: the programs and the types of the
// packages that cells may import. Cells run in the interpreter alone there. The launcher beside them completes it.
func Bundle(ctx context.Context, fsys fs.FS, cacheRoot, dir string, b Build) error {
	host, err := Host(ctx, fsys, cacheRoot, b)
	if err != nil {
		return err
	}
	from := toolchain.DirOf(host)
	programs, err := filepath.Glob(filepath.Join(from, "bin", "*"))
	if err != nil {
		return fmt.Errorf("make a bundle: %w", err)
	}
	names := []string{"types.bin", "types.json", "toolchain.json"} // the last one makes the folder usable
	for i := len(programs) - 1; i >= 0; i-- {
		names = append([]string{filepath.Join("bin", filepath.Base(programs[i]))}, names...)
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return fmt.Errorf("make a bundle: %w", err)
	}
	for _, name := range names {
		if err := copyFile(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("make a bundle: %w", err)
		}
	}
	return nil
}

func copyFile(from, to string) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	fi, err := r.Stat()
	if err != nil {
		return err
	}
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fi.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	_, err = io.Copy(w, r)
	return err
}
