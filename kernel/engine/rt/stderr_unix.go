//go:build unix

package rt

// standardError is where print writes.
const standardError = 2
