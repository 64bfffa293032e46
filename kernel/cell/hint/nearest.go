// Package hint knows what a user may have meant: the Go equivalent of what people write who know Python, and
// the name that a wrong one resembles. It must not know sessions, types or syntax trees: its functions are
// functions of texts.
package hint

import "strings"

// Closest returns the word that is most like name, regardless of case, or an empty string when none is like
// it. The words of likely are considered first, in their order; those of others where they are closer.
func Closest(name string, likely, others []string) string {
	best, least := "", min(3, 1+len(name)/4)
	consider := func(words []string) {
		for _, w := range words {
			if tooLong(name, w, least) {
				continue
			}
			if d := distance(strings.ToLower(name), strings.ToLower(w)); d < least && d < len(name) {
				best, least = w, d
			}
		}
	}
	consider(likely)
	if best == "" || least > 1 {
		consider(others)
	}
	return best
}

// tooLong reports whether two words differ in length by so much that their distance, whose computation takes
// the product of both lengths, need not be computed: a name may have a million letters.
func tooLong(a, b string, least int) bool {
	d := len(a) - len(b)
	return d >= least || -d >= least
}

// distance counts the single-letter edits between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			up := row[j]
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(up+1, row[j-1]+1, diag+cost)
			diag = up
		}
	}
	return row[len(b)]
}

// Nearest returns the word that differs from name by a typing error, or an empty string.
func Nearest(name string, words []string) string {
	best, least := "", 2
	if len(name) > 5 {
		least = 3
	}
	for _, w := range words {
		if tooLong(name, w, least) {
			continue
		}
		if d := distance(name, w); d < least {
			best, least = w, d
		}
	}
	return best
}
