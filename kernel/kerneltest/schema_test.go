package kerneltest

import (
	"encoding/json"
	"strings"
	"testing"

	"interleave/kernel/wire"
)

// Each of these messages breaks one rule; a checker that takes them all would make every other test worthless.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ch           wire.Channel
		typ, content string
		want         string
		change       func(*wire.Message)
	}{
		{wire.IOPub, "status", `{}`, "execution_state is missing", nil},
		{wire.IOPub, "status", `{"execution_state":"tired"}`, "not one of", nil},
		{wire.Shell, "status", `{"execution_state":"idle"}`, "does not belong on channel shell", nil},
		{wire.IOPub, "status", `{"execution_state":"idle","x":1}`, "x is not in the schema", nil},
		{wire.IOPub, "nonsense", `{}`, "has no schema", nil},
		{wire.IOPub, "status", `[]`, "is no object", nil},
		{wire.IOPub, "stream", `{"name":"stdout","text":1}`, "text: is no string", nil},
		{wire.IOPub, "display_data", `{"data":{"plain":"x"},"metadata":{},"transient":{}}`, `"plain" is no MIME type`, nil},
		{wire.IOPub, "display_data", `{"data":{"text/plain":1},"metadata":{},"transient":{}}`, "text/plain: is no string", nil},
		{wire.IOPub, "display_data", `{"data":{},"metadata":{}}`, "transient is missing", nil},
		{wire.IOPub, "update_display_data", `{"data":{},"metadata":{},"transient":{}}`, "display_id is missing", nil},
		{wire.IOPub, "execute_result", `{"data":{},"metadata":{},"execution_count":null,"transient":{}}`, "execution_count: is no number", nil},
		{wire.IOPub, "error", `{"ename":"","evalue":"","traceback":null}`, "traceback: is no array", nil},
		{wire.IOPub, "error", `{"ename":"","evalue":"","traceback":[1]}`, "traceback: [0]: is no string", nil},
		{wire.Shell, "execute_reply", `{"status":"error","ename":"","evalue":""}`, "traceback is missing", nil},
		{wire.Shell, "execute_reply", `{"status":"ok","execution_count":1,"payload":[]}`, "user_expressions is missing", nil},
		{wire.Shell, "execute_reply", `{"status":"ok","execution_count":1,"payload":[],"user_expressions":{"a":{"status":"ok"}}}`, "a: data is missing", nil},
		{wire.Shell, "execute_reply", `{"status":"aborted","execution_count":1}`, "execution_count is not in the schema", nil},
		{wire.Shell, "complete_reply", `{"status":"ok","matches":null,"cursor_start":0,"cursor_end":0,"metadata":{}}`, "matches: is no array", nil},
		{wire.Shell, "history_reply", `{"status":"ok","history":[[1,"x"]]}`, "is no [session, line, input]", nil},
		{wire.Shell, "kernel_info_reply", strings.Replace(kernelInfo, `"codemirror_mode":""`, `"codemirror_mode":{"name":"go"}`, 1), "codemirror_mode: is no string", nil},
		{wire.IOPub, "status", `{"execution_state":"idle"}`, "header has date", func(m *wire.Message) { m.Header.Date = "today" }},
		{wire.IOPub, "status", `{"execution_state":"idle"}`, "header has version", func(m *wire.Message) { m.Header.Version = "4.1" }},
		{wire.IOPub, "status", `{"execution_state":"idle"}`, "parent header has an empty field", func(m *wire.Message) { m.Parent.MsgID = "1" }},
		{wire.IOPub, "status", `{"execution_state":"idle"}`, "metadata: is no object", func(m *wire.Message) { m.Metadata = json.RawMessage("null") }},
	} {
		m, err := wire.NewAuthor("test").New(nil, wire.Status{})
		if err != nil {
			t.Fatal(err)
		}
		m.Header.MsgType, m.Content = c.typ, json.RawMessage(c.content)
		if c.change != nil {
			c.change(m)
		}
		if err := Check(c.ch, m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.typ, c.content, err, c.want)
		}
	}
}

var kernelInfo = func() string {
	b, err := wire.Encode(wire.KernelInfoReply{Status: wire.OK})
	if err != nil {
		panic(err)
	}
	return string(b)
}()

// FuzzCheck looks for a panic: peers may send anything.
func FuzzCheck(f *testing.F) {
	f.Add("status", []byte(`{"execution_state":"idle"}`), []byte(`{}`))
	f.Add("display_data", []byte(`{"data":{"text/plain":"x"},"metadata":{},"transient":{}}`), []byte(`{}`))
	f.Add("execute_reply", []byte(`{"status":"ok","execution_count":1,"payload":[],"user_expressions":{"a":{"status":"error"}}}`), []byte(`{}`))
	f.Add("history_reply", []byte(`{"status":"ok","history":[[1,2,["x","y"]]]}`), []byte(`null`))
	f.Add("kernel_info_reply", []byte(kernelInfo), []byte(``))
	f.Fuzz(func(t *testing.T, typ string, content, metadata []byte) {
		m := &wire.Message{Header: wire.Header{MsgType: typ}, Metadata: metadata, Content: content}
		for _, ch := range []wire.Channel{wire.Shell, wire.IOPub} {
			_ = Check(ch, m)
		}
	})
}
