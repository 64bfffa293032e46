package kernel

import (
	"time"

	"interleave/kernel/session"
)

// A cell that fails stops what its client has sent behind it. A front end that runs all cells of a notebook sends them in
// one burst, which takes it 10 to 400 ms, and hears of nothing meanwhile; a cell may have failed in one. So the reply waits a
// moment, and what was sent before it could be known is aborted whenever it arrives.
const (
	// blindFor is the least time between the arrival of a cell and the reply that it failed.
	blindFor = 50 * time.Millisecond
	// burstGap is the longest time between the sending of two cells of one burst.
	burstGap = 30 * time.Millisecond
)

// A stop is a failed cell, seen from the client that sent it. The client's clock is compared with itself only, so that it may
// be wrong.
type stop struct {
	session string
	until   time.Time // by the client's clock: what it has sent before is aborted
}

// stops reports whether the running cell's end aborts others.
func (x *execution) stops(done session.Done) bool {
	return !done.OK && !x.content.Silent && x.content.StopOnError
}

// abortBehind aborts every cell that a client has sent behind one that failed. Other requests stay.
func (k *kernel) abortBehind(failed request) {
	k.stopped = stop{}
	if sent, ok := sentAt(failed); ok {
		k.stopped = stop{failed.msg.Header.Session, sent.Add(time.Since(failed.came))}
	}
	k.drain()
	var rest []request
	for _, r := range k.queue {
		if isCell(r) {
			k.sentBlindly(r) // lengthens the burst
			k.abort(r)
		} else {
			rest = append(rest, r)
		}
	}
	k.queue = rest
}

// sentBlindly reports whether a cell was sent before its client could know of the last failure, or in one burst with such a
// cell.
func (k *kernel) sentBlindly(r request) bool {
	if k.stopped.session == "" || !isCell(r) || r.msg.Header.Session != k.stopped.session {
		return false
	}
	sent, ok := sentAt(r)
	if !ok || !sent.Before(k.stopped.until) {
		return false
	}
	if t := sent.Add(burstGap); t.After(k.stopped.until) {
		k.stopped.until = t
	}
	return true
}

func isCell(r request) bool { return r.msg.Header.MsgType == "execute_request" }

func sentAt(r request) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, r.msg.Header.Date)
	return t, err == nil
}
