package kernel

import "time"

// A stop is a failed cell, seen from the client that sent it: what that client sent before it could know is aborted, also
// when it arrives later. The client's clock is compared with itself only, so that it may be wrong.
type stop struct {
	session string
	sent    time.Time     // by the client's clock
	took    time.Duration // from the request's arrival to the failure
}

// abortBehind aborts every cell that a client has sent behind one that failed. Other requests stay.
func (k *kernel) abortBehind(failed request) {
	k.stopped = stop{}
	if sent, ok := sentAt(failed); ok {
		k.stopped = stop{failed.msg.Header.Session, sent, time.Since(failed.came)}
	}
	k.drain()
	var rest []request
	for _, r := range k.queue {
		if isCell(r) {
			k.abort(r)
		} else {
			rest = append(rest, r)
		}
	}
	k.queue = rest
}

// sentBlindly reports whether a cell was sent before its client could know of the last failure.
func (k *kernel) sentBlindly(r request) bool {
	if k.stopped.session == "" || !isCell(r) || r.msg.Header.Session != k.stopped.session {
		return false
	}
	sent, ok := sentAt(r)
	return ok && sent.Sub(k.stopped.sent) < k.stopped.took
}

func isCell(r request) bool { return r.msg.Header.MsgType == "execute_request" }

func sentAt(r request) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, r.msg.Header.Date)
	return t, err == nil
}
