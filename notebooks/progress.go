package notebooks

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/term"

	"interleave/runtime/quantity"
)

// A progress reports the progress of a run: on a terminal with a line that is updated while a cell runs,
// elsewhere with a line for each cell that has ended. It owns one goroutine on a terminal, from start to
// stop.
type progress struct {
	w     io.Writer
	width func() int // of the terminal; nil when w is not a terminal

	mu    sync.Mutex // guards w and what follows
	what  [2]string  // the live line, before and after the time; empty: no line
	since time.Time
	frame int

	done chan struct{}
	task sync.WaitGroup
}

// terminal returns the width of the terminal that w writes to; nil when w is not a terminal.
func terminal(w io.Writer) func() int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func() int {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
		return 80
	}
}

func newProgress(w io.Writer, width func() int) *progress {
	p := &progress{w: w, width: width, done: make(chan struct{})}
	if width != nil {
		p.task.Go(p.live)
	}
	return p
}

// live redraws the live line ten times a second.
func (p *progress) live() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			p.frame++
			p.draw()
			p.mu.Unlock()
		case <-p.done:
			return
		}
	}
}

// stop removes the live line. No steps may be reported afterwards.
func (p *progress) stop() {
	close(p.done)
	p.task.Wait()
	p.hide()
}

// show changes the live line, which counts from now.
func (p *progress) show(before, after string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.since = [2]string{before, after}, time.Now()
	p.draw()
}

// hide removes the live line.
func (p *progress) hide() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.width != nil && p.what[1] != "" {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.what = [2]string{}
}

func (p *progress) draw() {
	if p.width == nil || p.what[1] == "" {
		return
	}
	spinner := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	line := fmt.Sprintf("%s %s  %c %s", p.what[0], column(time.Since(p.since).Round(100*time.Millisecond)), spinner[p.frame%len(spinner)], p.what[1])
	// The last column stays free: some terminals wrap when it is written.
	fmt.Fprint(p.w, "\r\x1b[K", fit(line, p.width()-1))
}

// line writes a line that stays.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if p.width != nil {
		text = fit(text, p.width()-1)
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintln(p.w, text)
	p.draw()
}

// step reports one cell.
func (p *progress) step(s Step) {
	digits := len(fmt.Sprint(s.Total))
	title := s.Line
	if s.Heading != "" {
		title = s.Heading + ": " + title
	}
	title = fit(title, 80)
	if !s.Ended {
		p.show(fmt.Sprintf("%*d/%d", digits, s.Number, s.Total), title)
		return
	}
	verdict := ""
	switch {
	case s.Expected:
		verdict = "failed, as it should  "
	case s.Err != nil:
		verdict = "FAILED  "
	}
	if s.Dropped > 0 {
		verdict += fmt.Sprintf("%s of output left out (--max-output)  ", quantity.Bytes(s.Dropped))
	}
	p.hide()
	p.line("%*d/%d %s  %s%s", digits, s.Number, s.Total, column(s.Took), verdict, title)
}

// column spells a duration in a column of its own.
func column(d time.Duration) string { return fmt.Sprintf("%9s", quantity.Duration(d)) }

// fit cuts a line to a number of columns, and ends it with dots when it was longer. Wide characters count
// twice, in a rough way: what is not Latin, Greek or Cyrillic.
func fit(s string, width int) string {
	var b strings.Builder
	if width < 1 {
		return ""
	}
	used, kept := 0, 0 // columns; bytes of b that leave room for the dots
	for _, r := range s {
		if unicode.IsControl(r) {
			r = ' '
		}
		n := 1
		if r >= 0x1100 && !(0x2000 <= r && r < 0x2e80) {
			n = 2
		}
		if used += n; used > width {
			return b.String()[:kept] + "…"
		}
		b.WriteRune(r)
		if used < width {
			kept = b.Len()
		}
	}
	return b.String()
}
