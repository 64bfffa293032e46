package session

import "encoding/json"

// A Cell is one request to run code. Run it with Client.Run; it ends with exactly one Done event.
type Cell struct {
	ID           uint64 // unique in a client's life; every event names the cell it belongs to
	N            int    // what the user sees: cell[N]
	Code         string // may hold magics, shell lines and invalid UTF-8
	Silent       bool   // no result is shown, nothing is stored
	StoreHistory bool   // a silent or unstored cell does not advance N
	AllowStdin   bool   // Input events may be answered
	// targets of comms that the client who sent the cell has opened so far, which shows what it can do
	Targets []string
	// Jupyter's user_expressions: evaluated after the cell; a failure does not fail the cell
	Expressions map[string]string
}

// A Bundle is one value in several representations: MIME type → its JSON. Text types hold a JSON string,
// binary types a JSON string of base64, JSON types any value.
type Bundle map[string]json.RawMessage

// A Stream names where output was written.
type Stream string

const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// An Event is a message from the session. Events of one client come in one order, in which user code caused
// them: what a cell printed before it ended comes before its Done. Answered is outside of that order.
//
// Cell 0 means that the event belongs to no cell.
type Event interface{ event() }

// The names of failures, which clients see as the name of the error. Diagnostics of package cell have names
// of their own.
const (
	FailureInterrupted = "interrupted"           // the user or a client interrupted it
	FailurePanic       = "panic"                 // a goroutine of it panicked
	FailureOverflow    = "stack overflow"        // a stack of it grew beyond its limit
	FailureExit        = "exit"                  // it called os.Exit with a status other than 0
	FailureCompile     = "cannot compile"        // it needs the compiler, which is not available
	FailureInput       = "no input"              // it reads standard input, and there is no user to ask
	FailureMagic       = "magic"                 // a magic was used in a wrong way
	FailureTest        = "test failed"           // a test of package testing failed, or took too long
	FailureShell       = "shell"                 // a shell command of it failed
	FailureDisplay     = "display"               // the result could not be displayed
	FailureSkipped     = "skipped"               // a user expression of a cell that failed
	FailureInternal    = "internal error"        // a bug of Interleave
	FailureDied        = "session died"          // the session process ended
	FailureNotStarted  = "session did not start" // the session process could not be started
	FailureEnded       = "session ended"         // the session was shut down
	FailureSession     = "session error"         // the session could not be reached
	FailureOther       = "error"                 // anything else
)

type (
	// Output is text that was written to a stream. It may be cut anywhere except inside a UTF-8 sequence.
	Output struct {
		Cell   uint64
		Stream Stream
		Text   string
	}
	// Display shows a value, or replaces the value of an earlier Display with the same ID.
	Display struct {
		Cell     uint64
		Data     Bundle
		Metadata Bundle
		ID       string // empty: cannot be updated
		Update   bool
	}
	// Result is the value of a cell's last expression.
	Result struct {
		Cell     uint64
		Data     Bundle
		Metadata Bundle
	}
	// Clear removes the cell's output so far; with Wait, when the next output comes.
	Clear struct {
		Cell uint64
		Wait bool
	}
	// Input asks the user for a line. Client.Answer answers it.
	Input struct {
		Cell     uint64
		Prompt   string
		Password bool
	}
	// Failed is the user's error: what ended the cell, ready to be shown.
	Failed struct {
		Cell      uint64
		Name      string   // FailurePanic and the like, or a kind of package cell
		Value     string   // one line
		Traceback []string // lines with ANSI colours
	}
	// Restarted reports that the session process was replaced, and what was lost.
	Restarted struct {
		Cell   uint64
		Reason string
		Lost   []string // variables that are gone
		Failed []string // declarations that could not be brought back, with the reason
	}
	// Done ends a cell.
	Done struct {
		Cell        uint64
		OK          bool
		Interrupted bool
		Expressions map[string]Expression
		Engine      string // "yaegi", "compiled", or empty when no Go code ran
		// Next is a text for an input of the front end: the cell itself if Instead is set, otherwise a new one
		// below it. Empty: none
		Next    string
		Instead bool
		Page    Bundle // text that the cell has asked for, to be shown in a pager; nil: none
		// Replace asks the supervisor for a new session process. It holds the reason why this one cannot
		// continue, such as a goroutine that uses a core and does not stop. Empty on every event that leaves
		// the client.
		Replace string
	}
	// Recorded holds the data from which a new session can restore a cell's declarations. It never leaves the
	// client.
	Recorded struct {
		Cell   uint64
		Record []byte
	}
)

// An Expression is the outcome of one user expression: a value, or an error.
type Expression struct {
	Data     Bundle
	Metadata Bundle
	Failed   *Failed
}

func (Output) event()    {}
func (Display) event()   {}
func (Result) event()    {}
func (Clear) event()     {}
func (Input) event()     {}
func (Failed) event()    {}
func (Restarted) event() {}
func (Done) event()      {}
func (Recorded) event()  {}
