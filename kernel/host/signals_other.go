//go:build !unix

package main

// ignoreSignals does nothing: files have no limit here.
func ignoreSignals() {}
