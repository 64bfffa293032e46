package main

import "embed"

// source is the module itself, from which the host is built. Tests come along, since a pattern cannot leave them out; the
// build ignores them.
//
//go:embed go.mod go.sum install kernel notebooks plots runtime
var source embed.FS
