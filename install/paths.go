package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"interleave/kernel/toolchain"
)

// CacheRoot returns the folder for hosts that only the present command needs: the user's cache directory.
// INTERLEAVE_CACHE overrides it. The folder exists when CacheRoot returns.
func CacheRoot() (string, error) {
	dir := os.Getenv("INTERLEAVE_CACHE")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache directory: %w (set INTERLEAVE_CACHE)", err)
		}
		dir = filepath.Join(cache, "interleave")
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("make the cache directory: %w (set INTERLEAVE_CACHE to a folder that you may write to)", err)
	}
	return dir, nil
}

// Bundled returns the folder of the running program, if that is one that Bundle has filled: the host is there, and
// nothing need be built.
func Bundled() (dir string, ok bool) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return "", false
	}
	dir = filepath.Dir(self)
	t, _ := toolchain.Open(dir) // an error is why cells cannot be compiled
	_, err = os.Stat(toolchain.HostPath(dir))
	return dir, t != nil && err == nil
}

// A Place is where an installation goes.
type Place struct {
	Data    string // the hosts and the stable path of the newest
	Jupyter string // a Jupyter data directory; the kernelspec is in kernels/interleave below it
}

// Spec returns the kernelspec's folder.
func (p Place) Spec() string { return filepath.Join(p.Jupyter, "kernels", "interleave") }

// Host returns the host's path that survives upgrades, which is what the kernelspec names.
func (p Place) Host() string { return filepath.Join(p.Data, "bin", "interleave") }

// UserPlace is the user's own: what Jupyter calls --user.
func UserPlace() (Place, error) {
	data, err := userData()
	if err != nil {
		return Place{}, err
	}
	jupyter, err := jupyterData()
	return Place{filepath.Join(data, "interleave"), jupyter}, err
}

// PrefixPlace is below a prefix such as /usr/local or a virtual environment, where all its users find it.
func PrefixPlace(prefix string) (Place, error) {
	prefix, err := filepath.Abs(prefix)
	if err != nil {
		return Place{}, err
	}
	return Place{filepath.Join(prefix, "share", "interleave"), filepath.Join(prefix, "share", "jupyter")}, nil
}

// SysPrefix returns the prefix of the Python that is in use: the active environment's, or else that of
// python3.
func SysPrefix(ctx context.Context) (string, error) {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if dir := os.Getenv(name); dir != "" {
			return dir, nil
		}
	}
	for _, python := range []string{"python3", "python"} {
		if out, err := exec.CommandContext(ctx, python, "-c", "import sys; print(sys.prefix)").Output(); err == nil {
			return strings.TrimSpace(string(out)), nil
		}
	}
	return "", errors.New("no Python environment is active and there is no python3 on PATH; use --prefix")
}

// userData is where programs keep a user's data.
func userData() (string, error) {
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("LOCALAPPDATA"); dir != "" {
			return dir, nil
		}
		return "", errors.New("find the data directory: %LOCALAPPDATA% is not set")
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the data directory: %w", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support"), nil
	}
	return filepath.Join(home, ".local", "share"), nil
}

// jupyterData is Jupyter's data directory of the user, by the rules of jupyter_core.
func jupyterData() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("APPDATA"); dir != "" {
			return filepath.Join(dir, "jupyter"), nil
		}
		return "", errors.New("find Jupyter's data directory: %APPDATA% is not set (set JUPYTER_DATA_DIR)")
	case "darwin":
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find Jupyter's data directory: %w", err)
		}
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	data, err := userData()
	return filepath.Join(data, "jupyter"), err
}

// jupyterPath lists where Jupyter looks for kernels, in its order.
func jupyterPath(ctx context.Context) []string {
	dirs := filepath.SplitList(os.Getenv("JUPYTER_PATH"))
	user, err := jupyterData()
	if err == nil {
		dirs = append(dirs, user)
	}
	if prefix, err := SysPrefix(ctx); err == nil {
		dirs = append(dirs, filepath.Join(prefix, "share", "jupyter"))
	}
	if runtime.GOOS == "windows" {
		dirs = append(dirs, filepath.Join(os.Getenv("PROGRAMDATA"), "jupyter"))
	} else {
		dirs = append(dirs, "/usr/local/share/jupyter", "/usr/share/jupyter")
	}
	return dirs
}
