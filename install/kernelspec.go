package install

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// The kernel's pictures. JupyterLab shows the SVG, older front ends the PNGs.
//
//go:generate go run ./logo
//go:embed assets/logo-svg.svg assets/logo-32x32.png assets/logo-64x64.png
var assets embed.FS

// A Spec is a kernel.json.
type Spec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"` // message: a signal would not reach the cell
	Metadata      map[string]any    `json:"metadata"`
	Env           map[string]string `json:"env,omitempty"`
}

func newSpec(host string) Spec {
	return Spec{
		Argv:          []string{host, "kernel", "{connection_file}"},
		DisplayName:   "Go (Interleave)",
		Language:      "go",
		InterruptMode: "message",
		Metadata:      map[string]any{"debugger": true},
	}
}

// readSpec reads a kernelspec's folder.
func readSpec(dir string) (Spec, error) {
	var s Spec
	b, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	return s, err
}

// write writes a kernelspec's folder, kernel.json last, since Jupyter takes a folder with one for complete.
func (s Spec) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	logos, err := assets.ReadDir("assets")
	if err != nil {
		return err
	}
	for _, l := range logos {
		b, err := assets.ReadFile("assets/" + l.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, l.Name()), b, 0o644); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the kernelspec: %w", err)
	}
	return nil
}
