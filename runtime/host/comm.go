package host

import "sync/atomic"

// A Comm is what happens to a comm, which is a channel between code here and code of the front end, such as a widget.
type Comm struct {
	ID       string
	Op       CommOp
	Target   string   // of CommOpen
	Data     []byte   // a JSON object
	Metadata []byte   // of the message: a JSON object, or empty
	Buffers  [][]byte // not to be changed
	Re       uint64   // number of the front end's message; in a message that answers it, the same
}

// A CommOp is what happens to a comm.
type CommOp int

const (
	CommOpen CommOp = 1 + iota
	CommMessage
	CommClose
	CommReset // the host closes all comms, and forgets what the user's code has registered
)

var commReceiver atomic.Pointer[func(Comm)]

// OnComm has receive called with what the host receives of comms, one after the other. The library that keeps the
// comms calls it once. receive must not wait for user code.
func OnComm(receive func(Comm)) { commReceiver.Store(&receive) }

// ReceiveComm is called by the host with what it receives of comms. It returns false if no library keeps comms.
func ReceiveComm(c Comm) bool {
	f := commReceiver.Load()
	if f != nil {
		(*f)(c)
	}
	return f != nil
}
