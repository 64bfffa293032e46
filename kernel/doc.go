// Package kernel is Jupyter's rules: which message is answered by what, when, and in which order.
// It never sees Go syntax, never runs user code, and knows neither sockets nor processes.
//
// # The life of a cell
//
// A client's execute_request comes in through Transport.Recv as a typed message. Run's event loop, the one
// goroutine that owns all state here (loop.go), puts it into the queue of shell requests. When its turn
// comes, the loop publishes status busy (request.go), gives the cell a number, records its request as the
// origin of its output, publishes execute_input, and hands the cell to Session.Run (execute.go).
//
// From then on events of the cell come through Session.Events. publish.go translates each event into Jupyter
// messages, with the header of the cell's own request as parent; text is gathered into few messages on the
// way (gather.go). The session ends the cell with Done, after everything the cell wrote before it returned.
// The loop then publishes the gathered text, sends the reply and status idle, and takes the next request from
// the queue; after a failure it aborts the cells that the same client has queued, and those that are still on
// their way from it (abort.go).
//
// Control requests overtake the queue: interrupt and shutdown are answered while a cell runs, as is
// kernel_info there. Requests on shell wait for their turn, as the protocol prescribes, complete_request,
// inspect_request and messages of comms excepted. A goroutine that outlives its cell keeps the cell's number, so its
// output still goes to its own cell. Requests that are not served are listed, with reasons, in unhandled.go.
//
// # Questions
//
// complete_request and inspect_request ask about code that is being written, on shell or control. The loop
// publishes busy and hands the question to Session.Ask at once, also while a cell runs or cells wait
// (question.go). The answer comes later, as a session.Answered event; then the loop sends the reply and idle.
// Several questions may be open. Those that are still open when the session ends get an empty reply. Each
// request has its own busy and idle, whose parent is its header. Front ends show the status that came last: after an
// idle that comes while a cell runs, that cell is busy once more.
//
// # Comms
//
// A comm is a channel between code of the session and code of a front end; ipywidgets has one for each widget. Its
// messages, on shell, overtake the queue as well (comm.go). The kernel knows which comms are open, passes messages on
// both ways, and closes the comms of a session that ends.
//
// # Above and below
//
// Package zmq is the Transport that JupyterLab talks to, package inproc the one of interleave run. The
// Session is session.Client. It sends the cell to a child process, where session.Serve passes it to
// engine.Engine. The engine cuts off magics, has package cell make a plan of the rest, and compiles and loads
// the plan or interprets it. Output and displays come back as events, in one order with what the cell wrote
// directly to its file descriptors (session's merger). When the child dies, session's life reports the
// reason, starts another child, and sends it the records of the declarations.
//
// # What never happens
//
// The loop never waits for user code, no order depends on a sleep, and no cell ends the kernel: a session
// that dies is an event like any other.
package kernel
