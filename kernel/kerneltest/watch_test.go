package kerneltest

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"interleave/kernel/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A complaints takes what a test reports.
type complaints struct {
	testing.TB
	said []string
}

func (c *complaints) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// A scripted peer receives a prepared list.
type scripted chan wire.Incoming

func (s scripted) Send(wire.Channel, *wire.Message) error { return nil }
func (s scripted) Recv() <-chan wire.Incoming             { return s }
func (s scripted) Close() error                           { return nil }

// Each script is what a kernel might answer to one execute_request; a watcher that takes them all would make every other test
// worthless.
func TestWatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ script, want string }{
		{"starting busy stream reply idle", ""},
		{"busy reply idle stream", ""}, // of a goroutine that goes on
		{"busy reply", "was not answered in full"},
		{"reply idle", "outside of busy and idle"},
		{"busy idle", "before its reply"},
		{"busy idle reply", "outside of busy and idle"},
		{"stream busy reply idle", "stream before busy"},
		{"busy busy reply idle", "busy is not the first"},
		{"busy reply idle idle", "without busy or twice"},
		{"busy reply reply idle", "second execute_reply"},
		{"busy reply idle input", "execute_input after idle"},
		{"starting starting busy reply idle", "starting twice"},
		{"busy wrong reply idle", "kernel_info_reply on shell answers execute_request"},
		{"busy control reply idle", "answers execute_request on shell"},
		{"busy broken reply idle", "text is missing"},
		{"busy stranger reply idle", "which this client did not send"},
		{"busy reply idle orphan", "execute_input has no parent"},
		{"busy reply idle ask", "input_request outside of its cell"},
	} {
		tb := &complaints{}
		author := wire.NewAuthor("test")
		request := written(t, author, nil, wire.ExecuteRequest{})
		peer := make(scripted, 16)
		w := Watch(tb, peer, true)
		if err := w.Send(wire.Shell, request); err != nil {
			t.Fatal(err)
		}
		for word := range strings.FieldsSeq(c.script) {
			ch, parent, content := wire.IOPub, request, wire.Content(wire.Status{State: word})
			switch word {
			case "starting":
				parent = nil
			case "stream":
				content = wire.StreamText{Name: "stdout", Text: "x"}
			case "input":
				content = wire.ExecuteInput{}
			case "orphan":
				parent, content = nil, wire.ExecuteInput{}
			case "reply":
				ch, content = wire.Shell, wire.ExecuteReply{Status: wire.OK}
			case "control":
				ch, content = wire.Control, wire.ExecuteReply{Status: wire.OK}
			case "wrong":
				ch, content = wire.Shell, wire.KernelInfoReply{Status: wire.OK}
			case "ask":
				ch, content = wire.Stdin, wire.InputRequest{}
			case "stranger":
				ch, content = wire.Shell, wire.ExecuteReply{Status: wire.OK}
				parent = written(t, author, nil, wire.ExecuteRequest{})
			}
			m := written(t, author, parent, content)
			if word == "broken" {
				m.Header.MsgType, m.Content = "stream", []byte(`{"name":"stdout"}`)
			}
			peer <- wire.Incoming{Channel: ch, Message: m}
		}
		close(peer)
		for range w.Recv() {
		}
		w.Finish()
		got := strings.Join(tb.said, "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.script, got, c.want)
		}
	}
}

func written(t *testing.T, a *wire.Author, parent *wire.Message, c wire.Content) *wire.Message {
	t.Helper()
	m, err := a.New(parent, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	var tr transcript
	author := wire.NewAuthor("test")
	for _, c := range []wire.Content{
		wire.Status{State: "busy"},
		wire.StreamText{Name: "stdout", Text: "a\nb"},
		wire.StreamText{Name: "stdout", Text: "c"},
		wire.StreamText{Name: "stderr", Text: "\x1b[31me\x1b[0m\n\n"},
		wire.StreamText{Name: "stdout", Text: "d"},
		wire.DisplayData{Data: wire.Bundle{"text/html": []byte(`"<b>\n</b>"`), "image/png": []byte(`"aGk="`), "application/json": []byte(`{"a":1}`)}},
		wire.ClearOutput{},
	} {
		tr.add(written(t, author, nil, c))
	}
	tr.reply(wire.ExecuteReply{Status: wire.Aborted})
	Equal(t, tr.String(), `
		stdout| a
		stdout| bc\
		stderr| e
		stderr|`+" "+`
		stdout| d\
		display application/json| {"a":1}
		display image/png| …
		display text/html| <b>
		display text/html| </b>
		clear
		reply aborted`)
}
