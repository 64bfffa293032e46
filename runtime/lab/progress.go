package lab

import (
	"fmt"
	"html"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"interleave/runtime/display"
	"interleave/runtime/host"
	"interleave/runtime/internal/comms"
	"interleave/runtime/quantity"
	"interleave/runtime/widget"
)

// A Bar shows the progress of long work: in a notebook as a bar that is updated in place, on a terminal as a
// line that is, and elsewhere as one line at the end. It draws when it is called, at most ten times a second.
//
// Where the front end has ipywidgets the bar is a widget until it is closed: then it draws the last state soon after the
// call, on a goroutine of its own that ends with that. What a closed bar leaves is HTML, which a saved notebook keeps.
type Bar struct {
	label  string
	total  int       // or unknownTotal
	out    io.Writer // where text goes; nil means that the bar is displayed
	inLine bool      // out is a terminal: the line can be written again

	mu     sync.Mutex
	done   int
	begin  time.Time
	drawn  time.Time
	closed bool
	took   time.Duration // when closed
	handle *display.Handle
	live   *liveBar // or nil
}

// A liveBar is a bar that is a widget.
type liveBar struct {
	bar  *widget.IntProgress
	line *widget.Label
	all  *widget.Box
	pace *comms.Pace
}

// drawEvery is the least time between two drawings.
const drawEvery = 100 * time.Millisecond

// NewProgress shows a bar for total steps. Close it when the work is over, whether it was finished or not.
func NewProgress(label string, total int) *Bar {
	if total < 0 {
		panic(misuse("lab.NewProgress", "total %d: need zero or more", total))
	}
	return newBar(label, total)
}

// unknownTotal is the total of a bar that shows no part of the whole.
const unknownTotal = -1

func newBar(label string, total int) *Bar {
	b := &Bar{label: label, total: total, begin: time.Now()}
	if host.Get().Show != nil {
		b.handle = display.NewHandle()
		if widget.Available() {
			b.live = &liveBar{bar: widget.NewIntProgress(label, max(1, total)), line: widget.NewLabel("")}
			b.live.all = widget.HBox(b.live.bar, b.live.line)
			b.live.pace = comms.NewPace(drawEvery, b.drawLate)
			if total == unknownTotal {
				b.live.bar.Style("info")
			}
		}
	} else {
		b.out, b.inLine = os.Stdout, term.IsTerminal(int(os.Stdout.Fd()))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draw()
	return b
}

// Add reports that n further steps are done; a negative n takes some back. It may be called by several
// goroutines, and costs little when nothing is drawn.
func (b *Bar) Add(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done+n < 0 {
		panic(misuse("lab.Bar.Add", "%d: only %d are done", n, b.done))
	}
	b.done += n
	switch {
	case b.closed:
	case b.live != nil:
		b.live.pace.Touch()
	case time.Since(b.drawn) >= drawEvery:
		b.draw()
	}
}

// drawLate draws what was added since the last drawing.
func (b *Bar) drawLate() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.draw()
	}
}

// Close draws the bar for the last time. Closing it again does nothing.
func (b *Bar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed, b.took = true, time.Since(b.begin)
	b.draw()
}

// String is the bar's line: label, part, count, rate and the time that remains or that it took.
func (b *Bar) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.line()
}

func (b *Bar) line() string { return b.label + ": " + b.figures() }

// figures is the line without its label.
func (b *Bar) figures() string {
	var s strings.Builder
	took := b.took
	if !b.closed {
		took = time.Since(b.begin)
	}
	fmt.Fprintf(&s, "%d", b.done)
	if b.total != unknownTotal {
		fmt.Fprintf(&s, "/%d", b.total)
	}
	if b.total > 0 {
		fmt.Fprintf(&s, " (%d %%)", b.done*100/b.total)
	}
	if b.done > 0 && took > 0 {
		fmt.Fprintf(&s, ", %s/s", quantity.Number(float64(b.done)/took.Seconds()))
	}
	switch {
	case b.closed || b.total != unknownTotal && b.done >= b.total:
		fmt.Fprintf(&s, ", took %s", quantity.Duration(took))
	case b.done > 0 && b.total > 0:
		left := time.Duration(float64(took) / float64(b.done) * float64(b.total-b.done))
		fmt.Fprintf(&s, ", %s left", quantity.Duration(left))
	}
	return s.String()
}

func (b *Bar) draw() {
	first := b.drawn.IsZero()
	b.drawn = time.Now()
	line := b.line()
	switch {
	case b.live != nil:
		b.drawLive(first)
	case b.handle != nil:
		b.handle.Raw(b.forms(), nil)
	case b.inLine && b.closed:
		fmt.Fprintf(b.out, "\r\x1b[K%s\n", line)
	case b.inLine:
		fmt.Fprintf(b.out, "\r\x1b[K%s", line)
	case b.closed:
		fmt.Fprintln(b.out, line)
	}
}

// forms are the bar for front ends without widgets.
func (b *Bar) forms() map[string]any {
	line := b.line()
	return map[string]any{
		"text/plain": line,
		"text/html":  fmt.Sprintf(`<progress%s style="width:20em;vertical-align:middle"></progress> <code>%s</code>`, b.part(), html.EscapeString(line)),
	}
}

// drawLive draws the bar's widget. When the bar is closed it puts HTML in the widget's place.
func (b *Bar) drawLive(first bool) {
	l := b.live
	l.bar.Set(max(1, b.done))
	if b.total != unknownTotal {
		l.bar.Set(b.done)
	}
	l.line.Set(b.figures())
	switch {
	case b.closed:
		b.handle.Raw(b.forms(), nil)
		l.all.Close()
	case first:
		forms := l.all.MIMEBundle()
		for mime, form := range b.forms() {
			forms[mime] = form
		}
		b.handle.Raw(forms, nil)
	}
}

// part is the part of the whole that is done, as HTML's progress has it: without one it only moves.
func (b *Bar) part() string {
	switch {
	case b.total != unknownTotal:
		return fmt.Sprintf(` value="%d" max="%d"`, b.done, max(1, b.total))
	case b.closed:
		return ` value="1" max="1"`
	}
	return ""
}
