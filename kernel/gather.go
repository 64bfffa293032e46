package kernel

import (
	"strings"
	"time"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// Text is gathered before it is published, because a message costs clients far more than a byte: a cell that
// prints a million lines makes some hundred messages. Text waits for a time that a reader does not notice,
// and is flushed before anything else is published.
const (
	gatherTime = 20 * time.Millisecond
	gatherSize = 256 << 10 // bytes
)

// A gatherer holds what is not published yet: text of one cell on one stream, or the last of several updates
// of one display. It holds at most one of them, which keeps the order of the events.
type gatherer struct {
	cell   uint64
	stream session.Stream
	text   strings.Builder
	update *session.Display
	timer  *time.Timer // runs while something is held
}

func (g *gatherer) empty() bool { return g.text.Len() == 0 && g.update == nil }

// gather holds text back for a short time.
func (k *kernel) gather(o session.Output) {
	g := &k.gathered
	if g.update != nil || g.cell != o.Cell || g.stream != o.Stream {
		k.flush()
	}
	g.cell, g.stream = o.Cell, o.Stream
	if g.empty() {
		if len(o.Text) >= gatherSize {
			k.text(o)
			return
		}
		g.timer.Reset(gatherTime)
	}
	g.text.WriteString(o.Text)
	if g.text.Len() >= gatherSize {
		k.flush()
	}
}

// supersede holds an update back for a short time, in which a newer one of the same display replaces it: a
// progress bar that moves a thousand times a second is shown fifty times.
func (k *kernel) supersede(d session.Display) {
	g := &k.gathered
	if g.update == nil || g.update.ID != d.ID || g.update.Cell != d.Cell {
		k.flush()
		g.timer.Reset(gatherTime)
	}
	g.update = &d
}

// flush publishes the held text or update.
func (k *kernel) flush() {
	g := &k.gathered
	if g.empty() {
		return
	}
	g.timer.Stop()
	if d := g.update; d != nil {
		g.update = nil
		k.publishFor(d.Cell,
			wire.DisplayData{Data: wire.Bundle(d.Data), Metadata: wire.Bundle(d.Metadata), ID: d.ID, Update: true})
		return
	}
	text := g.text.String()
	g.text.Reset()
	k.text(session.Output{Cell: g.cell, Stream: g.stream, Text: text})
}

func (k *kernel) text(o session.Output) {
	k.publishFor(o.Cell, wire.StreamText{Name: string(o.Stream), Text: o.Text})
}
