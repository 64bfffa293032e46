package wire

import (
	"encoding/json"
	"strings"
	"testing"
)

// Each of these messages breaks one rule; a checker that takes them all would make every other test worthless.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ch           Channel
		typ, content string
		want         string
		change       func(*Message)
	}{
		{IOPub, "status", `{}`, "execution_state is missing", nil},
		{IOPub, "status", `{"execution_state":"tired"}`, "not one of", nil},
		{Shell, "status", `{"execution_state":"idle"}`, "does not belong on channel shell", nil},
		{IOPub, "status", `{"execution_state":"idle","x":1}`, "x is not in the schema", nil},
		{IOPub, "nonsense", `{}`, "has no schema", nil},
		{IOPub, "status", `[]`, "is no object", nil},
		{IOPub, "stream", `{"name":"stdout","text":1}`, "text: is no string", nil},
		{IOPub, "display_data", `{"data":{"plain":"x"},"metadata":{},"transient":{}}`, `"plain" is no MIME type`, nil},
		{IOPub, "display_data", `{"data":{"text/plain":1},"metadata":{},"transient":{}}`, "text/plain: is no string", nil},
		{IOPub, "display_data", `{"data":{},"metadata":{}}`, "transient is missing", nil},
		{IOPub, "update_display_data", `{"data":{},"metadata":{},"transient":{}}`, "display_id is missing", nil},
		{IOPub, "execute_result", `{"data":{},"metadata":{},"execution_count":null,"transient":{}}`, "execution_count: is no number", nil},
		{IOPub, "error", `{"ename":"","evalue":"","traceback":null}`, "traceback: is no array", nil},
		{IOPub, "error", `{"ename":"","evalue":"","traceback":[1]}`, "traceback: [0]: is no string", nil},
		{Shell, "execute_reply", `{"status":"error","ename":"","evalue":""}`, "traceback is missing", nil},
		{Shell, "execute_reply", `{"status":"ok","execution_count":1,"payload":[]}`, "user_expressions is missing", nil},
		{Shell, "execute_reply", `{"status":"ok","execution_count":1,"payload":[],"user_expressions":{"a":{"status":"ok"}}}`, "a: data is missing", nil},
		{Shell, "execute_reply", `{"status":"aborted","execution_count":1}`, "execution_count is not in the schema", nil},
		{Shell, "complete_reply", `{"status":"ok","matches":null,"cursor_start":0,"cursor_end":0,"metadata":{}}`, "matches: is no array", nil},
		{Shell, "history_reply", `{"status":"ok","history":[[1,"x"]]}`, "is no [session, line, input]", nil},
		{Shell, "kernel_info_reply", strings.Replace(kernelInfo, `"codemirror_mode":""`, `"codemirror_mode":{"name":"go"}`, 1), "codemirror_mode: is no string", nil},
		{IOPub, "status", `{"execution_state":"idle"}`, "header has date", func(m *Message) { m.Header.Date = "today" }},
		{IOPub, "status", `{"execution_state":"idle"}`, "header has version", func(m *Message) { m.Header.Version = "4.1" }},
		{IOPub, "status", `{"execution_state":"idle"}`, "parent header has an empty field", func(m *Message) { m.Parent.MsgID = "1" }},
		{IOPub, "status", `{"execution_state":"idle"}`, "metadata: is no object", func(m *Message) { m.Metadata = json.RawMessage("null") }},
	} {
		m, err := NewAuthor("test").New(nil, Status{})
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
	b, err := Encode(KernelInfoReply{Status: OK})
	if err != nil {
		panic(err)
	}
	return string(b)
}()
