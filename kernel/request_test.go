package kernel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"interleave/kernel"
	"interleave/kernel/client"
	"interleave/kernel/inproc"
	"interleave/kernel/kerneltest"
	"interleave/kernel/wire"
)

// ask sends one request and compares the content of its reply.
func ask(t *testing.T, k *kerneltest.Kernel, ch wire.Channel, c wire.Content, want string) {
	t.Helper()
	m, err := k.Client.Request(t.Context(), ch, c, nil)
	if err != nil {
		t.Errorf("%s: %v", c.MsgType(), err)
		return
	}
	if string(m.Content) != want {
		t.Errorf("%s on %s: got\n%s\nwant\n%s", c.MsgType(), ch, m.Content, want)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	k := kerneltest.Start(t, newFake(), kerneltest.Config(func(c *kernel.Config) {
		c.Info = kernel.Info{Version: "1", GoVersion: "1.26.8", Banner: "hello", HelpLinks: []wire.HelpLink{{Text: "Go", URL: "https://go.dev"}}}
		c.Connect = wire.ConnectReply{Shell: 1, IOPub: 2, Stdin: 3, Control: 4, HB: 5}
		c.IsComplete = func(code string) (string, string) {
			if strings.HasSuffix(code, "{") {
				return "incomplete", "\t"
			}
			return "complete", "never shown"
		}
	}))
	for _, ch := range []wire.Channel{wire.Shell, wire.Control} {
		ask(t, k, ch, wire.KernelInfoRequest{}, `{"status":"ok","protocol_version":"5.5","implementation":"interleave","implementation_version":"1",`+
			`"language_info":{"name":"go","version":"1.26.8","mimetype":"text/x-go","file_extension":".go","pygments_lexer":"go","codemirror_mode":"go",`+
			`"nbconvert_exporter":"script"},"banner":"hello","debugger":true,"help_links":[{"text":"Go","url":"https://go.dev"}],"supported_features":["debugger"]}`)
		ask(t, k, ch, wire.ConnectRequest{}, `{"status":"ok","shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5}`)
		ask(t, k, ch, wire.IsCompleteRequest{Code: "if x {"}, `{"status":"incomplete","indent":"\t"}`)
		ask(t, k, ch, wire.IsCompleteRequest{Code: "x"}, `{"status":"complete"}`)
		ask(t, k, ch, wire.CommInfoRequest{}, `{"status":"ok","comms":{}}`)
		ask(t, k, ch, wire.InterruptRequest{}, `{"status":"ok"}`)
	}
}

// What JupyterLab asks for when a debugger is started, and for its panel of variables. Breakpoints are not confirmed, and
// what needs stopped code fails with the reason.
func TestDebugger(t *testing.T) {
	t.Parallel()
	k := kerneltest.Start(t, newFake())
	seq := 0
	answer := func(command string, with wire.DebugArguments, want string) {
		t.Helper()
		seq++
		ask(t, k, wire.Control, wire.DebugRequest{Seq: 100 + seq, Type: "request", Command: command, Arguments: with},
			fmt.Sprintf(`{"seq":%d,"type":"response","request_seq":%d,%s}`, seq, 100+seq, fmt.Sprintf(want, command)))
	}
	good := func(command string, with wire.DebugArguments, body string) {
		t.Helper()
		answer(command, with, `"success":true,"command":"%s","body":`+body)
	}
	bad := func(command string, with wire.DebugArguments, why string) {
		t.Helper()
		answer(command, with, `"success":false,"command":"%s","message":"`+why+`"`)
	}
	none := wire.DebugArguments{}
	info := `"hashMethod":"Murmur2","hashSeed":0,"tmpFilePrefix":"/interleave/","tmpFileSuffix":".go","breakpoints":[],"stoppedThreads":[],` +
		`"richRendering":true,"exceptionPaths":[],"copyToGlobals":false}`
	good("debugInfo", none, `{"isStarted":false,`+info)
	good("initialize", none, `{"supportsConfigurationDoneRequest":true}`)
	seq++ // the event
	good("attach", none, `{}`)
	good("debugInfo", none, `{"isStarted":true,`+info)
	good("dumpCell", none, `{"sourcePath":"/interleave/cell.go"}`)
	good("setBreakpoints", none, `{"breakpoints":[]}`)
	good("configurationDone", none, `{}`)
	good("inspectVariables", none, `{"variables":[{"name":"list","evaluateName":"list","type":"[]int","value":"[7]","variablesReference":1},`+
		`{"name":"n","evaluateName":"n","type":"int","value":"1","variablesReference":0}]}`)
	good("variables", wire.DebugArguments{Reference: 1},
		`{"variables":[{"name":"[0] of list","type":"int","value":"7","variablesReference":0}]}`)
	bad("variables", wire.DebugArguments{Reference: 2}, "there is no value with this reference any longer: list the variables again")
	good("richInspectVariables", wire.DebugArguments{Name: "list"}, `{"data":{"text/plain":"list at 4, detail 0"},"metadata":{}}`)
	bad("richInspectVariables", none, "this name is not known")
	bad("copyToGlobals", none, "the variables that are shown are the session's already: there is nothing to copy")
	for _, command := range []string{"threads", "stackTrace", "continue", "next", "evaluate", "pause", "source", "whatever"} {
		bad(command, none, "this kernel's debugger shows variables and stops nothing: it has no breakpoints and no steps")
	}
	good("initialize", wire.DebugArguments{ClientID: "jupyterlab"}, `{"supportsConfigurationDoneRequest":true}`)
	seq++
	good("inspectVariables", none, `{"variables":[{"name":"list","evaluateName":"list","value":"[]int: [7]","variablesReference":1},`+
		`{"name":"n","evaluateName":"n","type":"int","value":"1","variablesReference":0}]}`)
	good("disconnect", none, `{}`)
	good("debugInfo", none, `{"isStarted":false,`+info)
}

// A bug of the front end is not the kernel's end.
func TestIsCompletePanics(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	k := kerneltest.Start(t, newFake(), kerneltest.Config(func(c *kernel.Config) {
		c.IsComplete = func(code string) (string, string) { panic("a bug") }
		c.Log = slog.New(slog.NewTextHandler(&said, nil))
	}))
	ask(t, k, wire.Shell, wire.IsCompleteRequest{Code: "x"}, `{"status":"unknown"}`)
	kerneltest.Equal(t, k.Execute("print a"), "input 1\nstdout| a\nreply ok 1")
	if !strings.Contains(said.String(), `panic="a bug"`) {
		t.Errorf("the log does not tell: %s", said.String())
	}
}

func TestReplyMetadata(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		began := time.Now()
		for _, c := range []struct{ code, status, engine string }{{"sleep 1s", "ok", "fake"}, {"sleep 1s\nfail x", "error", "fake"}} {
			m, err := k.Client.Request(t.Context(), wire.Shell, wire.ExecuteRequest{Code: c.code}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var md wire.ReplyMetadata
			if err := json.Unmarshal(m.Metadata, &md); err != nil {
				t.Fatal(err)
			}
			if md.Started != wire.Date(began) || md.Status != c.status || md.Interleave.Engine != c.engine {
				t.Errorf("%q: %s", c.code, m.Metadata)
			}
			began = began.Add(time.Second)
		}
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	k := kerneltest.Start(t, newFake())
	for _, code := range []string{"print a", "print b/c", "print b/c", "warn d\nprint e"} {
		k.Execute(code)
	}
	k.Run(client.ExecuteRequest{Code: "print hidden", NoHistory: true})
	stop := 3
	for _, c := range []struct {
		r    wire.HistoryRequest
		want string
	}{
		{wire.HistoryRequest{Access: "tail", N: 2}, `[[0,3,"print b/c"],[0,4,"warn d\nprint e"]]`},
		{wire.HistoryRequest{Access: "tail", N: 100, Output: true}, `[[0,1,["print a",null]],[0,2,["print b/c",null]],[0,3,["print b/c",null]],[0,4,["warn d\nprint e",null]]]`},
		{wire.HistoryRequest{Access: "range", Start: 2, Stop: &stop}, `[[0,2,"print b/c"]]`},
		{wire.HistoryRequest{Access: "range", Session: 1}, `[]`},
		{wire.HistoryRequest{Access: "search", Pattern: "print*c"}, `[[0,2,"print b/c"],[0,3,"print b/c"]]`},
		{wire.HistoryRequest{Access: "search", Pattern: "*print*", Unique: true, N: 2}, `[[0,3,"print b/c"],[0,4,"warn d\nprint e"]]`},
		{wire.HistoryRequest{Access: "search", Pattern: "[b"}, `[]`},
	} {
		ask(t, k, wire.Shell, c.r, `{"status":"ok","history":`+c.want+`}`)
	}
}

// earlier is what other runs have left.
type earlier struct{ added []string }

func (e *earlier) Add(n int, code string) { e.added = append(e.added, fmt.Sprint(n, " ", code)) }
func (*earlier) Session() int             { return 3 }
func (*earlier) Others() []kernel.PastCell {
	return []kernel.PastCell{{Session: 1, N: 1, Code: "print old"}, {Session: 2, N: 1, Code: "print b"}, {Session: 2, N: 2, Code: "more"}}
}

// Cells of other runs are found, too, under the numbers of their sessions.
func TestHistoryOfOthers(t *testing.T) {
	t.Parallel()
	past := &earlier{}
	k := kerneltest.Start(t, newFake(), kerneltest.Config(func(c *kernel.Config) { c.Past = past }))
	k.Execute("print a")
	k.Execute("print b")
	for _, c := range []struct {
		r    wire.HistoryRequest
		want string
	}{
		{wire.HistoryRequest{Access: "tail", N: 3}, `[[2,2,"more"],[3,1,"print a"],[3,2,"print b"]]`},
		{wire.HistoryRequest{Access: "range", Session: 0, Start: 1}, `[[0,1,"print a"],[0,2,"print b"]]`},
		{wire.HistoryRequest{Access: "range", Session: 3, Start: 2}, `[[3,2,"print b"]]`},
		{wire.HistoryRequest{Access: "range", Session: -1, Start: 1}, `[[2,1,"print b"],[2,2,"more"]]`},
		{wire.HistoryRequest{Access: "range", Session: 1, Start: 1}, `[[1,1,"print old"]]`},
		{wire.HistoryRequest{Access: "range", Session: 9, Start: 1}, `[]`},
		{wire.HistoryRequest{Access: "search", Pattern: "print*", Unique: true}, `[[1,1,"print old"],[3,1,"print a"],[3,2,"print b"]]`},
	} {
		ask(t, k, wire.Shell, c.r, `{"status":"ok","history":`+c.want+`}`)
	}
	if got := strings.Join(past.added, "|"); got != "1 print a|2 print b" {
		t.Errorf("%q is kept", got)
	}
}

// A cell that its client sent before it could know of a failure is aborted however late it comes, whatever the client's clock says.
func TestSentBeforeFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := dated(t)
		one, other := wire.NewAuthor("one"), wire.NewAuthor("other")
		clock := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
		for _, c := range []struct {
			by   *wire.Author
			sent time.Duration
			code string
			want string
		}{
			{one, 0, "sleep 1s\nfail a", wire.Error},
			{one, time.Millisecond, "print a", wire.Aborted},
			{one, 999 * time.Millisecond, "print a", wire.Aborted},
			{one, 1140 * time.Millisecond, "print a", wire.Aborted}, // of one burst with the one before
			{one, 1280 * time.Millisecond, "print a", wire.Aborted},
			{other, 0, "print a", wire.OK},
			{one, 1430 * time.Millisecond, "print a", wire.OK},
			{one, 2 * time.Second, "fail b", wire.Error}, // at once, and answered 50 ms later
			{one, 2049 * time.Millisecond, "print b", wire.Aborted},
			{one, 2199 * time.Millisecond, "print b", wire.OK},
			{one, 3 * time.Second, "fail c", wire.Error},
			{one, 3050 * time.Millisecond, "print c", wire.OK},
		} {
			if got := status(c.by, wire.Date(clock.Add(c.sent)), c.code); got != c.want {
				t.Errorf("%q sent after %v: %s, want %s", c.code, c.sent, got, c.want)
			}
		}
	})
}

// A cell that its client sent in knowledge of a failure runs, also when the client's clock is coarse, stands still or was set.
func TestSentAfterFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fail, failed, sent string // dates
		later                    time.Duration
		want                     string
	}{
		{"of one millisecond, perhaps", "sleep 60ms100us\nfail", "2000-01-01T00:00:00.000Z", "2000-01-01T00:00:00.060Z", 0, wire.OK},
		{"of one millisecond", "sleep 60ms100us\nfail", "2000-01-01T00:00:00.000Z", "2000-01-01T00:00:00.059Z", 0, wire.Aborted},
		{"of one second", "fail", "2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z", 0, wire.OK},
		{"of one second, but long", "sleep 2s\nfail", "2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z", 0, wire.Aborted},
		{"set back", "sleep 2s\nfail", "2000-01-01T00:00:01.000Z", "2000-01-01T00:00:00.000Z", 0, wire.OK},
		{"standing", "sleep 1m\nfail", "2000-01-01T00:00:00.000Z", "2000-01-01T00:00:00.000Z", time.Minute, wire.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				status, a := dated(t), wire.NewAuthor("one")
				if got := status(a, c.failed, c.fail); got != wire.Error {
					t.Fatal(got)
				}
				time.Sleep(c.later)
				if got := status(a, c.sent, "print a"); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			})
		})
	}
}

// Who sends cells without end stops being in one burst.
func TestBurstEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status, a := dated(t), wire.NewAuthor("one")
		clock := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		status(a, wire.Date(clock), "fail a")
		for range 150 {
			clock = clock.Add(20 * time.Millisecond)
			if status(a, wire.Date(clock), "print a") == wire.OK {
				return
			}
		}
		t.Error("3 s later, cells are still aborted")
	})
}

// dated starts a kernel and gives a function that sends it a cell with a date of the client's, and returns the reply's status.
func dated(t *testing.T) func(a *wire.Author, date, code string) string {
	k := kerneltest.Start(t, newFake())
	p, err := k.Transport.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return func(a *wire.Author, date, code string) string {
		t.Helper()
		m, err := a.New(nil, wire.ExecuteRequest{Code: code, StopOnError: true})
		if err != nil {
			t.Fatal(err)
		}
		m.Header.Date = date
		if err := p.Send(wire.Shell, m); err != nil {
			t.Fatal(err)
		}
		for in := range p.Recv() {
			if c, err := wire.As[wire.ExecuteReply](in.Message); err == nil && in.Message.Parent.MsgID == m.Header.MsgID {
				return c.Status
			}
		}
		return "no reply"
	}
}

// raw connects a client that is not watched, for messages no well-behaved client sends, and gives a function that sends
// one and returns what is said about it until idle, one word each.
func raw(t *testing.T, k *kerneltest.Kernel) (*inproc.Peer, func(ch wire.Channel, typ, content string) string) {
	p, err := k.Transport.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	author := wire.NewAuthor("raw")
	return p, func(ch wire.Channel, typ, content string) string {
		t.Helper()
		m, err := author.New(nil, wire.ErrorReply{To: typ})
		if err != nil {
			t.Fatal(err)
		}
		m.Content = json.RawMessage(content)
		if typ == "comm_msg" {
			m.Metadata, m.Buffers = json.RawMessage(`{"k":1}`), [][]byte{{1, 2}, {}}
		}
		if err := p.Send(ch, m); err != nil {
			t.Fatal(err)
		}
		var said []string
		for in := range p.Recv() {
			if in.Message.Parent.MsgID != m.Header.MsgID {
				continue
			}
			if err := kerneltest.Check(in.Channel, in.Message); err != nil && !strings.Contains(err.Error(), "has no schema") {
				t.Error(err)
			}
			what := in.Message.Header.MsgType
			switch c, _ := wire.Parse(in.Message); c := c.(type) {
			case wire.Status:
				what = c.State
			case wire.ExecuteReply:
				what += ":" + c.Status + ":" + c.EName
			case wire.CommMsg:
				what += fmt.Sprintf(":%s%s%s%x", c.CommID, c.Data, in.Message.Metadata, in.Message.Buffers)
			case wire.CommClose:
				what += ":" + c.CommID
			case wire.StreamText:
				if strings.HasPrefix(c.Text, "[") {
					what += ":" + strings.TrimSpace(c.Text)
				}
			case wire.CommInfoReply:
				what += ":" + strings.Join(slices.Sorted(maps.Keys(c.Comms)), "+")
			}
			said = append(said, what)
			if what == "idle" {
				break
			}
		}
		return strings.Join(said, " ")
	}
}

func TestOddRequests(t *testing.T) {
	t.Parallel()
	k := kerneltest.Start(t, newFake())
	_, send := raw(t, k)
	for _, c := range []struct {
		ch                 wire.Channel
		typ, content, want string
	}{
		{wire.Shell, "no_such_request", `{}`, "busy idle"},
		{wire.Control, "usage_request", `{}`, "busy idle"}, // nothing measures here
		{wire.Shell, "comm_open", `{"comm_id":"7","target_name":"jupyter.widget","data":{}}`, "busy comm_close:7 idle"},
		{wire.Shell, "comm_msg", `{"comm_id":"7","data":{}}`, "busy idle"},
		{wire.Shell, "comm_close", `{"comm_id":"7","data":{}}`, "busy idle"},
		{wire.Shell, "execute_request", `{}`, "busy execute_reply:error:malformed request idle"},
		{wire.Shell, "execute_request", `{"code":{}}`, "busy execute_reply:error:malformed request idle"},
		{wire.Control, "execute_request", `{"code":"print a"}`, "busy execute_reply:error:wrong channel idle"},
		{wire.Shell, "is_complete_request", `{"code":1}`, "busy is_complete_reply idle"},
		{wire.Shell, "status", `{"execution_state":"idle"}`, "busy idle"},
		{wire.Shell, "execute_request", `{"code":"print \ud800"}`, "busy execute_input stream execute_reply:ok: idle"},
	} {
		if got := send(c.ch, c.typ, c.content); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.typ, c.content, got, c.want)
		}
	}
}

// Frames that are no signed message reach nobody, and the next ones are served.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	k := kerneltest.Start(t, newFake())
	p, send := raw(t, k)
	m, err := wire.NewAuthor("raw").New(nil, wire.ShutdownRequest{})
	if err != nil {
		t.Fatal(err)
	}
	good, err := p.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	forged := append([][]byte{}, good...)
	forged[1] = []byte(strings.Repeat("0", 64))
	for _, frames := range [][][]byte{nil, {[]byte("x")}, good[1:], good[:4], forged} {
		if err := p.SendFrames(wire.Control, frames); err != nil {
			t.Error(err)
		}
	}
	if n := k.Transport.Dropped(); n != 5 {
		t.Errorf("%d messages dropped, want 5", n)
	}
	if got := send(wire.Shell, "execute_request", `{"code":"print a"}`); got != "busy execute_input stream execute_reply:ok: idle" {
		t.Error(got)
	}
}

// What Jupyter clients send beside the cells of others must not disturb these.
func TestManyClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		done := make(chan error)
		const clients, cells = 5, 20
		for i := range clients {
			c, _ := k.Connect(nil)
			go func() {
				done <- func() error {
					if _, err := c.Ready(t.Context()); err != nil {
						return err
					}
					for j := range cells {
						want := fmt.Sprintf("client %d cell %d\n", i, j)
						var got strings.Builder
						reply, err := c.Execute(t.Context(), client.ExecuteRequest{Code: "sleep 1ms\nprint " + want}, func(m *wire.Message) {
							if s, err := wire.As[wire.StreamText](m); err == nil {
								got.WriteString(s.Text)
							}
						})
						if err != nil || reply.Status != wire.OK || got.String() != want {
							return fmt.Errorf("client %d got %q, %+v, %v", i, got.String(), reply, err)
						}
					}
					return nil
				}()
			}()
		}
		for range clients {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		kerneltest.Equal(t, k.Execute("print end"), fmt.Sprintf("input %d\nstdout| end\nreply ok %[1]d", clients*cells+1))
	})
}

func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		began := time.Now()
		info, err := k.Client.Ready(t.Context())
		if err != nil || info.Implementation != "interleave" || time.Since(began) != 0 {
			t.Errorf("%+v, %v after %v", info, err, time.Since(began))
		}
	})
}

// A client of a kernel that greets nobody and whose first answers are lost asks again.
func TestReadyWithoutWelcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &deafPeer{in: make(chan wire.Incoming), author: wire.NewAuthor("deaf")}
		c := client.Start(p, client.Config{})
		defer c.Close()
		if _, err := c.Ready(t.Context()); err != nil || p.asked != 3 {
			t.Errorf("%v after %d requests", err, p.asked)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.asked = -100
		if _, err := c.Ready(ctx); err != context.DeadlineExceeded {
			t.Errorf("a kernel that never answers: %v", err)
		}
	})
}

// A deafPeer publishes nothing for the first two requests.
type deafPeer struct {
	in     chan wire.Incoming
	author *wire.Author
	asked  int
	tasks  sync.WaitGroup
	once   sync.Once
}

func (p *deafPeer) Recv() <-chan wire.Incoming { return p.in }
func (p *deafPeer) Close() error {
	p.once.Do(func() {
		p.tasks.Wait()
		close(p.in)
	})
	return nil
}
func (p *deafPeer) Send(ch wire.Channel, m *wire.Message) error {
	p.asked++
	published := p.asked > 2
	p.tasks.Go(func() {
		reply, err := p.author.New(m, wire.KernelInfoReply{Status: wire.OK})
		if err != nil {
			panic(err)
		}
		p.in <- wire.Incoming{Channel: ch, Message: reply}
		if published {
			idle, err := p.author.New(m, wire.Status{State: "idle"})
			if err != nil {
				panic(err)
			}
			p.in <- wire.Incoming{Channel: wire.IOPub, Message: idle}
		}
	})
	return nil
}
