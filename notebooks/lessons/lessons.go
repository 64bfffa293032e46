// Package lessons holds the notebooks that teach, numbered in the order in which they are meant to be read. It knows their
// text and nothing of how they are run.
package lessons

import "embed"

// Files are the lessons as they are shipped: without outputs.
//
//go:embed *.ipynb
var Files embed.FS
