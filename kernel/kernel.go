package kernel

import (
	"context"
	"log/slog"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// A Transport carries messages between a kernel and its clients. The kernel calls Send from one goroutine and
// Close once nothing more is to be sent; Recv and Subscriptions return the same channel each time.
type Transport interface {
	// Recv returns the channel of clients' messages, verified and decoded; frames that are not a signed
	// message never get here. The channel is closed after Close, or earlier when the transport can no longer
	// serve.
	Recv() <-chan wire.Incoming
	// Send queues a message for the client that its Identities name. On IOPub, the message goes to all
	// subscribers of its first identity, or only to the client that a second identity names. Send may wait
	// for clients to read, for a bounded time, which slows down a cell that prints for ever. It returns an
	// error for a message that cannot be encoded. A disconnected client is not an error.
	Send(wire.Channel, *wire.Message) error
	// Subscriptions returns the channel of clients' new subscriptions on IOPub.
	Subscriptions() <-chan wire.Subscription
	// Close sends queued messages, until ctx ends, and closes. A second Close does nothing.
	Close(ctx context.Context) error
}

// A Discarder is a Transport that can drop text which a slow client has not read: Discard drops stream text
// of the request with this id, except for its beginning and its end. note makes a message that reports how
// many bytes are missing.
type Discarder interface {
	Discard(request string, note func(bytes int) *wire.Message) (dropped int)
}

// A Session runs cells. The kernel calls its methods from one goroutine, all but Close, and none of these
// waits for user code.
type Session interface {
	// Events returns the channel of the session's events, in the order in which user code caused them;
	// Answered may overtake others. The kernel reads it at all times, and pauses when clients do not keep up. It is closed after Close, or when
	// the session cannot continue at all.
	Events() <-chan session.Event
	// Run begins a cell. It is called only when the previous cell has ended with its Done. After an error
	// there is no Done.
	Run(session.Cell) error
	// Interrupt asks the running cell to end, and code that messages of comms have called.
	Interrupt()
	// Answer answers the last Input event.
	Answer(text string) error
	// Ask asks a question about code. It is answered by one Answered event, also while a cell runs, unless the
	// session is closed before.
	Ask(session.Question)
	// Comm passes what a client does to a comm to the code that has it, beside the cells. A comm that cannot be
	// opened ends with an event that closes it.
	Comm(session.Comm)
	// Close ends the session and all that runs in it.
	Close() error
}

// A Config holds the parts of a kernel. Transport and Session are required.
type Config struct {
	Transport Transport
	Session   Session
	Info      Info

	// IsComplete reports whether code can be run as it is: "complete", "incomplete" (then with the
	// indentation of the next line) or "invalid". It must be quick: the event loop waits for it. nil answers
	// "unknown".
	IsComplete func(code string) (status, indent string)

	// Connect holds the ports that connect_request asks for; zero when there are no ports.
	Connect wire.ConnectReply

	// Usage measures what the kernel and its processes use of the machine. It must be quick: the event loop waits
	// for it. nil: usage_request gets no reply.
	Usage func() wire.UsageReply

	// Past keeps the cells of all runs; nil: those of this run are remembered alone.
	Past Past

	Log *slog.Logger // nil means silent
}

// A Past keeps cells for later runs of the kernel, and knows those of others. Add must not wait; the others may read
// a file.
type Past interface {
	Add(n int, code string)
	// Session returns the number of this run.
	Session() int
	// Others returns the cells of other runs, oldest first.
	Others() []PastCell
}

// A PastCell is a cell that another run of a kernel has run.
type PastCell struct {
	Session, N int
	Code       string
}

// LevelBug is the level of log entries that can only be caused by a bug of the kernel. Tests fail on them.
const LevelBug = slog.LevelError + 4

// Info holds the fields of kernel_info_reply that depend on the program.
type Info struct {
	Version   string // of this program
	GoVersion string // of the toolchain that compiles cells, such as 1.26.8
	Banner    string
	HelpLinks []wire.HelpLink
}
