package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"interleave/kernel/toolchain"
)

func TestInstallUpgradeUninstall(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds hosts")
	}
	prefix := filepath.Join(t.TempDir(), "with a space")
	p, err := PrefixPlace(prefix)
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for i, version := range []string{"one", "two"} {
		var out strings.Builder
		if err := Install(context.Background(), changed(t, version), p, small(), NewProgress(io.Discard), &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), p.Spec()) || !strings.Contains(out.String(), p.Host()) {
			t.Errorf("install says %q", out.String())
		}
		b, err := os.ReadFile(filepath.Join(prefix, "share", "jupyter", "kernels", "interleave", "kernel.json"))
		if err != nil {
			t.Fatal(err)
		}
		var spec map[string]any
		if err := json.Unmarshal(b, &spec); err != nil {
			t.Fatal(err)
		}
		argv := spec["argv"].([]any)
		if len(argv) != 3 || argv[0] != filepath.Join(prefix, "share", "interleave", "bin", "interleave") || argv[1] != "kernel" || argv[2] != "{connection_file}" {
			t.Errorf("argv is %q", argv)
		}
		if spec["interrupt_mode"] != "message" || spec["language"] != "go" || spec["display_name"] != "Go (Interleave)" {
			t.Errorf("kernel.json is %s", b)
		}
		real, err := filepath.EvalSymlinks(argv[0].(string))
		if err != nil {
			t.Fatal(err)
		}
		var none *toolchain.NoPluginsError // this small host cannot link in memory, and there may be no C compiler
		if _, err := toolchain.Open(toolchain.DirOf(real)); err != nil && !errors.As(err, &none) {
			t.Errorf("the host's toolchain: %v", err)
		}
		if i == 0 {
			first = real
		} else if real == first {
			t.Error("after an upgrade the stable path leads to the old host")
		}
	}
	if _, err := os.Stat(first); err != nil {
		t.Errorf("the old host, from which kernels may run, is gone: %v", err)
	}

	var out strings.Builder
	found, err := Uninstall(p, &out)
	if err != nil || !found {
		t.Errorf("uninstall found %t, %v", found, err)
	}
	if n := strings.Count(out.String(), "removed"); n != 4 { // spec, link, two hosts
		t.Errorf("uninstall says\n%s", out.String())
	}
	filepath.WalkDir(prefix, func(name string, d os.DirEntry, err error) error {
		if !d.IsDir() {
			t.Errorf("%s is left", name)
		}
		return nil
	})
	if _, err := os.Stat(p.Data); err == nil {
		t.Errorf("%s is left", p.Data)
	}
	if found, err := Uninstall(p, io.Discard); found || err != nil {
		t.Errorf("the second uninstall found %t, %v", found, err)
	}
}

func TestUninstallKeepsOthers(t *testing.T) {
	t.Parallel()
	p, err := PrefixPlace(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := newSpec("/opt/other/interleave").write(p.Spec()); err != nil {
		t.Fatal(err)
	}
	if _, err := Uninstall(p, io.Discard); err == nil || !strings.Contains(err.Error(), "/opt/other/interleave") {
		t.Errorf("a foreign kernelspec gave %v", err)
	}
	if s, err := readSpec(p.Spec()); err != nil || s.Argv[0] != "/opt/other/interleave" {
		t.Errorf("it is now %v, %v", s, err)
	}
}

func TestLogos(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := newSpec("x").write(dir); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"logo-32x32.png": 32, "logo-64x64.png": 64} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if s := img.Bounds().Size(); s.X != size || s.Y != size {
			t.Errorf("%s is %v", name, s)
		}
		if _, _, _, a := img.At(0, 0).RGBA(); a != 0 {
			t.Errorf("%s has a background", name)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "logo-svg.svg"))
	if err != nil || !bytes.HasPrefix(b, []byte("<svg ")) {
		t.Errorf("logo-svg.svg: %v\n%s", err, b)
	}
}

// Not parallel: it is about the environment.
func TestPlaces(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"JUPYTER_DATA_DIR", "XDG_DATA_HOME", "JUPYTER_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "INTERLEAVE_CACHE"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_DATA_HOME", filepath.Join(home, "data"))
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %s, want %s", what, got, want)
		}
	}
	p, err := UserPlace()
	if err != nil {
		t.Fatal(err)
	}
	check("the host", p.Host(), filepath.Join(home, "data", "interleave", "bin", "interleave"))
	t.Setenv("JUPYTER_DATA_DIR", filepath.Join(home, "jd"))
	p, err = UserPlace()
	if err != nil {
		t.Fatal(err)
	}
	check("the spec", p.Spec(), filepath.Join(home, "jd", "kernels", "interleave"))
	check("the data", p.Data, filepath.Join(home, "data", "interleave"))
	t.Setenv("CONDA_PREFIX", "/conda")
	t.Setenv("VIRTUAL_ENV", "/venv")
	prefix, err := SysPrefix(context.Background())
	check("the prefix", prefix, "/venv")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("JUPYTER_PATH", "/one"+string(os.PathListSeparator)+"/two")
	path := jupyterPath(context.Background())
	want := []string{"/one", "/two", filepath.Join(home, "jd"), "/venv/share/jupyter"}
	for i, w := range want {
		check("a place where Jupyter looks", path[i], w)
	}
	t.Setenv("INTERLEAVE_CACHE", filepath.Join(home, "c"))
	dir, err := CacheRoot()
	if err != nil {
		t.Fatal(err)
	}
	check("the cache", dir, filepath.Join(home, "c"))
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("INTERLEAVE_CACHE", filepath.Join(file, "c"))
	if _, err := CacheRoot(); err == nil || !strings.Contains(err.Error(), "set INTERLEAVE_CACHE") {
		t.Errorf("a cache that cannot be made: %v", err)
	}
}

func TestProgressInPlainLines(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	NewProgress(&b).Done(nil)
	if b.Len() > 0 {
		t.Errorf("with nothing to do it says %q", b.String())
	}
	p := NewProgress(&b)
	p.Step(toolchain.Step{N: 0, Of: 5, What: "wait"})
	p.Step(toolchain.Step{N: 1, Of: 5, What: "look"})
	p.Done(nil)
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "building the Interleave host, once: about ") || lines[1] != "  wait" || lines[2] != "  [1/5] look" || !regexp.MustCompile(`^built in (\d{1,3}|\d\.\d\d?|\d\d\.\d) (ns|µs|ms)$`).MatchString(lines[3]) {
		t.Errorf("it says %q", lines)
	}
}
