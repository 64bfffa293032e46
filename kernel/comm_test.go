package kernel_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"interleave/kernel/client"
	"interleave/kernel/kerneltest"
	"interleave/kernel/wire"
)

// A client opens comms, also while a cell runs and another waits.
func TestComms(t *testing.T) {
	t.Parallel()
	k := kerneltest.Start(t, newFake())
	_, send := raw(t, k)
	check := func(typ, content, want string) {
		t.Helper()
		if got := send(wire.Shell, typ, content); got != want {
			t.Errorf("%s %s: %s, want %s", typ, content, got, want)
		}
	}
	all := func() {
		t.Helper()
		check("comm_info_request", `{}`, "busy comm_info_reply: idle")
		check("comm_open", `{"comm_id":"7","target_name":"nothing","data":{}}`, "busy comm_close:7 idle")
		check("comm_open", `{"comm_id":"1","target_name":"echo","data":{}}`, "busy idle")
		check("comm_open", `{"comm_id":"1","target_name":"echo","data":{}}`, "busy idle") // again
		check("comm_open", `{"comm_id":"2","target_name":"echo","data":{}}`, "busy idle")
		check("comm_msg", `{"comm_id":"1","data":{"x":1}}`, `busy comm_msg:1{"x":1}{"k":1}[0102 ] idle`)
		check("comm_msg", `{"comm_id":"7","data":{}}`, "busy idle") // never open
		check("comm_info_request", `{}`, "busy comm_info_reply:1+2 idle")
		check("comm_info_request", `{"target_name":"echo"}`, "busy comm_info_reply:1+2 idle")
		check("comm_info_request", `{"target_name":"x"}`, "busy comm_info_reply: idle")
		check("comm_close", `{"comm_id":"1","data":{}}`, "busy idle")
		check("comm_msg", `{"comm_id":"1","data":{}}`, "busy idle")
		check("comm_close", `{"comm_id":"7","data":{}}`, "busy idle")
		check("comm_info_request", `{}`, "busy comm_info_reply:2 idle")
		check("comm_close", `{"comm_id":"2","data":{}}`, "busy idle")
	}
	all()
	ran := make(chan string)
	began := make(chan bool)
	go func() {
		began <- true
		ran <- k.Execute("hang")
	}()
	<-began
	// Statuses of a running cell come between these, for the cell, which raw leaves out.
	all()
	if err := k.Client.Interrupt(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-ran; !strings.Contains(got, "reply error interrupted") && !strings.Contains(got, "interrupted: hang") {
		t.Error(got)
	}
}

// Code of a cell opens a comm, also after the cell has ended.
func TestCommsOfSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		kerneltest.Equal(t, k.Execute("print a\nopen s widget\nsend s {\"x\":1}\nsend t {}\nprint b\nlater 1s send s {\"y\":2}\nlater 2s close s"), `
			input 1
			stdout| a
			comm_open {"comm_id":"s","target_name":"widget","data":{}}
			comm_msg {"comm_id":"s","data":{"x":1}}
			stdout| b
			reply ok 1
		`)
		ask(t, k, wire.Shell, wire.CommInfoRequest{}, `{"status":"ok","comms":{"s":{"target_name":"widget"}}}`)
		kerneltest.Equal(t, k.Execute("sleep 3s\nsend s {}"), "input 2\nreply ok 2")
		kerneltest.Equal(t, k.Late(), `
			no cell starting
			no cell welcome ""
			cell 1 comm_msg {"comm_id":"s","data":{"y":2}}
			cell 1 comm_close {"comm_id":"s","data":{}}
		`)
		ask(t, k, wire.Shell, wire.CommInfoRequest{}, `{"status":"ok","comms":{}}`)
		if got := k.Execute("open u widget\nsend u {"); strings.Contains(got, "comm_msg") { // not JSON
			t.Error(got)
		}
	})
}

// The session ends with its comms, and with messages to them that it has not handled.
func TestCommsOfSessionThatEnds(t *testing.T) {
	t.Parallel()
	f := newFake()
	k := kerneltest.Start(t, f)
	_, send := raw(t, k)
	_, other := raw(t, k)
	if got := send(wire.Shell, "comm_open", `{"comm_id":"a","target_name":"echo","data":{}}`); got != "busy idle" {
		t.Error(got)
	}
	answers := make(chan string)
	go func() { answers <- send(wire.Shell, "comm_msg", `{"comm_id":"a","data":{"hang":true}}`) }()
	<-f.hung
	// The fake handles messages in their order, so this one is not handled either.
	go func() { answers <- other(wire.Shell, "comm_open", `{"comm_id":"b","target_name":"other","data":{}}`) }()
	for {
		m, err := k.Client.Request(t.Context(), wire.Control, wire.CommInfoRequest{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := wire.As[wire.CommInfoReply](m); err != nil || len(c.Comms) == 2 {
			break
		}
	}
	k.Execute("open c widget\ndie")
	ask(t, k, wire.Shell, wire.CommInfoRequest{}, `{"status":"ok","comms":{}}`)
	for range 2 {
		if got := <-answers; got != "busy idle" {
			t.Error(got)
		}
	}
	if late := k.Late(); !strings.Contains(late, `no cell comm_close {"comm_id":"a","data":{}}`) ||
		!strings.Contains(late, `no cell comm_close {"comm_id":"c","data":{}}`) {
		t.Error(late)
	}
}

// A cell knows what its own client has.
func TestTargets(t *testing.T) {
	t.Parallel()
	k := kerneltest.Start(t, newFake())
	p, send := raw(t, k)
	for i, target := range []string{"echo", "other", "echo"} {
		send(wire.Shell, "comm_open", fmt.Sprintf(`{"comm_id":"%d","target_name":%q,"data":{}}`, i, target))
	}
	want := "busy execute_input stream:[echo other] execute_reply:ok: idle"
	if got := send(wire.Shell, "execute_request", `{"code":"targets"}`); got != want {
		t.Error(got)
	}
	kerneltest.Equal(t, k.Run(client.ExecuteRequest{Code: "targets"}), "input 2\nstdout| []\nreply ok 2")
	for range 100 { // pages that were loaded
		m, err := wire.NewAuthor("page").New(nil, wire.CommOpen{CommID: "x", TargetName: "other"})
		if err == nil {
			err = p.Send(wire.Shell, m)
		}
		if err != nil {
			t.Fatal(err)
		}
		send(wire.Shell, "comm_info_request", `{}`) // reads
	}
	got := send(wire.Shell, "execute_request", `{"code":"targets"}`)
	// A comm that was opened before may be handled while the cell runs, which is busy once more then.
	if got = strings.ReplaceAll(got, " busy", ""); got != strings.Replace(want, "echo other", "", 1) {
		t.Error(got)
	}
}
