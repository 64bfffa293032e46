//go:build unix

package unbroken

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"interleave/kernel/client"
	"interleave/kernel/kerneltest"
	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// Large cells cost time and nothing else.
func TestLargeCells(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()

	var sum strings.Builder // of 10 000 statements, 1 MB
	sum.WriteString("total := 0\n")
	for i := range 10_000 {
		fmt.Fprintf(&sum, "total += %d // %s\n", i, strings.Repeat("x", 90))
	}
	sum.WriteString("total")
	text := strings.Repeat("0123456789abcde\\n", 1<<16) // 1 MB
	var funcs strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&funcs, "func large%d(n int) int { // %s\n\tfor i := range n {\n\t\tn += i\n\t}\n\treturn n\n}\n", i, strings.Repeat("y", 1000))
	}
	for _, c := range []struct{ name, code, result string }{
		{"statements", sum.String(), "49995000"},
		{"a string", "len(\"" + text + "\")", fmt.Sprint(1 << 20)},
		{"a string kept", "text := \"" + text + "\"\nlen(text)", fmt.Sprint(1 << 20)},
		{"a comment", "/*" + strings.Repeat("comment ", 1<<17) + "*/ 6 * 7", "42"},
		{"functions", funcs.String() + "large999(3)", "6"},
		{"blank lines", strings.Repeat("\n", 1<<20) + "1", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			if len(c.code) < 1<<20-1<<12 {
				t.Fatalf("only %d bytes", len(c.code))
			}
			s := k.run(c.code)
			if s.status != wire.OK || s.result != c.result {
				t.Errorf("result %.80q, want %s\n%.2000s", s.result, c.result, s.said())
			}
			k.whole(s, false)
		})
	}
	for name, code := range map[string]string{
		"not Go":          strings.Repeat("not Go ", 1<<17),
		"a line":          strings.Repeat("x", 1<<20),
		"open braces":     strings.Repeat("{", 1<<20),
		"open parens":     strings.Repeat("(", 1<<20) + "1",
		"a sum":           strings.Repeat("1+", 1<<19) + "\"s\"",
		"nested closures": strings.Repeat("func() {\n", 1<<16) + strings.Repeat("}()\n", 1<<16),
		"no end":          "\"" + strings.Repeat("s", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			defer k.on(t)()
			s := k.run(code)
			if s.status != wire.Error || !strings.Contains(s.trace, fmt.Sprintf("cell[%d]:", s.n)) && !strings.Contains(s.err, "session died") {
				t.Errorf("%.3000s", s.said())
			}
			if n := len(s.trace); n > len(code)+1<<12 {
				t.Errorf("the traceback has %d bytes", n)
			}
			k.whole(s, strings.Contains(s.stderr, "Lost variables"))
		})
	}
}

// rawCell is an execute_request whose code is the bytes of a JSON string as they are.
type rawCell string

func (rawCell) MsgType() string { return "execute_request" }

func (c rawCell) MarshalJSON() ([]byte, error) {
	return []byte(`{"code":"` + string(c) + `","silent":false,"store_history":true,"user_expressions":{},"allow_stdin":false,"stop_on_error":true}`), nil
}

// Bytes that are no UTF-8, and code points that are no characters.
func TestInvalidText(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, c := range []struct{ name, json, stdout, err string }{
		{"in a string", `fmt.Println(len(\"a` + "\xff\xfe" + `b\"))`, "5\n", ""},
		{"in a comment", `// ` + "\xc3\x28" + `\nfmt.Println(1)`, "1\n", ""},
		{"in a name", `x` + "\xff" + ` := 1`, "", "syntax error: "},
		{"half a surrogate", `fmt.Println(len(\"\ud800\"))`, "3\n", ""},
		{"NUL", `fmt.Println(len(\"\u0000\"))`, "", "syntax error: "},
		{"BOM", `\ufefffmt.Println(2)`, "2\n", ""},
		{"BOM inside", `fmt.Println(2\ufeff)`, "", "syntax error: "},
		{"carriage returns", `fmt.Println(1)\r\nfmt.Println(2)\r\n`, "1\n2\n", ""},
		{"output", `os.Stdout.Write([]byte{0xff, 0x41, 0xe2, 0x82, 10})`, "\ufffdA\ufffd\ufffd\n", ""},
		{"half a character of output", `os.Stdout.Write([]byte{0xe2, 0x82})`, "\ufffd\ufffd", ""},
		{"panic", `panic(string([]byte{0xff, 0x41}))`, "", "panic: \ufffdA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			s := k.request(rawCell(c.json), nil)
			if s.stdout != c.stdout || c.err == "" && s.err != "" || !strings.HasPrefix(s.err, c.err) {
				t.Errorf("%s", s.said())
			}
			if strings.HasPrefix(c.err, "syntax") && !strings.Contains(s.trace, fmt.Sprintf("cell[%d]:1:", s.n)) {
				t.Errorf("no place: %s", s.said())
			}
			k.whole(s, false)
		})
	}
}

// Messages that break the rules, sent by a client that holds the key.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for name, content := range map[string]string{
		"no code":         `{}`,
		"a number":        `{"code":1}`,
		"wrong flags":     `{"code":"1","silent":"no"}`,
		"nested deeply":   `{"code":"1","user_expressions":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`,
		"nested beyond":   `{"code":"1","user_expressions":` + strings.Repeat(`{"a":`, 50000) + `1` + strings.Repeat(`}`, 50000) + `}`,
		"expressions":     `{"code":"1","user_expressions":[1]}`,
		"a million zeros": `{"code":"1","x":[` + strings.Repeat("0,", 1<<20) + `0]}`,
		"no JSON":         `{"code":}`,
	} {
		t.Run(name, func(t *testing.T) {
			defer k.on(t)()
			// Not through the client, which would complain of what it is asked to send. The second request says when the
			// first is over, answered or not.
			rude, author := k.another(k.conn), wire.NewAuthor("rude")
			defer rude.Close()
			defer time.AfterFunc(patience, func() { rude.Close() }).Stop()
			var last string
			for _, c := range []wire.Content{wire.ExecuteRequest{Code: "1"}, wire.KernelInfoRequest{}} {
				m, err := author.New(nil, c)
				if err != nil {
					t.Fatal(err)
				}
				if last == "" {
					m.Content = []byte(content)
				}
				last = m.Header.MsgID
				if err := rude.Send(wire.Shell, m); err != nil {
					t.Fatal(err)
				}
			}
			answered := false
			for in := range rude.Recv() {
				if answered = in.Channel == wire.Shell && in.Message.Parent.MsgID == last; answered {
					break
				}
			}
			if !answered {
				t.Error("the client is served no more")
			}
			k.whole(seen{}, false)
		})
	}
}

// another connects to c without a client's checks.
func (k *kernel) another(c zmq.Connection) *zmq.Peer {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := zmq.Dial(ctx, c)
	if err != nil {
		k.t.Fatal(err)
	}
	return p
}

// Who has not the key gets no answer and runs nothing.
func TestWrongSignature(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for name, change := range map[string]func(*zmq.Connection){
		"another key":    func(c *zmq.Connection) { c.Key = "guessed" },
		"no key":         func(c *zmq.Connection) { c.Key = "" },
		"another scheme": func(c *zmq.Connection) { c.SignatureScheme = "hmac-sha512" },
	} {
		t.Run(name, func(t *testing.T) {
			defer k.on(t)()
			c := k.conn
			change(&c)
			thief := k.another(c)
			heard := make(chan string, 1)
			go func() {
				defer close(heard)
				for in := range thief.Recv() {
					if in.Channel != wire.IOPub { // which a thief without a key may hear, but not understand with another
						heard <- in.Message.Header.MsgType
						return
					}
				}
			}()
			for _, ch := range []wire.Channel{wire.Shell, wire.Control} {
				for _, content := range []wire.Content{wire.ExecuteRequest{Code: "kept = 0"}, wire.KernelInfoRequest{}, wire.ShutdownRequest{}, wire.InterruptRequest{}} {
					m, err := wire.NewAuthor("thief").New(nil, content)
					if err != nil {
						t.Fatal(err)
					}
					if err := thief.Send(ch, m); err != nil {
						t.Fatal(err)
					}
				}
			}
			// The heartbeat has no signature. Its answer does not say that the messages were read, but they are all in the
			// kernel's sockets: Close sends what is queued.
			thief.Close()
			k.whole(seen{}, false)
			if typ, ok := <-heard; ok {
				t.Errorf("the thief got a %s", typ)
			}
		})
	}
}

const greeting = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" // the rest are zeros

// Garbage on every socket, and messages that end in the middle.
func TestGarbage(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	hello := greeting + strings.Repeat("\x00", 64-len(greeting))
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
	dealer := hello + "\x04" + string(rune(len(ready))) + ready
	for name, data := range map[string]string{
		"nothing":          "",
		"text":             "GET / HTTP/1.1\r\n\r\n",
		"noise":            strings.Repeat("\x00\xff\x80\x7f", 1<<14),
		"half a greeting":  hello[:20],
		"half a handshake": dealer[:len(dealer)-5],
		"truncated frame":  dealer + "\x01\x09<IDS|M",
		"no end":           dealer + "\x01\x09<IDS|MSG>\x01\x40" + strings.Repeat("0", 64) + "\x01\x02{}",
		"few frames":       dealer + "\x01\x09<IDS|MSG>\x00\x02{}",
		"one frame":        dealer + "\x00\x02{}",
		"no delimiter":     dealer + "\x01\x02{}\x01\x02{}\x01\x02{}\x01\x02{}\x00\x02{}",
		"huge frame":       dealer + "\x02\x7f\xff\xff\xff\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			defer k.on(t)()
			for _, ch := range []wire.Channel{wire.Shell, wire.Control, wire.Stdin, wire.IOPub, wire.Heartbeat} {
				conn, err := net.Dial("unix", strings.TrimPrefix(k.conn.Endpoint(ch), "ipc://"))
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(conn, data) // it may be cut off before all is written
				conn.Close()
			}
			k.alive()
			if s := k.run("kept"); s.result != "7" {
				t.Error(s.said())
			}
		})
	}
	// A client that comes after all this is served like the first.
	w := kerneltest.Watch(t, k.another(k.conn), false)
	late := client.Start(w, client.Config{})
	defer w.Finish()
	defer late.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := late.Ready(ctx); err != nil {
		t.Error(err)
	}
	k.whole(seen{}, false)
}
