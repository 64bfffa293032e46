package serve

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPinsOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"two.ipynb": {`{"metadata":{"interleave":{"modules":[{"path":"a.b/c","version":"v1.0.0","sum":"h1:x"},{"path":"a.b/d","version":"v2.0.0"}]}}}`,
			"a.b/c@v1.0.0 h1:x,a.b/d@v2.0.0"},
		"none.ipynb":   {`{"metadata":{}}`, ""},
		"broken.ipynb": {`{"metadata":`, ""},
		"other.txt":    {`{"metadata":{"interleave":{"modules":[{"path":"a.b/c","version":"v1.0.0"}]}}}`, ""},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := pinsOf(file); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := pinsOf(filepath.Join(dir, "missing.ipynb")); got != "" {
		t.Errorf("a missing file: %q", got)
	}
}
