package session

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// A process is one child as the supervisor sees it. The zero step of its life is over when newProcess returns; it is over
// when items is closed.
type process struct {
	pid   int
	items <-chan Event // in order; closed when the child has ended and everything it said has been taken

	// Valid when items is closed.
	exit   error  // what Wait returned
	report []byte // the runtime's last words
	cut    error  // what ended its frames while it lived
	space  uint64 // bytes to which its address space was limited; 0: it was not
	line   int    // where its cell was

	beats func() uint32 // of the page, until unmap
	unmap func()        // called by the owner when it takes leave

	signal func(hard bool) // asks the process group to end (SIGTERM) or makes it (SIGKILL)

	stop func() // nobody takes items any more; idempotent

	mu       sync.Mutex
	requests [][]byte      // encoded, waiting for the writer
	seq      uint64        // of the newest request
	wake     chan struct{} // capacity 1: requests is not empty, or hangup
	hangup   bool          // close the request pipe after the last request
	inputs   uint64        // Input events of this process that left the client; owned by life
}

// dying is how long a process may take to end after its pipes have: the system closes them first.
const dying = time.Second

// pipes are the supervisor's ends. wait returns when the child has ended; after that the streams end by themselves.
type pipes struct {
	stdout, stderr io.ReadCloser
	frames         io.ReadCloser
	requests       io.WriteCloser
	wait           func(space *uint64) error // space gets the limit of its address space
	drained        func()                    // called when wait has returned: what the streams still hold comes, then their end
	page           *page                     // shared with the child
	unmap          func()                    // called when the page is not needed any more
	signal         func(hard bool)
	pid            int
}

// newProcess starts the goroutines that serve a child's pipes: three readers, a merger, a writer and one that waits. All end after
// the child has, once items has been read to its end or stop was called.
func newProcess(p pipes, nonce string) *process {
	stop := make(chan struct{})
	items := make(chan Event)
	pr := &process{
		pid: p.pid, items: items, signal: p.signal,
		beats: func() uint32 { return atomic.LoadUint32(&p.page.beats) }, unmap: p.unmap,
		stop: sync.OnceFunc(func() { close(stop) }),
		wake: make(chan struct{}, 1),
	}
	var readers sync.WaitGroup
	stream := func(r io.Reader) <-chan segment {
		out := make(chan segment)
		readers.Go(func() {
			defer close(out)
			s := splitter{nonce: []byte(nonce)}
			s.stream(r, func(seg segment) bool {
				select {
				case out <- seg:
					return true
				case <-stop:
					return false
				}
			})
		})
		return out
	}
	frames := make(chan frame)
	ended := make(chan struct{})
	readers.Go(func() {
		defer close(frames)
		r := &frameReader{r: p.frames}
		for {
			f, err := r.next()
			if err != nil { // the end of the process, or of our understanding of it
				select {
				case <-ended:
				case <-time.After(dying):
					pr.cut = err // it is deaf and dumb
					p.signal(true)
				}
				return
			}
			select {
			case frames <- f:
			case <-stop:
				return
			}
		}
	})
	go func() {
		defer close(ended)
		pr.exit = p.wait(&pr.space)
		pr.line = int(atomic.LoadUint32(&p.page.line))
		p.drained()
		p.requests.Close() // in case the writer stands in a full pipe
	}()
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer p.requests.Close()
		pr.write(p.requests, ended)
	}()
	m := &merger{streams: [2]<-chan segment{stream(p.stdout), stream(p.stderr)}, frames: frames, out: items, stop: stop}
	go func() {
		// items closes last of all: whoever has seen it closed knows that nothing of this process is left.
		defer close(items)
		m.run()
		readers.Wait()
		<-ended
		<-written
		p.stdout.Close()
		p.stderr.Close()
		p.frames.Close()
		var text string
		if text, pr.report = m.report.last(pr.exit); text != "" {
			m.put(Output{m.cell, Stderr, text})
		}
	}()
	return pr
}

// send queues a request. It never blocks: the requests under way are few, and a child that does not read them is replaced.
func (p *process) send(msg any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := appendFrame(nil, frame{seq: p.seq + 1, msg: msg})
	if err != nil {
		return err
	}
	p.seq++
	p.requests = append(p.requests, b)
	p.poke()
	return nil
}

// hang closes the request pipe when all requests are written.
func (p *process) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangup = true
	p.poke()
}

func (p *process) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *process) write(w io.Writer, ended <-chan struct{}) {
	for {
		select {
		case <-p.wake:
		case <-ended:
			return
		}
		p.mu.Lock()
		batch, hangup := p.requests, p.hangup
		p.requests = nil
		p.mu.Unlock()
		for _, b := range batch {
			if _, err := w.Write(b); err != nil {
				return // the child's end is known from its other pipes
			}
		}
		if hangup {
			return
		}
	}
}
