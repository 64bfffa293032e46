package session

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// A process is one child as the supervisor sees it. It begins with newProcess and is over when items is
// closed.
type process struct {
	pid   int
	items <-chan Event // in order; closed when the child has ended and all its events have been received
	// to questions; owned by life, which always receives them, and silent once items is closed
	answers <-chan answered

	// Valid when items is closed.
	exit   error  // what Wait returned
	report []byte // the runtime's report
	cut    error  // what ended its frames while it was alive
	space  uint64 // limit of its address space in bytes; 0: no limit
	line   int    // the line that its cell had reached

	beats func() uint32 // of the page, until unmap
	unmap func()        // called by the owner when it reaps the process

	signal func(hard bool) // sends the process group SIGTERM, or SIGKILL if hard

	stop func() // items are not received any longer; idempotent

	mu       sync.Mutex
	requests [][]byte      // encoded, waiting for the writer
	writing  int           // bytes of those that the writer has taken and not written
	seq      uint64        // of the newest request
	wake     chan struct{} // capacity 1: requests is not empty, or hangup
	hangup   bool          // close the request pipe after the last request
	inputs   uint64        // Input events of this process that left the client; owned by life
	ready    bool          // it takes requests; owned by life
	late     int           // questions whose time is over and that it has not answered; owned by life
}

// dying is how long a process may take to end after its pipes have: the system closes them first.
const dying = time.Second

// pipes are the supervisor's ends. wait returns when the child has ended; after that the streams end on their
// own.
type pipes struct {
	stdout, stderr io.ReadCloser
	frames         io.ReadCloser
	answers        io.ReadCloser
	requests       io.WriteCloser
	wait           func(space *uint64) error // space gets the limit of its address space
	// called when wait has returned: the streams then end after what they still hold
	drained func()
	page    *page  // shared with the child
	unmap   func() // called when the page is not needed any longer
	signal  func(hard bool)
	pid     int
}

// newProcess starts the goroutines that serve a child's pipes: four readers, a merger, a writer and one that
// waits. All end after the child has, once items has been read to its end or stop was called.
func newProcess(p pipes, nonce string) *process {
	stop := make(chan struct{})
	items := make(chan Event)
	answers := make(chan answered)
	pr := &process{
		pid: p.pid, items: items, answers: answers, signal: p.signal,
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
			if err != nil { // the end of the process, or a corrupt frame
				select {
				case <-ended:
				case <-time.After(dying):
					pr.cut = err // it is alive and can no longer be controlled
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
	readers.Go(func() {
		r := &frameReader{r: p.answers}
		for {
			f, err := r.next()
			if err != nil {
				return // the pipe of frames shows why
			}
			a, ok := f.msg.(answered)
			if !ok {
				continue // it belongs on the pipe of frames
			}
			select {
			case answers <- a:
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
		p.requests.Close() // in case the writer blocks on a full pipe
	}()
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer p.requests.Close()
		pr.write(p.requests, ended)
	}()
	m := &merger{streams: [2]<-chan segment{stream(p.stdout), stream(p.stderr)}, frames: frames, out: items, stop: stop}
	go func() {
		// items is closed last: when it is closed, nothing of this process is left.
		defer close(items)
		m.run()
		readers.Wait()
		<-ended
		<-written
		p.stdout.Close()
		p.stderr.Close()
		p.frames.Close()
		p.answers.Close()
		var text string
		if text, pr.report = m.report.last(pr.exit); text != "" {
			m.put(Output{m.cell, Stderr, text})
		}
	}()
	return pr
}

// send queues a request. It never blocks: only few requests are under way, and a child that does not read
// them is replaced, or its questions are answered without it.
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

// backlog returns how many bytes of requests wait to be written.
func (p *process) backlog() (bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.requests {
		bytes += len(b)
	}
	return bytes + p.writing
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
		p.requests, p.writing = nil, 0
		for _, b := range batch {
			p.writing += len(b)
		}
		p.mu.Unlock()
		for _, b := range batch {
			if _, err := w.Write(b); err != nil {
				return // the child's end is known from its other pipes
			}
		}
		p.mu.Lock()
		p.writing = 0
		p.mu.Unlock()
		if hangup {
			return
		}
	}
}
