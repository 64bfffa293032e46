// Package workers finds functions, types and variables of cells for other processes: a session describes them,
// and a worker, which is the same program, has the same again. Both sides are here, as a [host.Code].
//
// Nothing has to be registered. The code of a cell lies in a file from which any process of the program can
// load it; package load knows to which functions, types and variables each function refers. So a worker loads
// the cells that a function needs, and is given the variables that it reads.
//
// It must not know who calls functions in other processes, nor how values are copied.
//
//go:generate go run ./gen
package workers
