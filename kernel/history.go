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

// history holds the cells that were stored in this run of the kernel, oldest first, and knows those of other runs.
// Results are not kept, since they belong to the session.
type history struct {
	own  []past
	past Past // or nil
}

type past struct {
	session, n int // session 0 is the present one, whose number is not asked for
	code       string
}

func (h *history) add(n int, code string) {
	if h.own = append(h.own, past{0, n, code}); len(h.own) > maxHistory {
		h.own = slices.Delete(h.own, 0, len(h.own)-maxHistory)
	}
	if h.past != nil {
		h.past.Add(n, code)
	}
}

// find returns the entries that a request asks for, oldest first. A session is, in Jupyter's sense, a run of the
// kernel; 0 is the present one, and negative numbers count back from it.
func (h *history) find(r wire.HistoryRequest) []json.RawMessage {
	var found []past
	switch r.Access {
	case "tail":
		found = last(h.all(), r.N)
	case "range":
		for _, p := range h.session(r.Session) {
			if p.n >= r.Start && (r.Stop == nil || p.n < *r.Stop) {
				found = append(found, p)
			}
		}
	case "search":
		for _, p := range h.all() {
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
		text, err := json.Marshal([3]any{p.session, p.n, in})
		if err != nil {
			panic(err) // numbers and strings
		}
		entries = append(entries, text)
	}
	return entries
}

// all returns the cells of all sessions, with the present one last.
func (h *history) all() []past {
	if h.past == nil {
		return h.own
	}
	list := h.others()
	for _, p := range h.own {
		p.session = h.past.Session()
		list = append(list, p)
	}
	return list
}

// session returns the cells of a session.
func (h *history) session(n int) []past {
	if n == 0 || h.past == nil {
		if n != 0 {
			return nil
		}
		return h.own
	}
	own := h.past.Session()
	if n < 0 {
		n += own
	}
	if n == own {
		return h.all()[len(h.all())-len(h.own):]
	}
	return slices.DeleteFunc(h.others(), func(p past) bool { return p.session != n })
}

func (h *history) others() (list []past) {
	for _, e := range h.past.Others() {
		list = append(list, past{e.Session, e.N, e.Code})
	}
	return list
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
