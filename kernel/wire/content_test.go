package wire

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// contents holds each supported type with its JSON.
var contents = []struct {
	ch   Channel
	c    Content
	want string
}{
	{Shell, ExecuteRequest{Code: "1", StoreHistory: true, StopOnError: true, Expressions: map[string]string{"a": "b"}},
		`{"code":"1","silent":false,"store_history":true,"user_expressions":{"a":"b"},"allow_stdin":false,"stop_on_error":true}`},
	{Shell, ExecuteReply{Status: OK, ExecutionCount: 4, Payload: []json.RawMessage{
		json.RawMessage(`{"source":"set_next_input","text":"x","replace":true}`)}, Expressions: map[string]Expression{}},
		`{"status":"ok","execution_count":4,"payload":[{"source":"set_next_input","text":"x","replace":true}],"user_expressions":{}}`},
	{Shell, ExecuteReply{Status: OK, ExecutionCount: 3, Payload: []json.RawMessage{}, Expressions: map[string]Expression{
		"e": {Status: Error, EName: "n", EValue: "v", Traceback: []string{"t"}},
		"v": {Status: OK, Data: Bundle{"text/plain": json.RawMessage(`"<b>"`)}, Metadata: Bundle{}},
	}}, `{"status":"ok","execution_count":3,"payload":[],"user_expressions":{"e":{"status":"error","ename":"n","evalue":"v","traceback":["t"]},` +
		`"v":{"status":"ok","data":{"text/plain":"<b>"},"metadata":{}}}}`},
	{Shell, ExecuteReply{Status: Error, ExecutionCount: 3, EName: "n", EValue: "v", Traceback: []string{"<t>"}},
		`{"status":"error","execution_count":3,"ename":"n","evalue":"v","traceback":["<t>"]}`},
	{Shell, ExecuteReply{Status: Aborted}, `{"status":"aborted"}`},
	{Shell, InspectRequest{Code: "x", CursorPos: 1, DetailLevel: 1}, `{"code":"x","cursor_pos":1,"detail_level":1}`},
	{Shell, InspectReply{Status: OK, Data: Bundle{}, Metadata: Bundle{}}, `{"status":"ok","found":false,"data":{},"metadata":{}}`},
	{Shell, CompleteRequest{Code: "x", CursorPos: 1}, `{"code":"x","cursor_pos":1}`},
	{Shell, CompleteReply{Status: OK, Matches: []string{}, CursorStart: 1, CursorEnd: 1, Metadata: CompleteMetadata{[]CompletionType{}}},
		`{"status":"ok","matches":[],"cursor_start":1,"cursor_end":1,"metadata":{"_jupyter_types_experimental":[]}}`},
	{Shell, CompleteReply{Status: OK, Matches: []string{"x"}, CursorEnd: 1,
		Metadata: CompleteMetadata{[]CompletionType{{End: 1, Text: "x", Type: "function", Signature: "<-chan"}}}},
		`{"status":"ok","matches":["x"],"cursor_start":0,"cursor_end":1,"metadata":{"_jupyter_types_experimental":[` +
			`{"start":0,"end":1,"text":"x","type":"function","signature":"<-chan"}]}}`},
	{Shell, HistoryRequest{Raw: true, Access: "tail", N: 5}, `{"output":false,"raw":true,"hist_access_type":"tail","n":5}`},
	{Shell, HistoryReply{Status: OK, History: []json.RawMessage{json.RawMessage(`[0,1,"x"]`)}}, `{"status":"ok","history":[[0,1,"x"]]}`},
	{Shell, IsCompleteRequest{Code: "x"}, `{"code":"x"}`},
	{Shell, IsCompleteReply{Status: "incomplete", Indent: "\t"}, `{"status":"incomplete","indent":"\t"}`},
	{Shell, IsCompleteReply{Status: "complete"}, `{"status":"complete"}`},
	{Shell, ConnectRequest{}, `{}`},
	{Shell, ConnectReply{Status: OK, Shell: 1, IOPub: 2, Stdin: 3, Control: 4, HB: 5},
		`{"status":"ok","shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5}`},
	{Control, UsageRequest{}, `{}`},
	{Control, UsageReply{Hostname: "h", PID: 1, CPU: 2.5, Memory: 3, Cores: 4},
		`{"hostname":"h","pid":1,"kernel_cpu":2.5,"kernel_memory":3,"cpu_count":4}`},
	{Control, UsageReply{Host: &HostMemory{Total: 4, Available: 1, Percent: 75, Used: 3}},
		`{"hostname":"","pid":0,"kernel_cpu":0,"kernel_memory":0,"cpu_count":0,` +
			`"host_virtual_memory":{"total":4,"available":1,"percent":75,"used":3}}`},
	{Shell, CommInfoRequest{}, `{}`},
	{Shell, CommInfoReply{Status: OK, Comms: map[string]CommInfo{}}, `{"status":"ok","comms":{}}`},
	{Shell, KernelInfoRequest{}, `{}`},
	{Control, KernelInfoReply{Status: OK, HelpLinks: []HelpLink{{"a", "b"}}, SupportedFeatures: []string{}},
		`{"status":"ok","protocol_version":"","implementation":"","implementation_version":"","language_info":{"name":"","version":"",` +
			`"mimetype":"","file_extension":"","pygments_lexer":"","codemirror_mode":"","nbconvert_exporter":""},"banner":"",` +
			`"debugger":false,"help_links":[{"text":"a","url":"b"}],"supported_features":[]}`},
	{Control, ShutdownRequest{Restart: true}, `{"restart":true}`},
	{IOPub, ShutdownReply{Status: OK, Restart: true}, `{"status":"ok","restart":true}`},
	{Control, InterruptRequest{}, `{}`},
	{Control, InterruptReply{Status: OK}, `{"status":"ok"}`},
	{Control, DebugRequest{Seq: 1, Type: "request", Command: "c"}, `{"seq":1,"type":"request","command":"c"}`},
	{Control, DebugRequest{Seq: 1, Type: "request", Command: "variables", Arguments: DebugArguments{Reference: 3, Name: "x"}},
		`{"seq":1,"type":"request","command":"variables","arguments":{"variablesReference":3,"variableName":"x"}}`},
	{Control, DebugReply{Seq: 2, Type: "response", RequestSeq: 1, Success: true, Command: "c", Body: json.RawMessage(`{}`)},
		`{"seq":2,"type":"response","request_seq":1,"success":true,"command":"c","body":{}}`},
	{IOPub, DebugEvent{Seq: 3, Type: "event", Event: "initialized"}, `{"seq":3,"type":"event","event":"initialized"}`},
	{Control, DebugReply{Type: "response", RequestSeq: 1, Command: "c", Message: "m"},
		`{"seq":0,"type":"response","request_seq":1,"success":false,"command":"c","message":"m"}`},
	{Stdin, InputRequest{Prompt: "p", Password: true}, `{"prompt":"p","password":true}`},
	{Stdin, InputReply{Value: "v"}, `{"value":"v"}`},
	{IOPub, CommOpen{CommID: "c", TargetName: "t", Data: json.RawMessage(`{}`)}, `{"comm_id":"c","target_name":"t","data":{}}`},
	{IOPub, CommMsg{CommID: "c", Data: json.RawMessage(`{"a":1}`)}, `{"comm_id":"c","data":{"a":1}}`},
	{IOPub, CommClose{CommID: "c", Data: json.RawMessage(`{}`)}, `{"comm_id":"c","data":{}}`},
	{IOPub, StreamText{"stdout", "a\n\"<&>\\\x1b\x00\t\r\u2028é"}, `{"name":"stdout","text":"a\n\"<&>\\\u001b\u0000\t\r` + "\u2028é" + `"}`},
	{IOPub, DisplayData{Data: Bundle{"text/plain": json.RawMessage(`"b"`), "application/json": json.RawMessage(`{"a": [1]}`)}, Metadata: Bundle{}, ID: "d"},
		`{"data":{"application/json":{"a": [1]},"text/plain":"b"},"metadata":{},"transient":{"display_id":"d"}}`},
	{IOPub, DisplayData{Data: Bundle{}, Metadata: Bundle{"image/png": json.RawMessage(`{"width":5}`)}},
		`{"data":{},"metadata":{"image/png":{"width":5}},"transient":{}}`},
	{IOPub, DisplayData{Data: Bundle{}, Metadata: Bundle{}, ID: "d", Update: true},
		`{"data":{},"metadata":{},"transient":{"display_id":"d"}}`},
	{IOPub, ClearOutput{Wait: true}, `{"wait":true}`},
	{IOPub, ExecuteInput{Code: "x\n", ExecutionCount: 2}, `{"code":"x\n","execution_count":2}`},
	{IOPub, ExecuteResult{ExecutionCount: 2, Data: Bundle{"text/html": json.RawMessage(`"\u003cb>"`)}, Metadata: Bundle{}},
		`{"data":{"text/html":"\u003cb>"},"metadata":{},"execution_count":2,"transient":{}}`},
	{IOPub, ErrorText{EName: "n", EValue: "v", Traceback: []string{"t"}}, `{"ename":"n","evalue":"v","traceback":["t"]}`},
	{IOPub, Status{State: "busy"}, `{"execution_state":"busy"}`},
	{IOPub, Welcome{}, `{"subscription":""}`},
}

func TestContents(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	author := NewAuthor("test")
	for _, c := range contents {
		m, err := author.New(nil, c.c)
		if err != nil {
			t.Fatal(err)
		}
		seen[m.Header.MsgType] = true
		if string(m.Content) != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.c.MsgType(), m.Content, c.want)
		}
		back, err := Parse(m)
		if err != nil || !reflect.DeepEqual(back, c.c) {
			t.Errorf("%s came back as\n%#v, %v; want\n%#v", c.c.MsgType(), back, err, c.c)
		}
	}
	for name := range parsers {
		if !seen[name] {
			t.Errorf("%s is not in the table", name)
		}
	}
}

// Nil slices and maps in replies are written as empty ones: clients take no null there.
func TestNothingIsNull(t *testing.T) {
	t.Parallel()
	author := NewAuthor("test")
	for _, c := range contents {
		zero := reflect.New(reflect.TypeOf(c.c)).Elem()
		if f := zero.FieldByName("Status"); f.IsValid() && f.Kind() == reflect.String {
			f.SetString(OK)
		}
		m, err := author.New(nil, zero.Interface().(Content))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(m.Content), "null") {
			t.Errorf("%s: %s", m.Header.MsgType, m.Content)
		}
	}
}

func TestExecuteRequestDefaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want ExecuteRequest
		bad  bool
	}{
		{in: `{"code":"x"}`, want: ExecuteRequest{Code: "x", StoreHistory: true, StopOnError: true}},
		{in: `{"code":"x","silent":true}`, want: ExecuteRequest{Code: "x", Silent: true, StopOnError: true}},
		{in: `{"code":"x","silent":true,"store_history":true}`, want: ExecuteRequest{Code: "x", Silent: true, StopOnError: true}},
		{in: `{"code":"x","store_history":false,"stop_on_error":false,"allow_stdin":true,"extra":{}}`,
			want: ExecuteRequest{Code: "x", AllowStdin: true}},
		{in: `{}`, bad: true},
		{in: `{"code":1}`, bad: true},
		{in: `{"code":"x","user_expressions":{"a":1}}`, bad: true},
	} {
		got, err := As[ExecuteRequest](&Message{Header: Header{MsgType: "execute_request"}, Content: json.RawMessage(c.in)})
		if (err != nil) != c.bad || !c.bad && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.in, got, err)
		}
	}
}

func TestAsOfAnotherType(t *testing.T) {
	t.Parallel()
	m := &Message{Header: Header{MsgType: "status"}, Content: json.RawMessage(`{"execution_state":"idle"}`)}
	if r, err := As[ExecuteReply](m); err == nil {
		t.Errorf("status as a reply: %+v", r)
	}
	if c, err := Parse(&Message{Header: Header{MsgType: "apply_request"}}); err == nil {
		t.Errorf("unknown type: %+v", c)
	}
}

// A bundle from a session in trouble must not break the message around it.
func TestBundleThatIsNoJSON(t *testing.T) {
	t.Parallel()
	for _, v := range []string{``, `{`, `"a`, `"a"b"`, `"a\"`, "\"a\n\"", `a`, `1 2`} {
		if b, err := Encode(DisplayData{Data: Bundle{"text/plain": json.RawMessage(v)}}); err == nil {
			t.Errorf("%q is taken: %s", v, b)
		}
	}
	b, err := Encode(DisplayData{Data: Bundle{"text/plain": json.RawMessage("\"\xff\"")}})
	if err != nil || !utf8.Valid(b) {
		t.Errorf("%q, %v", b, err)
	}
}

// checkString compares appendString with the standard library.
func checkString(t interface{ Errorf(string, ...any) }, s string) {
	text := appendString(nil, s)
	var got string
	if err := json.Unmarshal(text, &got); err != nil || got != string([]rune(s)) {
		t.Errorf("%q is written as %s, which reads %q, %v", s, text, got, err)
	}
	if !utf8.Valid(text) {
		t.Errorf("%q is written as %q", s, text)
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 20 { // at each distance from the start of a step of eight bytes
			for _, around := range []string{"a", "\x7f", "\x80", "\xff", "é"} {
				checkString(t, strings.Repeat(around, at)+string([]byte{byte(c)})+strings.Repeat(around, 11))
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		checkString(t, strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", "\"", "\\", "\n", "\x00", "\x1b[0m", "é", "世", "😀",
			"\xff", "\xf0\x9f", "\xed\xa0\x80", "\uFFFD", "<", "\u2028"})).Draw(t, "parts"), ""))
	})
}

func FuzzString(f *testing.F) {
	f.Add("a\xff\u2028\"\\")
	f.Fuzz(func(t *testing.T, s string) { checkString(t, s) })
}

// FuzzParse looks for a panic, and for content that cannot be sent on as it was understood.
func FuzzParse(f *testing.F) {
	for _, c := range contents {
		f.Add(c.c.MsgType(), []byte(c.want))
	}
	f.Fuzz(func(t *testing.T, typ string, content []byte) {
		m := &Message{Header: Header{MsgType: typ}, Content: content}
		c, err := Parse(m)
		if err != nil {
			return
		}
		again, err := Encode(c)
		if err != nil {
			t.Fatalf("%s: encode %#v: %v", typ, c, err)
		}
		back, err := Parse(&Message{Header: m.Header, Content: again})
		if err != nil {
			t.Fatalf("%s: parse %s: %v", typ, again, err)
		}
		if twice, err := Encode(back); err != nil || string(twice) != string(again) {
			t.Errorf("%s: %s became %s, %v", typ, again, twice, err)
		}
	})
}
