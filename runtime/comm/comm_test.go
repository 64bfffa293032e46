package comm

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"interleave/runtime/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// page stands for a front end: it prints what it is sent, and closes a comm for the target "nosuch".
func page(show func(string)) (restore func()) {
	return host.Set(host.Host{Comm: func(c host.Comm) {
		show(fmt.Sprintf("page: %d %s%s %q", c.Op, c.Target, c.Data, c.Buffers))
	}})
}

func ExampleOpen() {
	defer page(func(s string) { fmt.Println(s) })() // instead of a notebook's
	c, err := Open("chart", map[string]int{"width": 300})
	if err != nil {
		panic(err)
	}
	c.Send(map[string]any{"values": 3}, []byte("\x01\x02\x03"))
	c.Close()
	fmt.Println(c.Send(nil))
	// Output:
	// page: 1 chart{"width":300} []
	// page: 2 {"values":3} ["\x01\x02\x03"]
	// page: 3  []
	// comm: it is closed
}

func ExampleRegister() {
	answered := make(chan string)
	defer page(func(s string) { answered <- s })()
	Register("adder", func(c *Comm, m Message) {
		c.OnMessage(func(m Message) {
			var x struct{ A, B int }
			if err := m.Decode(&x); err != nil {
				fmt.Println(err)
				return
			}
			c.Send(map[string]int{"sum": x.A + x.B})
		})
	})
	defer Register("adder", nil)
	// what a front end does
	host.ReceiveComm(host.Comm{ID: "1", Op: host.CommOpen, Target: "adder", Data: []byte("{}")})
	host.ReceiveComm(host.Comm{ID: "1", Op: host.CommMessage, Data: []byte(`{"a":2,"b":3}`)})
	fmt.Println(<-answered)
	// Output: page: 2 {"sum":5} []
}

func TestErrors(t *testing.T) {
	if _, err := Open("t", nil); err == nil || !strings.Contains(err.Error(), "no comms here") {
		t.Error(err)
	}
	defer page(func(string) {})()
	for _, data := range []any{1, []int{}, func() {}, Message{Data: json.RawMessage("[")}, Message{Metadata: json.RawMessage("1")}} {
		if _, err := Open("t", data); err == nil {
			t.Errorf("%v was sent", data)
		}
	}
	c, err := Open("t", Message{Metadata: json.RawMessage(`{"version":"1"}`)})
	if err != nil || c.Target() != "t" || c.ID() == "" {
		t.Fatal(err)
	}
	if err := c.Send("text"); err == nil || errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := (Message{Data: json.RawMessage("{")}).Decode(&struct{}{}); err == nil {
		t.Error("decoded")
	}
	c.Close()
	c.Close()
}

// Functions are called one after the other, in the order of the messages, whichever of both comes first.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer page(func(string) {})()
		c, err := Open("t", nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		note := func(who string) func(Message) {
			return func(m Message) {
				time.Sleep(time.Second)
				got = append(got, who+string(m.Data))
			}
		}
		send := func(op host.CommOp, data string) {
			host.ReceiveComm(host.Comm{ID: c.ID(), Op: op, Data: []byte(data)})
		}
		send(host.CommMessage, "1")
		send(host.CommMessage, "2")
		c.OnMessage(note("a"))
		c.OnMessage(note("b"))
		send(host.CommMessage, "3")
		send(host.CommClose, "4")
		c.OnClose(note("c"))
		time.Sleep(time.Minute)
		c.OnClose(note("d"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"a1", "a2", "a3", "b3", "c4", "d4"}; !reflect.DeepEqual(got, want) {
			t.Error(got)
		}
	})
}

// Functions run as code of the cell that has registered them.
func TestCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cell := "first"
		var ran []string
		defer host.Set(host.Host{
			Comm: func(host.Comm) {},
			Callback: func() func(func()) {
				mine := cell
				return func(f func()) {
					ran = append(ran, mine)
					f()
				}
			},
		})()
		Register("t", func(c *Comm, _ Message) {
			cell = "function"
			c.OnMessage(func(Message) {})
		})
		defer Register("t", nil)
		cell = "second"
		host.ReceiveComm(host.Comm{ID: "of a test", Op: host.CommOpen, Target: "t"})
		host.ReceiveComm(host.Comm{ID: "of a test", Op: host.CommMessage})
		synctest.Wait()
		if !reflect.DeepEqual(ran, []string{"first", "function"}) {
			t.Error(ran)
		}
	})
}
