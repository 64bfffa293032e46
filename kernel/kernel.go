package kernel

import (
	"context"
	"log/slog"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// A Transport carries messages between a kernel and its clients. The kernel calls Send from one goroutine and Close
// once nothing more is to be sent; Recv and Subscriptions give the same channel each time.
type Transport interface {
	// Recv gives what clients sent, verified and decoded; frames that are not a signed message never come here. The
	// channel is closed after Close, or earlier when the transport can no longer serve.
	Recv() <-chan wire.Incoming
	// Send queues a message for the client its Identities name, or on IOPub for all who subscribed to its first one, of whom a
	// second one names a single client.
	// It may wait for clients to read, for a bounded time: that wait is what slows down a cell that prints for ever.
	// The error is about the message; a disconnected client is not an error.
	Send(wire.Channel, *wire.Message) error
	// Subscriptions gives each new subscription of a client on IOPub.
	Subscriptions() <-chan wire.Subscription
	// Close sends what was queued, until ctx ends, and closes. A second Close does nothing.
	Close(ctx context.Context) error
}

// A Discarder is a Transport that can drop text which a slow client has not read: Discard drops text of streams about the request with
// this id, but for its beginning and its end, and has note make what says how many bytes are missing.
type Discarder interface {
	Discard(request string, note func(bytes int) *wire.Message) (dropped int)
}

// A Session runs cells. The kernel calls its methods from one goroutine, all but Close, and none of these waits for
// user code.
type Session interface {
	// Events gives what the session says, in the order in which user code caused it. The kernel reads it at all times,
	// and stops reading for a while when clients do not keep up. It is closed after Close, or when the session cannot
	// go on for good.
	Events() <-chan session.Event
	// Run begins a cell. It is called only when the cell before has ended with its Done. After an error there is no Done.
	Run(session.Cell) error
	// Interrupt asks the running cell to end; it does nothing when none runs.
	Interrupt()
	// Answer answers the last Input event.
	Answer(text string) error
	// Close ends the session and all that runs in it.
	Close() error
}

// A Config says what a kernel consists of. Transport and Session are required.
type Config struct {
	Transport Transport
	Session   Session
	Info      Info

	// IsComplete says whether code can be run as it is: "complete", "incomplete" (then with the indentation of the next
	// line) or "invalid". It must be quick: the event loop waits for it. nil answers "unknown".
	IsComplete func(code string) (status, indent string)

	// Connect holds the ports that connect_request asks for; zero where there are none.
	Connect wire.ConnectReply

	Log *slog.Logger // nil means silent
}

// LevelBug is the level of what can only be our mistake. Tests fail on it.
const LevelBug = slog.LevelError + 4

// Info is what kernel_info_reply says beyond what every Go kernel would.
type Info struct {
	Version   string // of this program
	GoVersion string // of the toolchain that compiles cells, such as 1.26.8
	Banner    string
	HelpLinks []wire.HelpLink
}
