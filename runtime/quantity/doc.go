// Package quantity spells durations, sizes, counts and nouns for people. Interleave uses it for everything
// that a user reads, so that one cell does not show one time in two spellings: a value, a space, a unit, and
// three significant digits, as in 2.16 ms, 1.5 s and 47.1 MB.
//
// What programs read keeps its own format: results in the format of package testing, metadata in JSON, flags,
// and each [time.Duration] that a user prints.
package quantity
