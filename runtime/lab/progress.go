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
	"interleave/runtime/quantity"
)

// A Bar shows the progress of long work: in a notebook as a bar that is updated in place, on a terminal as a
// line that is, and elsewhere as one line at the end. It has no goroutine: it draws when it is called, at
// most ten times a second.
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
	if !b.closed && time.Since(b.drawn) >= drawEvery {
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

func (b *Bar) line() string {
	var s strings.Builder
	took := b.took
	if !b.closed {
		took = time.Since(b.begin)
	}
	fmt.Fprintf(&s, "%s: %d", b.label, b.done)
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
	b.drawn = time.Now()
	line := b.line()
	switch {
	case b.handle != nil:
		b.handle.Raw(map[string]any{
			"text/plain": line,
			"text/html":  fmt.Sprintf(`<progress%s style="width:20em;vertical-align:middle"></progress> <code>%s</code>`, b.part(), html.EscapeString(line)),
		}, nil)
	case b.inLine && b.closed:
		fmt.Fprintf(b.out, "\r\x1b[K%s\n", line)
	case b.inLine:
		fmt.Fprintf(b.out, "\r\x1b[K%s", line)
	case b.closed:
		fmt.Fprintln(b.out, line)
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
