package plots

import (
	"slices"
	"strings"
)

// Ran is implemented by measurements that know which engine ran their code, which the caption shows. Lab's
// results implement it; they know an engine only where there are several, as in a notebook.
type Ran interface {
	// RanBy returns the engine's name; empty when it is unknown, or when there is only one.
	RanBy() string
}

// ranBy returns v's engine, or "".
func ranBy(v any) string {
	if r, ok := v.(Ran); ok {
		return r.RanBy()
	}
	return ""
}

// inWords returns the part of a figure's alternative text about v's engine, or "".
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
