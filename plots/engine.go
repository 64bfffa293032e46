package plots

import (
	"slices"
	"strings"
)

// Ran is what measurements may tell besides: which engine ran their code. The caption says it. Lab's results do; they know one only
// where there are several, as in a notebook.
type Ran interface {
	// RanBy is the engine's name; empty when it is not known, or when there is but one.
	RanBy() string
}

// ranBy is what v says of its engine, if anything.
func ranBy(v any) string {
	if r, ok := v.(Ran); ok {
		return r.RanBy()
	}
	return ""
}

// inWords is what the text that stands for a figure says of v's engine, if anything.
func inWords(v any) string {
	if ran := ranBy(v); ran != "" {
		return " Engine: " + ran + "."
	}
	return ""
}

// engines lists each engine that is named, once.
func engines(names []string) string {
	var list []string
	for _, n := range names {
		if n != "" && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return strings.Join(list, " and ")
}
