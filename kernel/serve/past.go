package serve

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"interleave/kernel"
	"interleave/kernel/history"
)

// pastFile is where cells are kept for later runs: in the folder for users' data, or nowhere with
// INTERLEAVE_HISTORY=off.
func pastFile() string {
	if os.Getenv("INTERLEAVE_HISTORY") == "off" {
		return ""
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		data = filepath.Join(home, ".local", "share")
		if runtime.GOOS == "darwin" {
			data = filepath.Join(home, "Library", "Application Support")
		}
	}
	return filepath.Join(data, "interleave", "history.jsonl")
}

// A kept is the kernel's view of the file.
type kept struct {
	*history.Store
	log *slog.Logger
}

// Others returns the cells of other sessions that can be read.
func (k kept) Others() (list []kernel.PastCell) {
	all, err := k.Store.Others()
	if err != nil && k.log != nil {
		k.log.Warn("read the history", "err", err)
	}
	for _, e := range all {
		list = append(list, kernel.PastCell{Session: e.Session, N: e.N, Code: e.Code})
	}
	return list
}
