package zmq

import (
	"errors"
	"io"
	"log/slog"
	"sync/atomic"

	"interleave/kernel/wire"
)

// Stats counts a transport's messages and connections since it began. All that is not Delivered or Sent was
// dropped, and logged.
type Stats struct {
	Delivered uint64 // messages sent to Recv's channel
	Sent      uint64 // messages taken by Send, each once, however many peers it goes to

	BadSignature uint64 // dropped messages: unsigned or wrongly signed
	Replayed     uint64 // dropped messages: with a valid signature, but seen before, or the kernel's own
	Malformed    uint64 // dropped messages: frames missing, or not JSON

	Refused uint64 // connections that never completed a handshake: silent, hostile, of another protocol
	Cut     uint64 // connections ended for breaking ZMTP, ending within a message, or exceeding a limit
	Crowded uint64 // connections dropped to bound the resources of unauthenticated ones
	Stalled uint64 // connections ended because the peer did not read while others had to wait
	Astray  uint64 // replies whose client was gone
}

type counters struct {
	delivered, sent                   atomic.Uint64
	badSignature, replayed, malformed atomic.Uint64
	refused, cut, stalled, astray     atomic.Uint64
	crowded, unaccepted               atomic.Uint64
}

func (c *counters) stats() Stats {
	return Stats{
		Delivered: c.delivered.Load(), Sent: c.sent.Load(),
		BadSignature: c.badSignature.Load(), Replayed: c.replayed.Load(), Malformed: c.malformed.Load(),
		Refused: c.refused.Load(), Cut: c.cut.Load(), Crowded: c.crowded.Load(), Stalled: c.stalled.Load(),
		Astray: c.astray.Load(),
	}
}

// first counts, and returns the level for the log entry: the effects of hostile peers are logged once, or
// they would fill the log.
func (c *counters) first(count *atomic.Uint64) slog.Level {
	if count.Add(1) == 1 {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// dropped returns the counter for a message that Decode refused.
func (c *counters) dropped(err error) *atomic.Uint64 {
	switch {
	case errors.Is(err, wire.ErrSignature):
		return &c.badSignature
	case errors.Is(err, wire.ErrReplayed):
		return &c.replayed
	default:
		return &c.malformed
	}
}

// ended returns the counter of connections that ended for this reason, nil if it was not the peer's fault.
func (c *counters) ended(err error) *atomic.Uint64 {
	switch {
	case errors.Is(err, errStalled):
		return &c.stalled
	case errors.Is(err, errProtocol), errors.Is(err, io.ErrUnexpectedEOF):
		return &c.cut
	default:
		return nil
	}
}
