package modules

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"interleave/kernel/toolchain"
)

// What the go command makes of a go.mod in which all versions are determined is the same each time. It is kept
// beside the archives, for all sessions, so that a notebook with pinned modules does not wait for the go command.

// A memory is one such result: of the files of the session's module as they are now.
type memory struct {
	t    *transaction
	file string
}

// remembering is what a memory holds.
type remembering struct {
	Mod, Sum string
	List     []toolchain.Provided
}

// remembered returns the memory for the present files. It has none for modules on disk, which change.
func (t *transaction) remembered() *memory {
	m := &memory{t: t}
	if len(t.locals) > 0 {
		return m
	}
	h := sha256.New()
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(t.dir, name))
		if err != nil && name != "go.sum" {
			return m
		}
		fmt.Fprintf(h, "%d %s", len(b), b)
	}
	for _, path := range slices.Sorted(maps.Keys(t.pins)) {
		fmt.Fprintln(h, t.pins[path])
	}
	m.file = filepath.Join(t.cfg.Tools.Dir(), "modules", fmt.Sprintf("%x.json", h.Sum(nil)[:12]))
	return m
}

func (m *memory) recall() ([]toolchain.Provided, bool) {
	var r remembering
	b, err := os.ReadFile(m.file)
	if m.file == "" || err != nil || json.Unmarshal(b, &r) != nil {
		return nil, false
	}
	now := time.Now()
	for _, p := range r.List {
		if os.Chtimes(p.Archive, now, now) != nil { // it is gone
			return nil, false
		}
	}
	os.Chtimes(m.file, now, now)
	if m.t.write("go.mod", []byte(r.Mod)) != nil || m.t.write("go.sum", []byte(r.Sum)) != nil {
		return nil, false
	}
	return r.List, true
}

func (m *memory) keep(list []toolchain.Provided) {
	mod, err1 := os.ReadFile(filepath.Join(m.t.dir, "go.mod"))
	sum, err2 := os.ReadFile(filepath.Join(m.t.dir, "go.sum"))
	b, err3 := json.Marshal(remembering{string(mod), string(sum), list})
	if m.file == "" || err1 != nil || err2 != nil || err3 != nil {
		return
	}
	tmp := fmt.Sprintf("%s.%d", m.file, os.Getpid())
	if os.MkdirAll(filepath.Dir(m.file), 0o755) != nil || os.WriteFile(tmp, b, 0o644) != nil || os.Rename(tmp, m.file) != nil {
		os.Remove(tmp)
	}
}
