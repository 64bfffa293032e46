package session

import "strings"

const (
	// reportMax is how much of stderr waits for the answer to "is the process dying?". A report of more is shown as it is.
	reportMax = 8 << 20
	// reportKept is how much of a report Explain gets of one that was shown in the meantime.
	reportKept = 1 << 20
)

// report holds back the end of stderr from where Go's runtime seems to begin its last words: if the process dies, they go to
// Explain and are not shown a second time as output; if it lives, they were the user's text and are shown.
type report struct {
	kept    strings.Builder // from the last line that looks like the beginning of a report
	waiting strings.Builder // the part of stderr that is held back
	midline bool            // the next byte of stderr does not begin a line
}

// firsts are how the runtime's reports begin, at the beginning of a line.
var firsts = []string{"fatal error: ", "panic: ", "runtime: ", "SIG", "fatal: ", "unexpected fault address ", "[signal "}

// take gets the next text of stderr and returns what may be shown now.
func (r *report) take(text string) string {
	if text == "" {
		return ""
	}
	if r.holds() {
		r.waiting.WriteString(text)
		r.keep(text)
		if r.waiting.Len() > reportMax {
			return r.release()
		}
		return ""
	}
	begins := r.begins(text)
	r.midline = text[len(text)-1] != '\n'
	if begins < 0 {
		if r.kept.Len() > 0 {
			r.keep(text)
		}
		return text
	}
	r.kept.Reset()
	r.keep(text[begins:])
	r.waiting.WriteString(text[begins:])
	return text[:begins]
}

func (r *report) holds() bool { return r.waiting.Len() > 0 }

// begins returns where in text a report may begin, or -1.
func (r *report) begins(text string) int {
	first := -1
	for _, f := range firsts {
		for at := 0; ; {
			i := strings.Index(text[at:], f)
			if i < 0 {
				break
			}
			i += at
			if i > 0 && text[i-1] == '\n' || i == 0 && !r.midline {
				if first < 0 || i < first {
					first = i
				}
				break
			}
			at = i + 1
		}
	}
	return first
}

func (r *report) keep(text string) {
	if room := reportKept - r.kept.Len(); room > 0 {
		r.kept.WriteString(text[:min(room, len(text))])
	}
}

// release returns what was held back: the process said something afterwards, so it lives.
func (r *report) release() string {
	text := r.waiting.String()
	if text != "" {
		r.midline = text[len(text)-1] != '\n'
		r.waiting.Reset()
	}
	return text
}

// forget makes what was released no part of a later report: a cell ended alive.
func (r *report) forget() {
	if !r.holds() {
		r.kept.Reset()
	}
}

// last returns the report of a process that died.
func (r *report) last() []byte { return []byte(r.kept.String()) }
