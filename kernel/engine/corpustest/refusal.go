package corpustest

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	refusalRE = regexp.MustCompile(`^refused: cell\[\d+\]:(\d+):\d+: (.+)`)
	remedyRE  = regexp.MustCompile(`(?m)^ +Use `)
	brokenRE  = regexp.MustCompile(
		`(?i)^session [a-z ]+: |internal error|bug of the kernel|bug of Interleave|tables do not have`)
)

// Refusal reports whether a cell's error, as in [Seen], is the engine's refusal of the cell. The reason is empty when the
// error lacks the line, the construct or the remedy that a refusal must have.
func Refusal(err string) (line int, reason string, ok bool) {
	if !strings.HasPrefix(err, "refused: ") {
		return 0, "", false
	}
	m := refusalRE.FindStringSubmatch(err)
	if m == nil || !remedyRE.MatchString(err) {
		return 0, "", true
	}
	line, _ = strconv.Atoi(m[1]) // digits
	return line, m[2], true
}

// Broken reports whether the first line of a cell's error is one that only a fault of the kernel causes.
func Broken(first string) bool { return brokenRE.MatchString(first) }
