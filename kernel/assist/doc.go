// Package assist answers questions about the code of a cell that is being written: how a name can be completed,
// and what is known of one. It knows Go's syntax and types, and what a session has declared, as a cell.View; the
// cell need not parse. It is pure, but for reading the comments above declarations through Config.Source. It must
// not know the values of variables, nor Jupyter.
//
// # From a question to an answer
//
//	context.go   which part of the cell the cursor is in: Go code, the arguments of a magic, a string
//	repair.go    a text that parses as far as possible, with a placeholder at the cursor, and its types
//	complete.go  the names that can stand at the placeholder
//	rank.go      their order: what the expected type asks for, the nearest scope, what is used most
//	inspect.go   signature, documentation and declaration of the name at the cursor
//	comments.go  the comment above a declaration
package assist
