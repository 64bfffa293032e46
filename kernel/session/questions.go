package session

import (
	"context"
	"log/slog"
	"time"
)

const (
	// answerTime is how long the process may take to answer a question that was sent to it.
	answerTime = 5 * time.Second
	// maxLate is how many questions a process may leave unanswered beyond their time. Until it answers some,
	// later ones get an empty answer at once: it may be stopped, and what it does not read takes memory here.
	maxLate = 16
	// levelBug is kernel.LevelBug.
	levelBug = slog.LevelError + 4
)

// questions are those of the present process, and the answers that the consumer has not received. Without a
// process no question is open.
type questions struct {
	open    map[uint64]bool // not answered yet
	waiting []Question      // for the process to be ready
	asked   []askedQuestion // sent to the process, oldest first; answered ones stay until they are the first
	timer   *time.Timer     // of the first in asked; nil: not running
	answers []Answered
}

type askedQuestion struct {
	id  uint64
	due time.Time
}

// ask takes a question: it is sent, waits for the process to be ready, or gets an empty answer at once.
func (l *life) ask(q Question) {
	if l.p == nil || l.isClosing() || l.p.late >= maxLate {
		l.answers = append(l.answers, Answered{ID: q.ID})
		return
	}
	if l.open == nil {
		l.open = make(map[uint64]bool)
	}
	l.open[q.ID] = true
	if l.p.ready {
		l.sendQuestion(q)
	} else {
		l.waiting = append(l.waiting, q)
	}
}

// sendWaiting sends what waits to a process that has become ready.
func (l *life) sendWaiting() {
	l.p.ready = true
	for _, q := range l.waiting {
		l.sendQuestion(q)
	}
	l.waiting = nil
}

func (l *life) sendQuestion(q Question) {
	if err := l.p.send(q); err != nil { // too large for a frame
		l.cfg.Log.Error("send question", "err", err)
		l.conclude(Answered{ID: q.ID})
		return
	}
	l.asked = append(l.asked, askedQuestion{q.ID, time.Now().Add(answerTime)})
	if l.timer == nil {
		l.timer = time.NewTimer(answerTime)
	}
}

// take takes an answer of the process.
func (l *life) take(a answered) {
	if a.Bug != "" {
		l.cfg.Log.Log(context.Background(), levelBug, "question", "panic", a.Bug)
	}
	if !l.open[a.ID] { // its time was over
		l.p.late--
		return
	}
	l.conclude(a.Answered)
}

// conclude answers an open question.
func (l *life) conclude(a Answered) {
	delete(l.open, a.ID)
	l.answers = append(l.answers, a)
	if len(l.open) == 0 {
		l.asked = nil
		if l.timer != nil {
			l.timer.Stop()
			l.timer = nil
		}
	}
}

// overdue returns the channel that fires when the time of the oldest question may be over.
func (l *life) overdue() <-chan time.Time {
	if l.timer == nil {
		return nil
	}
	return l.timer.C
}

// giveUp answers the questions whose time is over, and sets the timer for the next one.
func (l *life) giveUp() {
	l.timer = nil
	for len(l.asked) > 0 {
		q := l.asked[0]
		open, wait := l.open[q.id], time.Until(q.due)
		if open && wait > 0 {
			l.timer = time.NewTimer(wait)
			return
		}
		l.asked = l.asked[1:]
		if open {
			l.p.late++
			l.conclude(Answered{ID: q.id})
		}
	}
}

// drop answers all open questions: their process has ended.
func (l *life) drop() {
	for _, q := range l.asked {
		if l.open[q.id] {
			l.conclude(Answered{ID: q.id})
		}
	}
	for _, q := range l.waiting {
		l.conclude(Answered{ID: q.ID})
	}
	l.waiting = nil
}
