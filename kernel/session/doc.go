// Package session is the boundary between the supervisor and the process that runs cells: frames, pipes,
// processes and signals. It must not know Jupyter or Go syntax, and it never looks into the code of a cell.
//
// # Two ends
//
// [Start] returns a [Client] to the supervisor. It starts the child, sends it cells, and reports the results
// in one ordered stream of events. [Serve] runs in the child: it passes each cell to an [Evaluator], which
// answers through an [Out].
//
// # Five pipes and a page
//
// The child's fd 1 and fd 2 belong to user code. Requests come in on fd 3, frames leave on fd 4, answers to
// questions on fd 5; [Serve] moves these three to high numbers, hidden from user code and from the processes
// that it starts. fd 0 is empty. fd 6 is a page of memory that both ends map, where the child records the
// line that its cell has reached ([Out.Line]); Serve closes the descriptor.
//
// On Windows the same come as handles: see spawn_windows.go.
//
// # One order
//
// Before each frame the child writes a marker, a number behind a secret that changes with every process, to
// fd 1 and to fd 2. The supervisor holds the frame until it has read the marker in both streams, and holds
// output that follows a marker until the frame is out. So whatever a cell printed, by any means, comes before
// the frame that ends the cell. No clock is involved.
//
// # Questions
//
// A [Question] about code that is being written is answered beside the cells: the reader of requests in the
// child hands it to a goroutine, and the answer has a pipe of its own. So it waits neither for the running cell
// nor for unread output, and it has no place in the order.
//
// # Death
//
// The child may die at any instant. The client reads its pipes to the end, reports the reason to the user,
// and sends the records ([Out.Record]) to a new child, which restores the declarations of the cells from
// them.
package session
