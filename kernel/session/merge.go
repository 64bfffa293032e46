package session

import "time"

// reportTime is how long a report is held back: a process that lives longer was not dying. Counting the
// frames of a full stack, which the runtime does in the middle of its report, takes seconds. It delays only
// text that looks like a report of the runtime, at most until the next frame, and does not affect the order.
const reportTime = 15 * time.Second

// A merger merges a child's three pipes into one ordered stream of events. Section k of the order is all
// output up to marker k, then frame k; a stream that has reached its marker waits until the frame is out.
//
// It has one goroutine, which executes run.
type merger struct {
	streams [2]<-chan segment // stdout, stderr; closed at their ends
	frames  <-chan frame      // closed at the end
	out     chan<- Event
	stop    <-chan struct{} // closed: events are not received any longer

	cell   uint64 // the cell that output on the streams belongs to
	report report // valid for others when run has returned
}

func (m *merger) run() {
	held := time.NewTimer(reportTime)
	defer held.Stop()
	var (
		streams = m.streams
		frames  = m.frames
		next    *frame  // the frame that was read and waits for its markers
		at      [2]bool // the stream has reached the marker of section seq
		seq     = uint64(1)
	)
	for streams[0] != nil || streams[1] != nil || frames != nil {
		if next != nil && m.complete(*next, at, streams) {
			f := *next
			next, at, seq = nil, [2]bool{}, f.seq+1
			if !m.frame(f) {
				return
			}
			continue
		}
		from := streams
		for i := range from {
			if at[i] && (frames != nil || next != nil) {
				from[i] = nil // output after the marker comes after the frame
			}
		}
		control := frames
		if next != nil {
			control = nil
		}
		var timer <-chan time.Time
		if m.report.holds() {
			timer = held.C
		}
		i := 0
		var s segment
		var ok bool
		select {
		case s, ok = <-from[0]:
		case s, ok = <-from[1]:
			i = 1
		case f, ok := <-control:
			if !ok {
				frames = nil // the process is ending: there is no order to keep
			} else {
				next = &f
			}
			continue
		case <-timer:
			if !m.put(Output{m.cell, Stderr, m.report.release()}) {
				return
			}
			continue
		case <-m.stop:
			return
		}
		if !ok {
			streams[i] = nil
			continue
		}
		if s.mark == seq {
			at[i] = true
		}
		text, stream := s.text, Stdout
		if i == 1 {
			before := m.report.holds()
			stream, text = Stderr, m.report.take(text)
			if !before && m.report.holds() {
				held.Reset(reportTime)
			}
		}
		if text != "" && !m.put(Output{m.cell, stream, text}) {
			return
		}
	}
}

// complete reports whether all output that belongs before f has been put out.
func (m *merger) complete(f frame, at [2]bool, streams [2]<-chan segment) bool {
	for i := range at {
		if f.marks&(1<<i) != 0 && !at[i] && streams[i] != nil {
			return false
		}
	}
	return true
}

func (m *merger) frame(f frame) bool {
	if text := m.report.release(); text != "" && !m.put(Output{m.cell, Stderr, text}) {
		return false
	}
	e, ok := f.msg.(Event)
	if !ok {
		return true // ignore a request in the wrong direction
	}
	switch e := e.(type) {
	case begin:
		m.cell = e.Cell
		m.report.forget()
	case fence:
		return true
	case Done:
		m.cell = 0
		m.report.forget()
	}
	return m.put(e)
}

func (m *merger) put(e Event) bool {
	select {
	case m.out <- e:
		return true
	case <-m.stop:
		return false
	}
}
