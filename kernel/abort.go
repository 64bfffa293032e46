package kernel

import (
	"strings"
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
	// burstMost is how long a burst may go on behind the failure.
	burstMost = time.Second
	// lateMost is the longest time between the coming of two such cells, whatever their dates.
	lateMost = 2 * time.Second
)

// A stop is a failed cell, seen from the client that sent it. The client's clock is compared with itself only, so that it may
// be wrong; where it is coarse, or was set, a cell runs that might have been aborted.
type stop struct {
	session string
	sent    time.Time // by the client's clock, as the next two
	until   time.Time // what was sent before is aborted
	last    time.Time // until becomes no later
	came    time.Time // by ours: the failure, and then the last cell that was aborted for it
}

// stops reports whether the running cell's end aborts others.
func (x *execution) stops(done session.Done) bool {
	return !done.OK && !x.content.Silent && x.content.StopOnError
}

// abortBehind aborts every cell that a client has sent behind one that failed. Other requests stay.
func (k *kernel) abortBehind(failed request) {
	k.stopped = stop{}
	if sent, _, ok := sentAt(failed); ok {
		now := time.Now()
		until := sent.Add(now.Sub(failed.came))
		k.stopped = stop{failed.msg.Header.Session, sent, until, until.Add(burstMost), now}
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
	s := &k.stopped
	if s.session == "" || !isCell(r) || r.msg.Header.Session != s.session {
		return false
	}
	sent, grain, ok := sentAt(r)
	if !ok || sent.Before(s.sent) || sent.Add(grain).After(s.until) || r.came.Sub(s.came) > lateMost {
		return false
	}
	if r.came.After(s.came) {
		s.came = r.came
	}
	if t := sent.Add(burstGap); t.After(s.until) && !t.After(s.last) {
		s.until = t
	}
	return true
}

func isCell(r request) bool { return r.msg.Header.MsgType == "execute_request" }

// sentAt gives the date of a request: it was sent then, or less than grain later.
func sentAt(r request) (sent time.Time, grain time.Duration, ok bool) {
	date := r.msg.Header.Date
	sent, err := time.Parse(time.RFC3339, date)
	grain = time.Second
	if _, fraction, found := strings.Cut(date, "."); found {
		for i := 0; i < len(fraction) && '0' <= fraction[i] && fraction[i] <= '9'; i++ {
			grain /= 10
		}
	}
	return sent, grain, err == nil
}
