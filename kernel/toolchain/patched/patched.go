// Package patched knows what the host asks of the patched standard library: to count the runs of cells, and to be asked for what
// cells read from standard input. It must not know what a cell is.
package patched
