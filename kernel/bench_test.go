package kernel_test

import (
	"strings"
	"testing"

	"interleave/kernel"
	"interleave/kernel/client"
	"interleave/kernel/inproc"
	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// A printer is a session whose every cell says the same.
type printer struct {
	events chan session.Event
	say    []session.Event
	times  int
}

func (p *printer) Events() <-chan session.Event { return p.events }
func (p *printer) Interrupt()                   {}
func (p *printer) Answer(string) error          { return nil }
func (p *printer) Ask(session.Question)         {}
func (p *printer) Comm(session.Comm)            {}
func (p *printer) Close() error                 { close(p.events); return nil }
func (p *printer) Run(c session.Cell) error {
	go func() {
		for range p.times {
			for _, ev := range p.say {
				switch ev := ev.(type) {
				case session.Output:
					ev.Cell = c.ID
					p.events <- ev
				}
			}
		}
		p.events <- session.Done{Cell: c.ID, OK: true}
	}()
	return nil
}

func benchmark(b *testing.B, p *printer, bytes int) {
	p.events = make(chan session.Event, 16)
	tr := inproc.New(nil)
	peer, err := tr.Connect()
	if err != nil {
		b.Fatal(err)
	}
	c := client.Start(peer, client.Config{})
	ended := make(chan error)
	go func() { ended <- kernel.Run(b.Context(), kernel.Config{Transport: tr, Session: p}) }()
	if bytes > 0 {
		b.SetBytes(int64(bytes))
	}
	for b.Loop() {
		got := 0
		_, err := c.Execute(b.Context(), client.ExecuteRequest{Code: "1"}, func(m *wire.Message) {
			if bytes > 0 && m.Header.MsgType == "stream" {
				got += len(m.Content)
			}
		})
		if err != nil || got < bytes {
			b.Fatalf("%v; %d bytes", err, got)
		}
	}
	if err := c.Shutdown(b.Context(), false); err != nil {
		b.Error(err)
	}
	if err := <-ended; err != nil {
		b.Error(err)
	}
	c.Close()
}

// BenchmarkOutput is 50 MB from the session's events through the kernel to the client, which decodes the frames.
func BenchmarkOutput(b *testing.B) {
	const total = 50 << 20
	text := strings.Repeat("the quick brown fox jumps over the lazy dog 0123456789 abcdefgh\n", 32<<10/64)
	benchmark(b, &printer{say: []session.Event{session.Output{Stream: session.Stdout, Text: text}}, times: total / len(text)}, total)
}

// BenchmarkCell is the round trip of a cell that does nothing.
func BenchmarkCell(b *testing.B) { benchmark(b, &printer{}, 0) }
