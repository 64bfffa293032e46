package zmq

import (
	"errors"
	"io"
	"sync/atomic"

	"interleave/kernel/wire"
)

// Stats counts what a transport did since it began. What is not Delivered or Sent was dropped, and logged.
type Stats struct {
	Delivered uint64 // messages given to Recv
	Sent      uint64 // messages taken by Send, each once, however many peers it goes to

	BadSignature uint64 // dropped messages: unsigned or wrongly signed
	Replayed     uint64 // dropped messages: rightly signed, but seen before
	Malformed    uint64 // dropped messages: frames missing, or no JSON

	Refused uint64 // connections that never completed a handshake: silent, hostile, of another protocol
	Cut     uint64 // connections ended for breaking ZMTP, ending within a message, or exceeding a limit
	Stalled uint64 // connections ended because the peer did not read while others had to wait
	Astray  uint64 // replies whose client was gone
}

type counters struct {
	delivered, sent                   atomic.Uint64
	badSignature, replayed, malformed atomic.Uint64
	refused, cut, stalled, astray     atomic.Uint64
}

func (c *counters) stats() Stats {
	return Stats{
		Delivered: c.delivered.Load(), Sent: c.sent.Load(),
		BadSignature: c.badSignature.Load(), Replayed: c.replayed.Load(), Malformed: c.malformed.Load(),
		Refused: c.refused.Load(), Cut: c.cut.Load(), Stalled: c.stalled.Load(), Astray: c.astray.Load(),
	}
}

// dropped counts a message that Decode refused.
func (c *counters) dropped(err error) {
	switch {
	case errors.Is(err, wire.ErrSignature):
		c.badSignature.Add(1)
	case errors.Is(err, wire.ErrReplayed):
		c.replayed.Add(1)
	default:
		c.malformed.Add(1)
	}
}

// ended counts a connection that is over, for this reason, and reports whether it was the peer's fault.
func (c *counters) ended(err error) bool {
	switch {
	case errors.Is(err, errStalled):
		c.stalled.Add(1)
	case errors.Is(err, errProtocol), errors.Is(err, io.ErrUnexpectedEOF):
		c.cut.Add(1)
	default:
		return false
	}
	return true
}
