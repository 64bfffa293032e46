// Package session is the line between the supervisor and the process that runs cells: frames, pipes, processes and signals.
// It must not know Jupyter or Go syntax, and it never looks into the code of a cell.
//
// # Two ends
//
// [Start] gives the supervisor a [Client], which starts the child, gives it cells and says in one ordered stream of events
// what came of them. [Serve] is the child: it hands each cell to an [Evaluator], which talks back through an [Out].
//
// # Four pipes and a page
//
// The child's fd 1 and fd 2 belong to user code. Requests come in on fd 3, frames leave on fd 4; [Serve] moves both out of
// the way, where neither user code nor the processes it starts meet them. fd 0 is empty. fd 5 is a page of memory that both
// ends map, where the child notes the line that its cell has come to ([Out.Line]); Serve closes the descriptor.
//
// # One order
//
// Before each frame the child writes a marker, a number behind a secret that changes with every process, to fd 1 and to fd 2.
// The supervisor holds the frame until it has met the marker in both streams, and holds what follows a marker until the frame
// is out. So what a cell printed, by whatever means, comes before the frame that ends the cell, and no clock is involved.
//
// # Death
//
// The child may die at any instant. Its pipes are read to the end, the user learns why, and a new child is fed the records
// ([Out.Record]) from which it brings back what the cells declared.
package session
