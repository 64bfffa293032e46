package serve

import (
	"encoding/json"
	"os"
	"strings"
)

// pinsOf returns the versions of modules in a notebook's metadata, as the session takes them. Jupyter gives the
// path of the notebook to the kernels that it starts; there may be none, or the file may be of another kind.
func pinsOf(notebook string) string {
	if !strings.HasSuffix(notebook, ".ipynb") {
		return ""
	}
	b, err := os.ReadFile(notebook)
	if err != nil {
		return ""
	}
	var nb struct {
		Metadata struct {
			Interleave struct {
				Modules []struct{ Path, Version, Sum string }
			}
		}
	}
	if json.Unmarshal(b, &nb) != nil {
		return ""
	}
	var pins []string
	for _, m := range nb.Metadata.Interleave.Modules {
		pins = append(pins, strings.TrimSpace(m.Path+"@"+m.Version+" "+m.Sum))
	}
	return strings.Join(pins, ",")
}
