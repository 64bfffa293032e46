package widget

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"interleave/runtime/host"
	"interleave/runtime/internal/comms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A page is a front end that has widgets: the states of all that it was sent.
type page struct {
	t       *testing.T
	mu      sync.Mutex
	models  map[string]map[string]any
	closed  []string
	answers []string // updates and echoes
	re      uint64
}

func newPage(t *testing.T) *page {
	p := &page{t: t, models: map[string]map[string]any{}}
	restore := host.Set(host.Host{Comm: p.receive, Offers: func(target string) bool { return target == controlTarget }})
	t.Cleanup(func() {
		host.ReceiveComm(host.Comm{Op: host.CommReset})
		restore()
	})
	return p
}

func (p *page) receive(c host.Comm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var data struct {
		Method string         `json:"method"`
		State  map[string]any `json:"state"`
		States map[string]any `json:"states"`
	}
	if c.Op != host.CommClose {
		if err := json.Unmarshal(c.Data, &data); err != nil {
			p.t.Errorf("%s: %v", c.Data, err)
		}
	}
	switch c.Op {
	case host.CommOpen:
		if c.Target != target || string(c.Metadata) != protocol {
			p.t.Errorf("opened for %s with %s", c.Target, c.Metadata)
		}
		for k, v := range data.State { // what a model is made of must be there before
			for _, part := range flat(v) {
				if id, ok := strings.CutPrefix(part, "IPY_MODEL_"); ok && p.models[id] == nil {
					p.t.Errorf("%s of %v is not there", k, data.State["_model_name"])
				}
			}
		}
		p.models[c.ID] = data.State
	case host.CommMessage:
		if data.Method == "update_states" {
			p.answers = append(p.answers, fmt.Sprint(data.Method, len(data.States)))
			return
		}
		state, _ := json.Marshal(data.State)
		p.answers = append(p.answers, fmt.Sprintf("%s%s re %d", data.Method, state, c.Re))
		maps.Copy(p.models[c.ID], data.State)
	case host.CommClose:
		p.closed = append(p.closed, c.ID)
		delete(p.models, c.ID)
	}
}

func flat(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	var all []string
	if list, ok := v.([]any); ok {
		for _, s := range list {
			all = append(all, fmt.Sprint(s))
		}
	}
	return all
}

// show shows a widget and returns its id.
func (p *page) show(w Widget) string {
	p.t.Helper()
	view, ok := w.MIMEBundle()[mimeView].(map[string]any)
	if !ok {
		p.t.Fatalf("%v is not shown as a widget", w)
	}
	return view["model_id"].(string)
}

// send sends a message of the page.
func (p *page) send(id, data string) {
	p.re++
	host.ReceiveComm(host.Comm{ID: id, Op: host.CommMessage, Data: []byte(data), Re: p.re})
}

func (p *page) move(id string, value any) {
	b, _ := json.Marshal(map[string]any{"method": "update", "state": map[string]any{"value": value}, "buffer_paths": []string{}})
	p.send(id, string(b))
}

func (p *page) get(id, name string) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.models[id][name]
}

func (p *page) says() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.answers, " | ")
	p.answers = nil
	return s
}

func TestSlider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPage(t)
		s := NewIntSlider("n", 1, 9, 2)
		s.Set(3)
		id := p.show(s)
		if again := p.show(s); again != id || len(p.models) != 3 {
			t.Errorf("%s, %s: %v", id, again, p.models)
		}
		if p.get(id, "value") != 3.0 || p.get(id, "description") != "n" || p.get(id, "_model_name") != "IntSliderModel" {
			t.Error(p.models[id])
		}
		var got []int
		s.OnChange(func(n int) {
			time.Sleep(time.Second)
			got = append(got, n)
		})
		p.move(id, 5)
		if s.Value() != 5 { // at once
			t.Error(s.Value())
		}
		synctest.Wait()
		for _, v := range []any{6, 7, 99, "x", 7.5, 8} { // while the function runs; the last one counts
			p.move(id, v)
		}
		time.Sleep(time.Minute)
		p.move(id, 8) // no change
		time.Sleep(time.Minute)
		if !reflect.DeepEqual(got, []int{5, 8}) {
			t.Error(got)
		}
		if answers := p.says(); !strings.HasPrefix(answers, `echo_update{"value":5} re 1 | echo_update{"value":6} re 2`) || strings.Contains(answers, "| update") {
			t.Error(answers)
		}
		p.send(id, `{"method":"request_state"}`)
		if answers := p.says(); !strings.HasPrefix(answers, "update{") || !strings.Contains(answers, `"value":8`) || !strings.HasSuffix(answers, "re 9") {
			t.Error(answers)
		}
		p.send(id, `[`)
		p.send(id, `{"method":"custom","content":{"event":"click"}}`)
		s.Set(1)
		time.Sleep(time.Minute)
		if answers := p.says(); answers != `update{"value":1} re 0` || len(got) != 2 {
			t.Error(answers, got)
		}
		s.Close()
		s.Set(2)
		s.Close()
		if len(p.models) != 0 || len(p.closed) != 3 || s.Value() != 2 {
			t.Error(p.models, p.closed)
		}
		if _, ok := s.MIMEBundle()[mimeView]; ok {
			t.Error("a closed widget is shown")
		}
	})
}

// A bar that changes without a pause costs few messages, and its last value arrives.
func TestManyUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPage(t)
		bar := NewIntProgress("work", 100_000)
		id := p.show(bar)
		for i := range 100_000 {
			bar.Set(i + 1)
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Second)
		if v := p.get(id, "value"); v != 100_000.0 {
			t.Error(v)
		}
		if n := strings.Count(p.says(), "update"); n < 15 || n > 25 {
			t.Errorf("%d messages in a second", n)
		}
		bar.Style("success")
		time.Sleep(time.Second)
		if answers := p.says(); answers != `update{"bar_style":"success"} re 0` {
			t.Error(answers)
		}
	})
}

// A page that was loaded again asks for all widgets.
func TestStates(t *testing.T) {
	p := newPage(t)
	all := VBox(NewFloatSlider("x", 0, 1, 0.5), HBox(NewText("name", "a"), NewCheckbox("on", true)), NewLabel("l"),
		NewFloatProgress("load", 0, 1, 0.2), NewButton("go"))
	p.show(all)
	host.ReceiveComm(host.Comm{ID: "ctl", Op: host.CommOpen, Target: controlTarget})
	host.ReceiveComm(host.Comm{ID: "ctl", Op: host.CommMessage, Data: []byte(`{"method":"request_states"}`)})
	if answers, want := p.says(), fmt.Sprint("update_states", len(p.models)); answers != want {
		t.Errorf("%s, want %s", answers, want)
	}
	for _, m := range p.models {
		for _, key := range []string{"_model_module", "_model_module_version", "_model_name", "_view_module", "_view_name"} {
			if s, ok := m[key].(string); !ok || s == "" {
				t.Errorf("%v has no %s", m["_model_name"], key)
			}
		}
	}
	all.Close()
	if states := live.states()["states"]; !reflect.DeepEqual(states, values{}) {
		t.Error(states)
	}
}

func TestControls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPage(t)
		var got []any
		name, on, x, start := NewText("name", "a"), NewCheckbox("on", true), NewFloatSlider("x", -1, 1, 0), NewButton("go")
		name.OnChange(func(s string) { got = append(got, s) })
		on.OnChange(func(yes bool) { got = append(got, yes) })
		x.OnChange(func(v float64) { got = append(got, v) })
		start.OnClick(func() { got = append(got, "click") })
		for _, step := range []struct {
			w Widget
			v any
		}{{name, "b"}, {on, false}, {x, 0.5}, {x, 7}, {name, 1}, {on, "x"}, {x, "x"}} {
			p.move(p.show(step.w), step.v)
			synctest.Wait()
		}
		p.send(p.show(start), `{"method":"custom","content":{"event":"click"}}`)
		p.send(p.show(start), `{"method":"custom","content":{"event":"other"}}`)
		synctest.Wait()
		if want := []any{"b", false, 0.5, 1.0, "click"}; !reflect.DeepEqual(got, want) {
			t.Error(got)
		}
		name.Set("c")
		on.Set(true)
		x.Set(-0.5)
		start.Enable(false)
		time.Sleep(time.Second)
		for _, c := range []struct {
			w    Widget
			name string
			want any
		}{{name, "value", "c"}, {on, "value", true}, {x, "value", -0.5}, {start, "disabled", true}} {
			if v := p.get(p.show(c.w), c.name); v != c.want {
				t.Errorf("%v: %s is %v", c.w, c.name, v)
			}
		}
	})
}

// The page takes a widget away, or the session is reset.
func TestClosedByPage(t *testing.T) {
	p := newPage(t)
	a, b := NewLabel("a"), NewLabel("b")
	id := p.show(a)
	host.ReceiveComm(host.Comm{ID: id, Op: host.CommClose})
	a.Set("c")
	p.show(b)
	host.ReceiveComm(host.Comm{Op: host.CommReset})
	b.Set("d")
	if len(p.says()) > 0 || a.Value()+b.Value() != "cd" {
		t.Error(a, b)
	}
	if _, err := b.open(); err != comms.ErrClosed {
		t.Error(err)
	}
}

// What front ends without widgets, and saved notebooks, show.
func TestPages(t *testing.T) {
	for _, w := range []Widget{NewIntSlider("a<b", 0, 9, 3), NewFloatSlider("a<b", 0, 1, 0.5), NewIntProgress("a<b", 0),
		NewFloatProgress("a<b", 2, 3, 2.5), NewText("a<b", `"<`), NewCheckbox("a<b", true), NewButton("a<b"),
		VBox(NewLabel("a<b"), HBox(NewLabel("x")))} {
		data := w.MIMEBundle()
		if _, ok := data[mimeView]; ok || !strings.Contains(data["text/plain"].(string), "a<b") {
			t.Errorf("%v", data)
		}
		if page := data["text/html"].(string); !strings.Contains(page, "a&lt;b") || strings.Contains(page, "%!") {
			t.Error(page)
		}
	}
}

func TestMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"NewIntSlider":     func() { NewIntSlider("", 1, 0, 1) },
		"NewFloatSlider":   func() { NewFloatSlider("", 0, 1, math.NaN()) },
		"NewIntProgress":   func() { NewIntProgress("", -1) },
		"NewFloatProgress": func() { NewFloatProgress("", 1, 0, 1) },
		"IntSlider.Set":    func() { NewIntSlider("", 0, 1, 1).Set(2) },
		"FloatSlider.Set":  func() { NewFloatSlider("", 0, 1, 1).Set(-1) },
		"FloatProgress":    func() { NewFloatProgress("", 0, 1, 1).Set(math.NaN()) },
	} {
		func() {
			defer func() {
				if v := recover(); !strings.HasPrefix(fmt.Sprint(v), "widget."+name) {
					t.Errorf("%s: %v", name, v)
				}
			}()
			f()
		}()
	}
	for step, want := range map[float64]string{0: ".2f", 1: ".2f", 100: ".0f", 0.01: ".4f", 1e-30: ".12f"} {
		if got := readout(0, step); got != want {
			t.Errorf("readout to %v: %s, want %s", step, got, want)
		}
	}
}

// All methods at once, under the race detector.
func TestTogether(t *testing.T) {
	p := newPage(t)
	s := NewIntSlider("n", 0, 1000, 0)
	box := HBox(s, NewLabel("x"))
	var wg sync.WaitGroup
	seen := make(chan int, 1000)
	s.OnChange(func(n int) { seen <- n })
	for range 4 {
		wg.Go(func() {
			for i := range 50 {
				s.Set(i)
				s.MIMEBundle()
				box.MIMEBundle()
				_ = s.String()
				live.states()
			}
		})
	}
	id := p.show(s)
	for i := range 50 {
		p.move(id, 500+i)
	}
	wg.Wait()
	p.move(id, 1000)
	for n := range seen {
		if n == 1000 {
			break
		}
	}
	ids := slices.Collect(maps.Keys(p.models))
	if len(ids) != 3+2+3 {
		t.Error(p.models)
	}
}
