package install

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/term"

	"interleave/kernel/toolchain"
	"interleave/runtime/quantity"
)

// buildWork is what a first build costs, in seconds of one core. Go's compiler uses all of them, up to a point.
const buildWork = 140

// A Progress reports the steps of a build: on a terminal in one line that is rewritten, otherwise in plain
// lines. It writes nothing until the first step. Between NewProgress and Done it owns one goroutine when w is
// a terminal.
type Progress struct {
	w     io.Writer
	tty   bool
	start time.Time

	mu   sync.Mutex
	step toolchain.Step
	stop chan struct{}  // closed by Done
	done sync.WaitGroup // the goroutine that counts seconds
}

// NewProgress returns a progress that writes to w.
func NewProgress(w io.Writer) *Progress {
	f, ok := w.(*os.File)
	return &Progress{w: w, tty: ok && term.IsTerminal(int(f.Fd())), stop: make(chan struct{})}
}

// Step reports the beginning of a step. It is a toolchain.Config's Progress.
func (p *Progress) Step(s toolchain.Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.start.IsZero()
	if first {
		p.start = time.Now()
		fmt.Fprintf(p.w, "building the Interleave host, once: about %s, or a few seconds if Go has most of it in its cache\n",
			quantity.Duration(estimate()))
	}
	p.step = s
	if !p.tty {
		fmt.Fprintf(p.w, "  %s%s\n", count(s), s.What)
		return
	}
	p.line()
	if first {
		p.done.Go(p.tick)
	}
}

// tick updates the seconds in the line.
func (p *Progress) tick() {
	t := time.NewTicker(time.Second / 4)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.mu.Lock()
			p.line()
			p.mu.Unlock()
		}
	}
}

// line rewrites the line; p.mu is held.
func (p *Progress) line() {
	fmt.Fprintf(p.w, "\r\x1b[K  %s%s … %s", count(p.step), p.step.What, quantity.Duration(time.Since(p.start).Round(time.Second)))
}

// Done ends the progress, with the error of the build. If no step was reported it writes nothing.
func (p *Progress) Done(err error) {
	close(p.stop)
	p.done.Wait()
	if p.start.IsZero() {
		return
	}
	if p.tty {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	if err == nil {
		fmt.Fprintf(p.w, "built in %s\n", quantity.Duration(time.Since(p.start)))
	}
}

func count(s toolchain.Step) string {
	if s.N == 0 {
		return ""
	}
	return fmt.Sprintf("[%d/%d] ", s.N, s.Of)
}

// estimate returns roughly how long a first build takes on this machine: the longest chain of packages does not
// get shorter with more cores.
func estimate() time.Duration {
	s := max(buildWork/runtime.NumCPU(), 20)
	return time.Duration((s+4)/5*5) * time.Second
}
