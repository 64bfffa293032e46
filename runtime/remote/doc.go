// Package remote runs functions in other processes of the same program. Both ends are here: [Start] makes a
// process, whose main function is [Serve].
//
// A worker has memory of its own. It knows the program's functions and types; arguments, results and the
// variables that a function reads are copied by package pack. It is connected by a pair of sockets that it
// inherits, so that no other process can reach it, and it ends when the program at the other end does.
//
// It must not know why functions are called, nor what a cell is: a [host.Code] finds functions, types and
// variables.
package remote
