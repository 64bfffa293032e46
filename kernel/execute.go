package kernel

import (
	"encoding/json"
	"strings"
	"time"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// An execution is the cell that runs.
type execution struct {
	cell    uint64
	request request
	content wire.ExecuteRequest
	n       int // number that the user sees: In[n]
	began   time.Time
	failed  *session.Failed // the first one
	asked   string          // id of the input_request that waits for its reply, or empty
}

// An origin is the request that a cell's output belongs to.
type origin struct {
	request *wire.Message // without its content
	n       int
	silent  bool
}

// maxOrigins is how many cells are remembered. Output of goroutines of earlier cells is published without a
// parent.
const maxOrigins = 4096

var sessionGone = session.Failed{
	Name:  session.FailureEnded,
	Value: "the session cannot be started again; restart the kernel",
}

// execute begins a cell and reports whether it is over already. Numbers follow ipykernel: a stored cell takes
// the next number, any other shows that number and leaves it to the next stored one.
func (k *kernel) execute(r request, c wire.ExecuteRequest) (over bool) {
	k.lastCell++
	x := &execution{cell: k.lastCell, request: r, content: c, n: k.count + 1, began: time.Now()}
	if x.content.StoreHistory = c.StoreHistory && strings.TrimSpace(c.Code) != ""; x.content.StoreHistory {
		k.count++
		k.history.add(x.n, c.Code)
	}
	k.origins[x.cell] = &origin{request: r.msg.Stub(), n: x.n, silent: c.Silent}
	delete(k.origins, x.cell-maxOrigins)
	k.running = x
	if !c.Silent {
		k.publish(r.msg, wire.ExecuteInput{Code: c.Code, ExecutionCount: x.n})
		k.publishNotices(x.cell)
	}
	if k.events == nil {
		k.fail(x.cell, sessionGone)
		k.finish(session.Done{Cell: x.cell})
		return false
	}
	err := k.cfg.Session.Run(session.Cell{
		ID:           x.cell,
		N:            x.n,
		Code:         c.Code,
		Silent:       c.Silent,
		StoreHistory: x.content.StoreHistory,
		AllowStdin:   c.AllowStdin,
		Targets:      k.comms.of(r.client()),
		Expressions:  c.Expressions,
	})
	if err != nil {
		k.log.Error("run cell", "cell", x.cell, "err", err)
		k.fail(x.cell, session.Failed{Name: session.FailureSession, Value: err.Error()})
		k.finish(session.Done{Cell: x.cell})
	}
	return false
}

// fail reports an internal error as the cell's error.
func (k *kernel) fail(cell uint64, f session.Failed) {
	f.Cell = cell
	if f.Traceback == nil {
		f.Traceback = []string{f.Name + ": " + f.Value}
	}
	k.event(f)
}

// finish ends the running cell after its Done: at once, or when the client may know of its failure.
func (k *kernel) finish(done session.Done) {
	k.flush()
	k.ended, k.failedAt = &done, time.Now()
	k.concludeOrWait()
}

// concludeOrWait concludes the cell that has ended. If it failed, and its client may be sending further cells
// without knowing that, it sets the timer instead.
func (k *kernel) concludeOrWait() {
	if k.running.stops(*k.ended) {
		if wait := k.failureDelay(); wait > 0 {
			k.failureTimer.Reset(wait)
			return
		}
	}
	k.conclude(*k.ended)
}

// conclude replies to the running cell's request. If the cell failed, it aborts the client's cells behind it.
func (k *kernel) conclude(done session.Done) {
	x := k.running
	var stopped []request
	if x.stops(done) {
		stopped = k.behind(x.request)
	}
	k.running, k.ended = nil, nil
	k.flush()
	m, err := k.author.New(x.request.msg, k.outcome(x, done))
	if err != nil { // a user expression whose value is not JSON
		k.log.Error("reply to cell", "cell", x.cell, "err", err)
		done.Expressions = nil
		m, err = k.author.New(x.request.msg, k.outcome(x, done))
	}
	if err == nil {
		m.Metadata = x.metadata(done)
		err = k.cfg.Transport.Send(wire.Shell, m)
	}
	if err != nil {
		k.log.Error("send execute_reply", "cell", x.cell, "err", err)
	}
	k.publish(x.request.msg, wire.Status{State: "idle"})
	for _, r := range stopped {
		k.abort(r)
	}
}

// outcome is the reply's content.
func (k *kernel) outcome(x *execution, done session.Done) wire.ExecuteReply {
	r := wire.ExecuteReply{Status: wire.OK, ExecutionCount: k.count}
	if !done.OK {
		f := x.failed
		if f == nil { // Jupyter requires a name for a failure
			f = &session.Failed{Name: session.FailureOther, Value: "the cell failed"}
			if done.Interrupted {
				f = &session.Failed{Name: session.FailureInterrupted, Value: "the cell was interrupted"}
			}
		}
		r.Status, r.EName, r.EValue, r.Traceback = wire.Error, f.Name, f.Value, f.Traceback
		return r
	}
	if done.Next != "" {
		p, err := json.Marshal(wire.NextInput{Source: "set_next_input", Text: done.Next, Replace: done.Instead})
		if err != nil {
			panic(err) // strings
		}
		r.Payload = append(r.Payload, p)
	}
	if len(done.Page) > 0 {
		page, err := json.Marshal(wire.PagePayload{Source: "page", Data: wire.Bundle(done.Page)})
		if err != nil {
			k.log.Error("a page is not JSON", "err", err)
		} else {
			r.Payload = append(r.Payload, page)
		}
	}
	r.Expressions = make(map[string]wire.Expression, len(done.Expressions))
	for name, e := range done.Expressions {
		if f := e.Failed; f != nil {
			r.Expressions[name] = wire.Expression{Status: wire.Error, EName: f.Name, EValue: f.Value, Traceback: f.Traceback}
		} else {
			r.Expressions[name] = wire.Expression{Status: wire.OK, Data: wire.Bundle(e.Data), Metadata: wire.Bundle(e.Metadata)}
		}
	}
	return r
}

func (x *execution) metadata(done session.Done) json.RawMessage {
	md := wire.ReplyMetadata{Started: wire.Date(x.began), Status: wire.OK}
	if !done.OK {
		md.Status = wire.Error
	}
	md.Interleave.Engine = done.Engine
	text, err := json.Marshal(md)
	if err != nil {
		panic(err) // three strings
	}
	return text
}

// ask sends the cell's input request to the client that sent the cell.
func (k *kernel) ask(in session.Input) {
	x := k.running
	if x == nil || x.cell != in.Cell || !x.content.AllowStdin {
		// A goroutine that outlived its cell, or a client that does not support input: there will be no
		// answer.
		k.log.Debug("input refused", "cell", in.Cell)
		k.answerInput("")
		return
	}
	k.flush()
	m, err := k.author.New(x.request.msg, wire.InputRequest{Prompt: in.Prompt, Password: in.Password})
	if err == nil {
		err = k.cfg.Transport.Send(wire.Stdin, m)
	}
	if err != nil {
		k.log.Error("send input_request", "err", err)
		k.answerInput("")
		return
	}
	x.asked = m.Header.MsgID
}

// answered passes an input_reply to the cell that waits for it. A reply that comes too late, after an
// interrupt, is dropped: front ends name the request that they answer, although some clients do not. So is one
// from another client than that of the cell.
func (k *kernel) answered(m *wire.Message) {
	c, err := wire.As[wire.InputReply](m)
	if err != nil {
		k.log.Warn("malformed message on stdin", "err", err)
		return
	}
	x := k.running
	if x == nil || x.asked == "" || m.Parent.MsgID != "" && m.Parent.MsgID != x.asked ||
		(request{msg: m}).client() != x.request.client() {
		k.log.Debug("no cell waits for this input_reply")
		return
	}
	x.asked = ""
	k.answerInput(c.Value)
}

func (k *kernel) answerInput(text string) {
	if err := k.cfg.Session.Answer(text); err != nil {
		k.log.Error("answer input", "err", err)
	}
}
