package kernel

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"interleave/kernel/wire"
)

// maxHistory is how many cells are remembered.
const maxHistory = 1000

// history holds the cells that were stored in this run of the kernel, oldest first. Cells of earlier runs are
// not kept, since a notebook stores its cells itself. Results are not kept, since they belong to the session.
type history []past

type past struct {
	n    int
	code string
}

func (h *history) add(n int, code string) {
	if *h = append(*h, past{n, code}); len(*h) > maxHistory {
		*h = slices.Delete(*h, 0, len(*h)-maxHistory)
	}
}

// find returns the entries that a request asks for, oldest first. The session, in Jupyter's sense a run of
// the kernel, is always the current one, number 0.
func (h history) find(r wire.HistoryRequest) []json.RawMessage {
	var found []past
	switch {
	case r.Session != 0:
		// an earlier session
	case r.Access == "tail":
		found = last(h, r.N)
	case r.Access == "range":
		for _, p := range h {
			if p.n >= r.Start && (r.Stop == nil || p.n < *r.Stop) {
				found = append(found, p)
			}
		}
	case r.Access == "search":
		for _, p := range h {
			if matches(r.Pattern, p.code) {
				if r.Unique {
					found = slices.DeleteFunc(found, func(q past) bool { return q.code == p.code })
				}
				found = append(found, p)
			}
		}
		found = last(found, r.N)
	}
	entries := make([]json.RawMessage, 0, len(found))
	for _, p := range found {
		var in any = p.code
		if r.Output {
			in = [2]any{p.code, nil}
		}
		text, err := json.Marshal([3]any{0, p.n, in})
		if err != nil {
			panic(err) // numbers and strings
		}
		entries = append(entries, text)
	}
	return entries
}

// last returns the last n entries; all when n is 0, which is how an absent n decodes.
func last(h []past, n int) []past {
	if n <= 0 || n > len(h) {
		return h
	}
	return h[len(h)-n:]
}

// matches reports whether a glob matches all of code, as SQLite's GLOB does for ipykernel: * crosses lines
// and slashes.
func matches(pattern, code string) bool {
	// path.Match stops * at slashes; a byte that code cannot hold takes their place.
	hide := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(hide.Replace(pattern), hide.Replace(code))
	return ok && err == nil
}
