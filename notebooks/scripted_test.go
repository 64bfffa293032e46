package notebooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"interleave/kernel"
	"interleave/kernel/client"
	"interleave/kernel/inproc"
	"interleave/kernel/session"
)

// A scripted session is the one part of the path that these tests replace: kernel, transport and client are the real ones. Its
// cells are one command a line:
//
//	say TEXT, warn TEXT      write a line to stdout, stderr
//	show ID TEXT             display TEXT, under an id unless that is -
//	update ID TEXT           replace it
//	html TEXT                display TEXT as HTML
//	result TEXT              the value of the last expression
//	clear, clear-wait        clear the output, now or when the next comes
//	hang                     wait for the interrupt
//	stubborn                 wait for the end of the session
//	later TEXT               say it once the next cell has begun
//	fail LINE NAME TEXT      end the cell with an error in a line
//	ask PROMPT               ask for a line and say it, quoted
//	dir                      say the folder the kernel was started in
//	// …                     nothing
type scripted struct {
	dir    string
	events chan session.Event
	typed  chan string
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu        sync.Mutex
	interrupt context.CancelFunc
	later     []session.Event
}

func newScripted(dir string) *scripted {
	s := &scripted{dir: dir, events: make(chan session.Event), typed: make(chan string, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func (s *scripted) Events() <-chan session.Event { return s.events }

func (s *scripted) Answer(text string) error {
	s.typed <- text
	return nil
}

func (s *scripted) Ask(session.Question) {}
func (s *scripted) Comm(session.Comm)    {}
func (s *scripted) Close() error {
	s.cancel()
	s.tasks.Wait()
	return nil
}

func (s *scripted) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.interrupt != nil {
		s.interrupt()
	}
}

func (s *scripted) emit(e session.Event) {
	select {
	case s.events <- e:
	case <-s.ctx.Done():
	}
}

func (s *scripted) Run(c session.Cell) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(s.ctx)
	s.interrupt = cancel
	later := s.later
	s.later = nil
	s.tasks.Go(func() {
		defer cancel()
		for _, e := range later {
			s.emit(e)
		}
		done := session.Done{Cell: c.ID, OK: true, Engine: "scripted"}
		for i, line := range strings.Split(c.Code, "\n") {
			if failed := s.do(ctx, c, i+1, line); failed != nil {
				s.emit(*failed)
				done.OK, done.Interrupted = false, ctx.Err() != nil
				break
			}
		}
		s.emit(done)
	})
	return nil
}

func text(s string) session.Bundle {
	b, _ := json.Marshal(s)
	return session.Bundle{"text/plain": b}
}

func (s *scripted) do(ctx context.Context, c session.Cell, n int, line string) *session.Failed {
	verb, rest, _ := strings.Cut(line, " ")
	id, tail, _ := strings.Cut(rest, " ")
	if id == "-" {
		id = ""
	}
	failed := func(name, value string, line int) *session.Failed {
		return &session.Failed{Cell: c.ID, Name: name, Value: value,
			Traceback: []string{fmt.Sprintf("\x1b[31m%s\x1b[0m: %s", name, value), fmt.Sprintf("\x1b[36mcell[%d]:%d\x1b[0m", c.N, line)}}
	}
	switch verb {
	case "", "//":
	case "say":
		s.emit(session.Output{Cell: c.ID, Stream: session.Stdout, Text: rest + "\n"})
	case "warn":
		s.emit(session.Output{Cell: c.ID, Stream: session.Stderr, Text: rest + "\n"})
	case "show":
		s.emit(session.Display{Cell: c.ID, Data: text(tail), ID: id})
	case "update":
		s.emit(session.Display{Cell: c.ID, Data: text(tail), ID: id, Update: true})
	case "html":
		b, _ := json.Marshal(rest)
		s.emit(session.Display{Cell: c.ID, Data: session.Bundle{"text/html": b}})
	case "result":
		s.emit(session.Result{Cell: c.ID, Data: text(rest)})
	case "clear", "clear-wait":
		s.emit(session.Clear{Cell: c.ID, Wait: verb == "clear-wait"})
	case "ask":
		s.emit(session.Input{Cell: c.ID, Prompt: rest})
		select {
		case typed := <-s.typed:
			s.emit(session.Output{Cell: c.ID, Stream: session.Stdout, Text: fmt.Sprintf("%q\n", typed)})
		case <-ctx.Done():
		}
	case "dir":
		s.emit(session.Output{Cell: c.ID, Stream: session.Stdout, Text: s.dir + "\n"})
	case "later":
		s.mu.Lock()
		s.later = append(s.later, session.Output{Cell: c.ID, Stream: session.Stdout, Text: rest + "\n"})
		s.mu.Unlock()
	case "hang":
		<-ctx.Done()
		return failed("interrupted", "the cell was interrupted", n)
	case "stubborn":
		<-s.ctx.Done()
	case "fail":
		name, value, _ := strings.Cut(tail, " ")
		var at int
		fmt.Sscan(id, &at)
		return failed(name, value, at)
	default:
		return failed("syntax error", "no command "+verb, n)
	}
	return nil
}

// startScripted is a Start: a kernel in this process over a scripted session.
func startScripted(_ context.Context, dir string, cfg client.Config) (Kernel, func() error, error) {
	t := inproc.New(nil)
	peer, err := t.Connect()
	if err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- kernel.Run(ctx, kernel.Config{Transport: t, Session: newScripted(dir), Info: kernel.Info{GoVersion: "1.26.8"}})
	}()
	c := client.Start(peer, cfg)
	return c, func() error {
		cancel()
		err := errors.Join(c.Close(), <-ended)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}, nil
}
