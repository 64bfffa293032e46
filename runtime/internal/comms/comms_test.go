package comms

import (
	"errors"
	"reflect"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"interleave/runtime/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record makes a host that records what is sent.
func record(t *testing.T) *[]host.Comm {
	var sent []host.Comm
	t.Cleanup(host.Set(host.Host{Comm: func(c host.Comm) { sent = append(sent, c) }}))
	t.Cleanup(reset)
	return &sent
}

func TestOpen(t *testing.T) {
	if _, err := Open("t", Message{}, Handlers{}); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	sent := record(t)
	var got []Message
	closed := 0
	c, err := Open("t", Message{Data: []byte(`{"a":1}`)}, Handlers{
		Message: func(m Message) { got = append(got, m) },
		Close:   func(Message) { closed++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(Message{Data: []byte(`{"b":2}`), Buffers: [][]byte{{1}}}, Message{re: 7}); err != nil {
		t.Error(err)
	}
	receive(host.Comm{ID: c.ID, Op: host.CommMessage, Data: []byte(`{"c":3}`), Re: 9})
	receive(host.Comm{ID: c.ID, Op: host.CommClose})
	receive(host.Comm{ID: c.ID, Op: host.CommClose})
	if err := c.Send(Message{}, Message{}); !errors.Is(err, ErrClosed) || !c.Closed() {
		t.Error(err)
	}
	c.Close(Message{})
	receive(host.Comm{ID: c.ID, Op: host.CommMessage, Re: 10}) // it was on its way
	want := []host.Comm{
		{ID: c.ID, Op: host.CommOpen, Target: "t", Data: []byte(`{"a":1}`)},
		{ID: c.ID, Op: host.CommMessage, Data: []byte(`{"b":2}`), Buffers: [][]byte{{1}}, Re: 7},
		{ID: c.ID, Op: host.CommClose, Re: 10},
	}
	if !reflect.DeepEqual(*sent, want) {
		t.Errorf("sent %+v", *sent)
	}
	if len(got) != 1 || string(got[0].Data) != `{"c":3}` || got[0].re != 9 || closed != 1 {
		t.Error(got, closed)
	}
}

func TestRegister(t *testing.T) {
	sent := record(t)
	opened := map[string]*Comm{}
	open := func(c *Comm, m Message) Handlers {
		opened[c.ID] = c
		return Handlers{Message: func(m Message) { c.Send(m, m) }}
	}
	Register("user", false, open)
	Register("builtin", true, open)
	defer Register("builtin", true, nil)
	for _, target := range []string{"user", "builtin", "nosuch"} {
		receive(host.Comm{ID: "a " + target, Op: host.CommOpen, Target: target, Re: 1})
	}
	receive(host.Comm{ID: "a user", Op: host.CommMessage, Re: 2})
	if len(opened) != 2 || len(*sent) != 2 || (*sent)[0].ID != "a nosuch" || (*sent)[0].Op != host.CommClose || (*sent)[1].Re != 2 {
		t.Errorf("%v %+v", opened, *sent)
	}
	*sent = nil
	receive(host.Comm{Op: host.CommReset})
	if len(*sent) != 2 || !opened["a user"].Closed() || !opened["a builtin"].Closed() {
		t.Errorf("reset sent %+v", *sent)
	}
	for _, target := range []string{"user", "builtin"} {
		receive(host.Comm{ID: "b " + target, Op: host.CommOpen, Target: target})
	}
	if opened["b user"] != nil || opened["b builtin"] == nil {
		t.Error(opened)
	}
}

func TestObject(t *testing.T) {
	for _, v := range []any{1, "x", []int{1}, make(chan int), true} {
		if b, err := Object(v); err == nil {
			t.Errorf("%v became %s", v, b)
		}
	}
	for _, v := range []any{nil, map[string]int{}, struct{}{}} {
		if b, err := Object(v); err != nil || string(b) != "{}" {
			t.Errorf("%v: %s %v", v, b, err)
		}
	}
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		var order []int
		for i := range 10 {
			q.Add(func() {
				time.Sleep(time.Second)
				order = append(order, i)
			})
		}
		time.Sleep(time.Minute) // the goroutine has ended
		q.Add(func() { order = append(order, 10) })
		synctest.Wait()
		if !reflect.DeepEqual(order, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
			t.Error(order)
		}
	})
}

// The function is called soon after the first touch, then once in an interval, and once more after the last touch.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var calls []time.Duration
		var n atomic.Int64
		var seen []int64
		p := NewPace(50*time.Millisecond, func() {
			calls, seen = append(calls, time.Since(began)), append(seen, n.Load())
		})
		for range 10 {
			n.Add(1)
			p.Touch()
			synctest.Wait()
			time.Sleep(12 * time.Millisecond)
		}
		time.Sleep(time.Second)
		n.Add(1)
		p.Touch()
		time.Sleep(time.Second)
		synctest.Wait()
		ms := time.Millisecond
		if want := []time.Duration{0, 50 * ms, 100 * ms, 150 * ms, 1120 * ms}; !reflect.DeepEqual(calls, want) {
			t.Error(calls)
		}
		if !reflect.DeepEqual(seen, []int64{1, 5, 9, 10, 11}) {
			t.Error(seen)
		}
	})
}

// However touches fall between the steps of the goroutine, the last one is seen.
func TestPaceLast(t *testing.T) {
	var n, seen atomic.Int64
	p := NewPace(time.Microsecond, func() { seen.Store(n.Load()) })
	for range 20_000 {
		n.Add(1)
		p.Touch()
		if n.Load()%7 == 0 {
			runtime.Gosched()
		}
	}
	for seen.Load() != 20_000 {
		runtime.Gosched()
	}
	for p.state.Load() != paceIdle {
		runtime.Gosched()
	}
}
