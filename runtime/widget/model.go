package widget

import (
	"encoding/json"
	"fmt"
	"html"
	"reflect"
	"sync"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/internal/comms"
)

const (
	target        = "jupyter.widget"
	controlTarget = "jupyter.widget.control"
	// protocol is the version of the messages of widgets.
	protocol = `{"version":"2.1.0"}`
	mimeView = "application/vnd.jupyter.widget-view+json"
	// sendEvery is the least time between two messages of one widget.
	sendEvery = 50 * time.Millisecond
)

// Available reports whether the front end that has sent the cell of the calling goroutine shows widgets: JupyterLab with
// the extension of ipywidgets 8 announces that when it connects. Without it widgets appear as texts.
func Available() bool {
	f := host.Get().Offers
	return f != nil && f(controlTarget)
}

// A Widget is shown by the front end. All types of this package that are are Widgets.
type Widget interface {
	// MIMEBundle is how package display shows a widget.
	MIMEBundle() map[string]any
	// Close takes the widget from the page of the front end.
	Close()

	inner() *model
}

// values are what both ends know of a widget, by the names of ipywidgets.
type values = map[string]any

// A model is a widget without its type: what the front end knows of it, and how it learns that. Its comm is opened when it
// is first shown.
type model struct {
	fixed values   // never changes
	parts []*model // is made of, such as its layout; opened before it
	refs  values   // of parts, by name: model or []*model
	text  func() string
	html  func() string
	// the user has changed a value; called with mu held; it returns whether that is so, and the present value
	take func(name string, v json.RawMessage) (any, bool)
	// the user has done something, such as a click; called with mu held
	event func(content json.RawMessage) bool

	pace *comms.Pace
	send sync.Mutex // held while messages are sent

	mu     sync.Mutex
	now    values // what changes
	sent   values // the front end's, of now
	comm   *comms.Comm
	closed bool

	changes  []func() // functions of the user
	calling  bool     // they are being called
	again    bool     // and are to be called once more
	callings comms.Queue
}

func newModel(name, view string, now values) *model {
	m := &model{now: now, sent: values{}}
	m.pace = comms.NewPace(sendEvery, m.flush)
	m.fixed = values{
		"_model_module": controls, "_model_module_version": controlsVersion, "_model_name": name,
		"_view_module": controls, "_view_module_version": controlsVersion, "_view_name": view,
		"_view_count": nil,
	}
	return m
}

// newControl returns a model that the page shows, with a layout and a style.
func newControl(name string, style *model, now values) *model {
	m := newModel(name+"Model", name+"View", now)
	m.fixed["_dom_classes"], m.fixed["tabbable"], m.fixed["tooltip"] = []string{}, nil, nil
	layout := newModel("LayoutModel", "LayoutView", values{})
	layout.ofBase()
	m.parts, m.refs = []*model{layout}, values{"layout": layout}
	if style != nil {
		m.parts, m.refs["style"] = append(m.parts, style), style
	}
	return m
}

// newStyle returns the style of a control.
func newStyle(name string, now values) *model {
	m := newModel(name+"StyleModel", "StyleView", now)
	m.fixed["_view_module"], m.fixed["_view_module_version"] = base, baseVersion
	return m
}

func (m *model) ofBase() {
	for _, kind := range []string{"_model_module", "_view_module"} {
		m.fixed[kind], m.fixed[kind+"_version"] = base, baseVersion
	}
}

func (m *model) inner() *model { return m }

// set changes a value.
func (m *model) set(name string, value any) {
	m.mu.Lock()
	m.now[name] = value
	open := m.comm != nil && !m.closed
	m.mu.Unlock()
	if open {
		m.pace.Touch()
	}
}

// get returns a value.
func get[T any](m *model, name string) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now[name].(T)
}

// reference is how a value names another model.
func (m *model) reference() string { return "IPY_MODEL_" + m.comm.ID }

// state is all that the front end is to know; mu is held, and the parts are open.
func (m *model) state() values {
	all := values{}
	for k, v := range m.fixed {
		all[k] = v
	}
	for k, v := range m.refs {
		switch v := v.(type) {
		case *model:
			all[k] = v.reference()
		case []*model:
			list := make([]string, len(v))
			for i, c := range v {
				list[i] = c.reference()
			}
			all[k] = list
		}
	}
	for k, v := range m.now {
		all[k] = v
	}
	return all
}

// open opens the comms of the model and of its parts, and returns the model's id.
func (m *model) open() (id string, err error) {
	for _, p := range m.parts {
		if _, err := p.open(); err != nil {
			return "", err
		}
	}
	m.send.Lock()
	defer m.send.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return "", comms.ErrClosed
	case m.comm != nil:
		return m.comm.ID, nil
	}
	data, err := comms.Object(values{"state": m.state(), "buffer_paths": []string{}})
	if err != nil {
		return "", err
	}
	m.comm, err = comms.Open(target, comms.Message{Data: data, Metadata: json.RawMessage(protocol)},
		comms.Handlers{Message: m.receive, Close: func(comms.Message) { m.ended() }})
	if err != nil {
		return "", err
	}
	for k, v := range m.now {
		m.sent[k] = v
	}
	live.add(m)
	return m.comm.ID, nil
}

// flush sends what has changed.
func (m *model) flush() {
	m.send.Lock()
	defer m.send.Unlock()
	m.mu.Lock()
	changed := values{}
	for k, v := range m.now {
		if old, ok := m.sent[k]; !ok || !reflect.DeepEqual(old, v) {
			changed[k], m.sent[k] = v, v
		}
	}
	comm, closed := m.comm, m.closed
	m.mu.Unlock()
	if len(changed) > 0 && comm != nil && !closed {
		update(comm, "update", changed, comms.Message{})
	}
}

func update(c *comms.Comm, method string, state values, answers comms.Message) {
	data, err := comms.Object(values{"method": method, "state": state, "buffer_paths": []string{}})
	if err != nil { // a number that JSON does not have
		return
	}
	c.Send(comms.Message{Data: data}, answers)
}

// receive handles a message of the front end.
func (m *model) receive(in comms.Message) {
	var msg struct {
		Method  string                     `json:"method"`
		State   map[string]json.RawMessage `json:"state"`
		Content json.RawMessage            `json:"content"`
	}
	if json.Unmarshal(in.Data, &msg) != nil {
		return
	}
	call := false
	m.mu.Lock()
	comm := m.comm
	switch msg.Method {
	case "request_state":
		update(comm, "update", m.state(), in)
	case "update":
		echo := values{}
		for name, raw := range msg.State {
			echo[name] = raw
			if m.take == nil {
				continue
			}
			if v, ok := m.take(name, raw); ok {
				m.now[name], m.sent[name], call = v, v, true
			}
		}
		// Other pages that show the widget learn from it, and this one that no older value is on its way.
		update(comm, "echo_update", echo, in)
	case "custom":
		call = m.event != nil && m.event(msg.Content)
	}
	m.mu.Unlock()
	if call {
		m.notify()
	}
}

// notify has the functions of the user called once more.
func (m *model) notify() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.again = true; m.calling {
		return
	}
	m.calling = true
	m.callings.Add(func() {
		for {
			m.mu.Lock()
			if !m.again {
				m.calling = false
				m.mu.Unlock()
				return
			}
			m.again = false
			functions := m.changes
			m.mu.Unlock()
			for _, f := range functions {
				f()
			}
		}
	})
}

// onChange registers a function of the user. f is called with the present cell's output.
func (m *model) onChange(f func()) {
	call := comms.Callback()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes = append(m.changes[:len(m.changes):len(m.changes)], func() { call(f) })
}

// Close takes the widget from the page. It keeps its value, and is not shown again. Closing it again does nothing.
func (m *model) Close() {
	if m.ended() {
		m.comm.Close(comms.Message{})
	}
	for _, p := range m.parts {
		p.Close()
	}
}

// ended marks the model as closed, and reports whether its comm was open.
func (m *model) ended() (open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	open = m.comm != nil && !m.closed
	m.closed = true
	live.remove(m)
	return open
}

// MIMEBundle returns the widget for a front end that has widgets, beside the text and the HTML for others.
func (m *model) MIMEBundle() map[string]any {
	data := map[string]any{"text/plain": m.text(), "text/html": m.page()}
	if !Available() {
		return data
	}
	if id, err := m.open(); err == nil {
		data[mimeView] = map[string]any{"version_major": 2, "version_minor": 0, "model_id": id}
	}
	return data
}

// String is the widget as a text, with its value.
func (m *model) String() string { return m.text() }

func (m *model) page() string {
	if m.html != nil {
		return m.html()
	}
	return "<code>" + html.EscapeString(m.text()) + "</code>"
}

// labelled is a value with its label.
func labelled(label string, value any) string {
	if label == "" {
		return fmt.Sprint(value)
	}
	return fmt.Sprintf("%s: %v", label, value)
}
