package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"interleave/runtime/quantity"
)

const (
	// maxIdleDeaths is how many processes in a row may end without a cell before new ones are only started
	// for a cell.
	maxIdleDeaths = 5
	// recordDeaths is the number of such deaths after which the records are assumed to be the reason: a
	// goroutine that a declaration started can end the process some time after it was restored.
	recordDeaths = 3
	// settled is how long a process must live for its end not to count among them.
	settled = 10 * time.Second
	// maxCulprits is how many records may end the process before the rest of them is dropped.
	maxCulprits = 8
)

// A record restores a cell's declarations.
type record struct {
	data string
	n    int // the cell's number for the user; 0: unknown
}

var errClosing = errors.New("the session closes")

// errEnded is the end of a process that was starting or restoring.
type errEnded struct{ why string }

func (e errEnded) Error() string { return e.why }

// revive starts a process in place of the one that ended. It returns false when the client closes.
func (l *life) revive(e *Restarted) bool {
	err := l.startAndRestore(e)
	if err == errClosing {
		return false
	}
	if err != nil {
		e.Failed = append(e.Failed, "the session process did not start again: "+err.Error())
	}
	return true
}

// startForCell starts a process for a cell that has no process.
func (l *life) startForCell() {
	e := Restarted{Cell: l.cell.ID, Reason: "the session process was started again"}
	switch err := l.startAndRestore(&e); {
	case err == errClosing:
	case err != nil:
		l.fail(Failed{Name: FailureNotStarted, Value: err.Error()})
		l.finish(Done{})
	case len(e.Lost)+len(e.Failed) > 0:
		l.emit(e)
	}
}

// startAndRestore starts a process and sends it the records. It adds losses to e. A record that kills the
// process is dropped: after a first death records are sent one by one, which identifies the culprit, and each
// death drops one, so that this ends.
//
// It returns nil when the process can take cells, errClosing, or the reason why there is no process.
func (l *life) startAndRestore(e *Restarted) error {
	if l.deaths > recordDeaths && len(l.records) > 0 {
		e.Failed = append(e.Failed, fmt.Sprintf("everything that was declared: "+
			"the session process ended %d times soon after it was brought back", l.deaths-1))
		l.records = nil
	}
	batch := len(l.records)
	for culprits := 0; ; {
		if err := l.launch(); err != nil {
			return err
		}
		var lost, failed []string
		i := 0
		for i < len(l.records) {
			n := min(batch, len(l.records)-i)
			r, err := l.restore(l.records[i : i+n])
			if err == nil {
				lost, failed = append(lost, r.Lost...), append(failed, r.Failed...)
				i += n
				continue
			}
			if errors.As(err, new(errEnded)) {
				if n > 1 {
					batch = 1
					break
				}
				culprits++
				e.Failed = append(e.Failed,
					fmt.Sprintf("%s: the session process ended while it was brought back: %v", l.records[i], err))
				l.records = slices.Delete(l.records, i, i+1)
				if culprits == maxCulprits && len(l.records) > 0 {
					e.Failed = append(e.Failed, "everything else that was declared: too much of it ended the session process")
					l.records = nil
				}
				break
			}
			return err
		}
		if l.p != nil {
			e.Lost, e.Failed = append(e.Lost, lost...), append(e.Failed, failed...)
			return nil
		}
	}
}

func (r record) String() string {
	if r.n == 0 {
		return "a declaration"
	}
	return fmt.Sprintf("cell[%d]", r.n)
}

// launch starts a process and waits until it accepts requests.
func (l *life) launch() error {
	p, err := l.start(newNonce())
	if err != nil {
		l.cfg.Log.Error("session did not start", "err", err)
		return err
	}
	l.p, l.startedAt = p, time.Now()
	l.client.pid.Store(int64(p.pid))
	l.cfg.Log.Info("session started", "pid", p.pid)
	switch _, err = await[ready](l, "it was not ready"); {
	case err == nil:
		l.sendWaiting()
	case err != errClosing:
		err = fmt.Errorf("start session: the process ended before it was ready: %w", err)
	}
	return err
}

func (l *life) restore(records []record) (restored, error) {
	m := restore{Records: make([]string, len(records))}
	for i, r := range records {
		m.Records[i] = r.data
	}
	if err := l.p.send(m); err != nil {
		// Too large for one frame. One by one the records fit.
		l.p.signal(true)
	}
	return await[restored](l, "it had not brought everything back")
}

// await handles events until one of type T comes. It returns errEnded when the process ends first. When the
// process takes longer than StartTimeout, await kills it.
func await[T Event](l *life, late string) (answer T, err error) {
	t := time.NewTimer(l.cfg.StartTimeout)
	defer t.Stop()
	timedOut := false
	for {
		e, s := l.next(t.C)
		switch s {
		case stepItem:
			switch e := e.(type) {
			case T:
				return e, nil
			case Recorded, Done: // restoring must not record again, and no cell runs
			default:
				l.handle(e)
			}
		case stepTimeout:
			timedOut = true
			l.p.signal(true)
		case stepEnded:
			p := l.reap()
			why := l.cfg.Explain(l.death(p)).Value
			if timedOut {
				why = fmt.Sprintf("%s after %s", late, quantity.Duration(l.cfg.StartTimeout))
			}
			return answer, errEnded{why}
		case stepClosing:
			return answer, errClosing
		}
	}
}
