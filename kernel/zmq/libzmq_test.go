package zmq_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// TestLibzmqClient lets a client of libzmq use every channel the way Jupyter's client does.
func TestLibzmqClient(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{})
		py := python(t, tr.Connection(), trimmed(`
			shell = open_socket(zmq.DEALER, "shell", IDENTITY=b"me")
			stdin = open_socket(zmq.DEALER, "stdin", IDENTITY=b"me")
			control = open_socket(zmq.DEALER, "control", IDENTITY=b"me")
			iopub = subscriber()
			beats = [open_socket(zmq.REQ, "hb") for _ in range(3)]
			stdin.send(b"here") # an identity can be written to once it is connected
			say(recv(iopub)[1]["msg_type"])
			send(shell, "execute_request", {"code": "x"})
			_, header, parent, content = recv(stdin)
			send(stdin, "input_reply", {"value": "typed"}, parent=header)
			say(recv(shell)[1]["msg_type"])
			idents, header, parent, content = recv(iopub)
			say(idents, content["text"])
			send(control, "shutdown_request", {"restart": False})
			say(recv(control)[1]["msg_type"])
			for round in range(2):
				for s in beats:
					s.send(b"ping")
				for s in beats:
					assert s.poll(20000) and s.recv() == b"ping"
			say("alive")
		`))
		if s := next(t, tr.Subscriptions()); s.Topic != "" {
			t.Errorf("subscribed to %q, want everything", s.Topic)
		}
		send(t, tr, wire.IOPub, message(t, nil, wire.Welcome{}))
		py.want("iopub_welcome")

		ask := next(t, tr.Recv())
		if ask.Channel != wire.Shell || text(t, ask) != "x" {
			t.Errorf("got %q on %s", text(t, ask), ask.Channel)
		}
		eventually(t, "stdin connected", func() bool { return tr.Stats().Malformed == 1 })
		send(t, tr, wire.Stdin, message(t, ask.Message, wire.InputRequest{Prompt: "?"}))
		typed := next(t, tr.Recv())
		if reply, err := wire.As[wire.InputReply](typed.Message); err != nil || reply.Value != "typed" || typed.Channel != wire.Stdin {
			t.Errorf("got %+v, %v on %s", reply, err, typed.Channel)
		}
		send(t, tr, wire.Shell, message(t, ask.Message, wire.ExecuteReply{Status: wire.OK}))
		py.want("execute_reply")
		out := stream(t, "hello")
		out.Identities = [][]byte{[]byte("topic")}
		send(t, tr, wire.IOPub, out)
		py.want("[b'topic'] hello")
		ask = next(t, tr.Recv())
		if ask.Channel != wire.Control {
			t.Errorf("got %s, want control", ask.Channel)
		}
		send(t, tr, wire.Control, message(t, ask.Message, wire.ShutdownReply{Status: wire.OK}))
		py.want("shutdown_reply")
		py.want("alive")
		py.end()
	})
}

// TestLibzmqKernel lets a Peer use a kernel of libzmq.
func TestLibzmqKernel(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		// Ports that were free a moment ago.
		tr := listen(t, c, zmq.Options{})
		c = tr.Connection()
		tr.Close(soon(t))
		py := python(t, c, trimmed(`
			shell = open_socket(zmq.ROUTER, "shell", bind=True)
			stdin = open_socket(zmq.ROUTER, "stdin", bind=True)
			control = open_socket(zmq.ROUTER, "control", bind=True)
			iopub = open_socket(zmq.XPUB, "iopub", bind=True)
			beat = open_socket(zmq.REP, "hb", bind=True)
			assert iopub.poll(20000) and iopub.recv() == b"\x01"
			idents, header, parent, content = recv(shell)
			send(stdin, "input_request", {"prompt": "?", "password": False}, parent=header, idents=idents)
			_, _, _, content = recv(stdin)
			send(iopub, "stream", {"name": "stdout", "text": content["value"]}, parent=header, idents=[b"topic"])
			send(shell, "execute_reply", {"status": "ok"}, parent=header, idents=idents)
			for _ in range(2):
				assert beat.poll(20000)
				beat.send(beat.recv())
			say("done", hear())
		`))
		p, err := zmq.Dial(soon(t), c)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		ask := message(t, nil, wire.ExecuteRequest{Code: "x"})
		send(t, p, wire.Shell, ask)
		in := next(t, p.Recv())
		if in.Channel != wire.Stdin || in.Message.Parent != ask.Header {
			t.Fatalf("got %s on %s", in.Message.Header.MsgType, in.Channel)
		}
		send(t, p, wire.Stdin, message(t, in.Message, wire.InputReply{Value: "typed"}))
		got := map[wire.Channel]string{}
		for range 2 {
			in := next(t, p.Recv())
			got[in.Channel] = text(t, in)
		}
		if got[wire.IOPub] != "typed" || got[wire.Shell] != "execute_reply" {
			t.Errorf("got %v", got)
		}
		for range 2 {
			if err := p.Ping(soon(t)); err != nil {
				t.Error(err)
			}
		}
		py.say("bye")
		py.want("done bye")
		py.end()
		for range p.Recv() { // until the loss is noticed
		}
		if err := p.Err(); err == nil {
			t.Error("Err is nil though the kernel is gone")
		}
	})
}

// TestBurst: zmq4's own PUB loses most of a burst, or keeps it all in memory.
func TestBurst(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		const n = 20_000
		tr := listen(t, c, zmq.Options{QueueBytes: 256 << 10})
		py := python(t, tr.Connection(), trimmed(fmt.Sprintf(`
			iopub = subscriber()
			for want in range(%d):
				raw = iopub.recv_multipart()
				assert json.loads(raw[-1])["text"] == str(want), raw
			say("all")
		`, n)))
		next(t, tr.Subscriptions())
		for i := range n {
			send(t, tr, wire.IOPub, stream(t, fmt.Sprint(i)))
		}
		py.want("all")
		py.end()
	})
}

// TestCloseDrains: zmq4's own Close loses what is queued.
func TestCloseDrains(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		const n = 500
		tr := listen(t, c, zmq.Options{Linger: patience})
		py := python(t, tr.Connection(), trimmed(`
			shell = open_socket(zmq.DEALER, "shell")
			iopub = subscriber()
			send(shell, "kernel_info_request", {})
			for s in (iopub, shell):
				for want in range(500):
					assert recv(s)[3]["text"].startswith(f"{want} ")
			say("all")
		`))
		next(t, tr.Subscriptions())
		ask := next(t, tr.Recv())
		for i := range n {
			m := message(t, ask.Message, wire.StreamText{Text: fmt.Sprint(i, strings.Repeat(" ", 20_000))})
			send(t, tr, wire.Shell, m)
			send(t, tr, wire.IOPub, m)
		}
		if err := tr.Close(soon(t)); err != nil {
			t.Error(err)
		}
		py.want("all")
		py.end()
	})
}

// TestReconnect: answers go to the connection that a client has now.
func TestReconnect(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{})
		py := python(t, tr.Connection(), trimmed(`
			for round in range(5):
				shell = open_socket(zmq.DEALER, "shell", IDENTITY=b"me")
				send(shell, "kernel_info_request", {})
				say(recv(shell)[1]["msg_type"])
				shell.close()
		`))
		for range 5 {
			ask := next(t, tr.Recv())
			send(t, tr, wire.Shell, message(t, ask.Message, wire.ShutdownReply{Status: wire.OK}))
			py.want("shutdown_reply")
		}
		py.end()
	})
}

// TestDuplicateIdentity: zmq4's ROUTER answers everybody who has the identity.
func TestDuplicateIdentity(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	py := python(t, tr.Connection(), trimmed(`
		old = open_socket(zmq.DEALER, "shell", IDENTITY=b"me")
		send(old, "kernel_info_request", {})
		hear()
		new = open_socket(zmq.DEALER, "shell", IDENTITY=b"me")
		send(new, "kernel_info_request", {})
		say("new", recv(new)[3]["text"])
		send(old, "kernel_info_request", {})
		say("new", recv(new)[3]["text"])
		new.close()
		while True: # the kernel may not have noticed yet
			send(old, "kernel_info_request", {})
			if old.poll(50):
				break
		say("old", recv(old)[3]["text"])
	`))
	answer := func(text string) {
		t.Helper()
		ask := next(t, tr.Recv())
		send(t, tr, wire.Shell, message(t, ask.Message, wire.StreamText{Text: text}))
	}
	next(t, tr.Recv()) // from old, never answered
	py.say("go on")
	answer("1")
	py.want("new 1")
	answer("2")
	py.want("new 2")
	stop := make(chan struct{})
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for {
			select {
			case ask := <-tr.Recv():
				tr.Send(wire.Shell, message(t, ask.Message, wire.StreamText{Text: "3"}))
			case <-stop:
				return
			}
		}
	}()
	py.want("old 3")
	close(stop)
	<-answered
	py.end()
}

// TestHeartbeatInterval: a libzmq client with ZMQ_HEARTBEAT_IVL hangs up when its PINGs are not answered.
func TestHeartbeatInterval(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	py := python(t, tr.Connection(), trimmed(`
		shell = ctx.socket(zmq.DEALER)
		monitor = shell.get_monitor_socket()
		shell.setsockopt(zmq.HEARTBEAT_IVL, 20)
		shell.setsockopt(zmq.HEARTBEAT_TIMEOUT, 1000)
		shell.connect(endpoint("shell"))
		send(shell, "kernel_info_request", {})
		recv(shell)
		from zmq.utils.monitor import recv_monitor_message
		while monitor.poll(2500):
			event = recv_monitor_message(monitor)["event"]
			assert event != zmq.EVENT_DISCONNECTED, "hung up"
		send(shell, "kernel_info_request", {})
		recv(shell)
		say("alive")
	`))
	for range 2 {
		ask := next(t, tr.Recv())
		send(t, tr, wire.Shell, message(t, ask.Message, wire.ShutdownReply{Status: wire.OK}))
	}
	py.want("alive")
	py.end()
}

// TestRefusedMessages: what is not rightly signed never reaches the kernel, and costs only itself.
func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	py := python(t, tr.Connection(), trimmed(`
		shell = open_socket(zmq.DEALER, "shell")
		parts = frames("execute_request", {"code": "evil"})
		shell.send_multipart([b"<IDS|MSG>", b"0" * 64, *parts])
		shell.send_multipart([b"<IDS|MSG>", b"", *parts])
		shell.send_multipart([b"<IDS|MSG>", sign(parts), *parts[:3]])
		shell.send_multipart([b"<IDS|MSG>"])
		shell.send_multipart([b"no delimiter"])
		shell.send_multipart([b""])
		broken = [b"{", b"{}", b"{}", b"{}"]
		shell.send_multipart([b"<IDS|MSG>", sign(broken), *broken])
		good = frames("execute_request", {"code": "good"})
		for _ in range(2):
			shell.send_multipart([b"<IDS|MSG>", sign(good), *good])
		send(shell, "execute_request", {"code": "last"})
		hear()
	`))
	for _, want := range []string{"good", "last"} {
		if got := text(t, next(t, tr.Recv())); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	want := zmq.Stats{Delivered: 2, BadSignature: 2, Malformed: 5, Replayed: 1}
	eventually(t, "all counted", func() bool { return tr.Stats() == want })
	py.say("bye")
	py.end()
}

// TestTopics: a subscriber gets what it asked for, and nothing after it cancelled.
func TestTopics(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	py := python(t, tr.Connection(), trimmed(`
		iopub = open_socket(zmq.SUB, "iopub", SUBSCRIBE=b"a.")
		say(recv(iopub)[3]["text"])
		iopub.setsockopt(zmq.SUBSCRIBE, b"b")
		say(recv(iopub)[3]["text"])
		iopub.setsockopt(zmq.UNSUBSCRIBE, b"a.")
		iopub.setsockopt(zmq.SUBSCRIBE, b"c")
		say(recv(iopub)[3]["text"])
	`))
	publish := func(topic, text string) {
		m := stream(t, text)
		m.Identities = [][]byte{[]byte(topic)}
		send(t, tr, wire.IOPub, m)
	}
	for i, want := range []string{"a.", "b", "c"} {
		if got := next(t, tr.Subscriptions()).Topic; got != want {
			t.Errorf("subscribed to %q, want %q", got, want)
		}
		publish("d", "no")
		publish(want+"x", fmt.Sprint(i))
		py.want(fmt.Sprint(i))
	}
	py.end()
}

// TestLibzmqBesideStrangers: a client of libzmq comes while strangers have all places, and more of them come afterwards. It keeps all
// its connections, those on which it never signs anything included.
func TestLibzmqBesideStrangers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{Strangers: 20})
		crowd := func() {
			for range 30 {
				for _, ch := range everyChannel {
					conn := raw(t, tr, ch)
					write(t, conn, helloOf(ch))
					if ch == wire.IOPub {
						io.WriteString(conn, subscribeAll) // it may have been dropped already
						next(t, tr.Subscriptions())
					}
				}
			}
		}
		crowd()
		py := python(t, tr.Connection(), trimmed(`
			from zmq.utils.monitor import recv_monitor_message
			shell = open_socket(zmq.DEALER, "shell", IDENTITY=b"me")
			iopub = subscriber()
			stdin = open_socket(zmq.DEALER, "stdin", IDENTITY=b"me")
			beat = open_socket(zmq.REQ, "hb")
			beat.send(b"ping")
			control = open_socket(zmq.DEALER, "control", IDENTITY=b"me")
			sockets = {"shell": shell, "iopub": iopub, "stdin": stdin, "hb": beat, "control": control}
			assert beat.poll(20000) and beat.recv() == b"ping"
			send(shell, "execute_request", {"code": "x"})
			say(recv(shell)[1]["msg_type"])
			monitors = {name: s.get_monitor_socket(zmq.EVENT_DISCONNECTED) for name, s in sockets.items()}
			hear()
			say(recv(iopub)[3]["text"])
			send(stdin, "input_reply", {"value": recv(stdin)[3]["prompt"]})
			beat.send(b"pong")
			assert beat.poll(20000) and beat.recv() == b"pong"
			hear() # no channel's message waits for another channel's
			send(control, "shutdown_request", {"restart": False})
			say(recv(control)[1]["msg_type"])
			say([name for name, m in monitors.items() if m.poll(0)])
		`))
		stop := make(chan struct{})
		var welcoming sync.WaitGroup
		welcoming.Go(func() {
			for {
				select {
				case <-tr.Subscriptions():
				case <-stop:
					return
				}
			}
		})
		ask := next(t, tr.Recv())
		send(t, tr, wire.Shell, message(t, ask.Message, wire.ExecuteReply{Status: wire.OK}))
		py.want("execute_reply")
		close(stop)
		welcoming.Wait()
		crowd()
		py.say("go on")
		send(t, tr, wire.IOPub, stream(t, "published"))
		py.want("published")
		send(t, tr, wire.Stdin, message(t, ask.Message, wire.InputRequest{Prompt: "?"}))
		if typed := next(t, tr.Recv()); typed.Channel != wire.Stdin {
			t.Errorf("got %s on %s", typed.Message.Header.MsgType, typed.Channel)
		}
		py.say("typed")
		bye := next(t, tr.Recv())
		send(t, tr, wire.Control, message(t, bye.Message, wire.ShutdownReply{Status: wire.OK}))
		py.want("shutdown_reply")
		py.want("[]")
		py.end()
		if s := tr.Stats(); s.Crowded < 200 {
			t.Errorf("%+v: the strangers were not too many", s)
		}
	})
}
