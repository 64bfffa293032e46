package kernel

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"interleave/kernel/session"
)

// A failed cell aborts the cells that its client has sent behind it, and not those of other clients, unlike
// in ipykernel, which aborts the whole shell queue. A front end that runs all cells of a notebook sends them
// in one burst, which takes 10 to 400 ms, on a busy machine longer. Meanwhile it does not read replies, and a
// cell may fail. So the reply waits until the burst is over, and cells sent before the reply are aborted
// whenever they arrive.
const (
	// minFailureDelay is the least time between the arrival of a cell and the reply that it failed.
	minFailureDelay = 50 * time.Millisecond
	// burstGap is the longest time between two cells of one burst.
	burstGap = 150 * time.Millisecond
	// burstMost is how long a burst may continue after the failure.
	burstMost = 2 * time.Second
	// lateMost is the longest time between the arrivals of two such cells, whatever their dates.
	lateMost = 3 * time.Second
)

// A stop is a client's last failed cell, seen from the client. The client's clock is compared with itself
// only, so that it may be wrong; where it is coarse, or was set, a cell runs that might have been aborted.
type stop struct {
	sent  time.Time // by the client's clock, as the next two
	until time.Time // cells sent before are aborted
	last  time.Time // bound of until
	came  time.Time // by the kernel's clock: the failure, then the last cell that was aborted for it
}

// stops reports whether the running cell's end aborts others.
func (x *execution) stops(done session.Done) bool {
	return !done.OK && !x.content.Silent && x.content.StopOnError
}

// failureDelay returns how long the reply to the running cell, which failed, still has to wait.
func (k *kernel) failureDelay() time.Duration {
	r := k.running.request
	until := r.came.Add(minFailureDelay)
	for _, q := range k.queue { // in order of arrival
		if isCell(q) && q.client() == r.client() {
			until = later(until, q.came.Add(burstGap))
		}
	}
	if most := k.failedAt.Add(burstMost); until.After(most) {
		until = most
	}
	return time.Until(until)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// client identifies the sender of a request. Every message names its session: JupyterLab has one for each
// notebook and console, although all of them may come through one server, and a client keeps its session when
// it connects again. Identities name connections; they count only for messages without a session.
func (r request) client() string {
	if s := r.msg.Header.Session; s != "" {
		return "session " + s
	}
	return fmt.Sprintf("identities %q", r.msg.Identities)
}

// behind removes the waiting cells of the failed cell's client from the queue, and records when the client
// can know of the failure. The caller must send that reply next. Other requests stay.
func (k *kernel) behind(failed request) []request {
	k.drain()
	now := time.Now()
	maps.DeleteFunc(k.stopped, func(_ string, s *stop) bool { return now.Sub(s.came) > lateMost })
	delete(k.stopped, failed.client())
	if sent, _, ok := sentAt(failed); ok {
		until := sent.Add(now.Sub(failed.came))
		k.stopped[failed.client()] = &stop{sent, until, until.Add(burstMost), now}
	}
	var rest, stopped []request
	for _, r := range k.queue {
		if isCell(r) && r.client() == failed.client() {
			k.sentBeforeFailureKnown(r) // lengthens the burst
			stopped = append(stopped, r)
		} else {
			rest = append(rest, r)
		}
	}
	k.queue = rest
	return stopped
}

// sentBeforeFailureKnown reports whether a cell was sent before its client could know of its last failed
// cell, or in one burst with such a cell.
func (k *kernel) sentBeforeFailureKnown(r request) bool {
	if len(k.stopped) == 0 || !isCell(r) {
		return false
	}
	s := k.stopped[r.client()]
	if s == nil {
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

// sentAt returns the date of a request: it was sent then, or less than grain later.
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
