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
	n       int // what the user sees: In[n]
	began   time.Time
	failed  *session.Failed // the first one
	asked   string          // id of the input_request that waits for its reply; empty when none does
}

// An origin is where what a cell says belongs.
type origin struct {
	request *wire.Message // without its content
	n       int
	silent  bool
}

// maxOrigins is how many cells are remembered. Goroutines of a cell before these speak without a parent.
const maxOrigins = 4096

var sessionGone = session.Failed{Name: "session ended", Value: "the session cannot be started again; restart the kernel"}

// execute begins a cell and says whether it is over already. Numbers follow ipykernel: a stored cell takes the next number,
// any other shows that number and leaves it to the next stored one.
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
		k.tellNotices(x.cell)
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
		Expressions:  c.Expressions,
	})
	if err != nil {
		k.log.Error("run cell", "cell", x.cell, "err", err)
		k.fail(x.cell, session.Failed{Name: "session error", Value: err.Error()})
		k.finish(session.Done{Cell: x.cell})
	}
	return false
}

// fail makes an error of ours the cell's.
func (k *kernel) fail(cell uint64, f session.Failed) {
	f.Cell = cell
	if f.Traceback == nil {
		f.Traceback = []string{f.Name + ": " + f.Value}
	}
	k.event(f)
}

// finish ends the running cell, which done ended: at once, or when the client may know of its failure.
func (k *kernel) finish(done session.Done) {
	k.flush()
	k.ended, k.failedAt = &done, time.Now()
	k.concludeWhenHeard()
}

// concludeWhenHeard concludes the cell that has ended, unless its client may be sending others without knowing of its failure.
func (k *kernel) concludeWhenHeard() {
	if k.running.stops(*k.ended) {
		if wait := k.blindly(); wait > 0 {
			k.hold.Reset(wait)
			return
		}
	}
	k.conclude(*k.ended)
}

// conclude replies to the running cell's request and aborts its client's cells behind it when it failed.
func (k *kernel) conclude(done session.Done) {
	x := k.running
	var stopped []request
	if x.stops(done) {
		stopped = k.behind(x.request)
	}
	k.running, k.ended = nil, nil
	k.flush()
	m, err := k.author.New(x.request.msg, k.outcome(x, done))
	if err != nil { // a user expression with a value that is no JSON
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
		if f == nil { // Jupyter has no failure without a name
			f = &session.Failed{Name: "error", Value: "the cell failed"}
			if done.Interrupted {
				f = &session.Failed{Name: "interrupted", Value: "the cell was interrupted"}
			}
		}
		r.Status, r.EName, r.EValue, r.Traceback = wire.Error, f.Name, f.Value, f.Traceback
		return r
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

// ask sends the cell's question for a line of text to the client whose request it is.
func (k *kernel) ask(in session.Input) {
	x := k.running
	if x == nil || x.cell != in.Cell || !x.content.AllowStdin {
		// A goroutine that outlived its cell, or a client that cannot answer: nobody will ever type a line.
		k.log.Debug("input refused", "cell", in.Cell)
		k.give("")
		return
	}
	k.flush()
	m, err := k.author.New(x.request.msg, wire.InputRequest{Prompt: in.Prompt, Password: in.Password})
	if err == nil {
		err = k.cfg.Transport.Send(wire.Stdin, m)
	}
	if err != nil {
		k.log.Error("send input_request", "err", err)
		k.give("")
		return
	}
	x.asked = m.Header.MsgID
}

// answered hands an input_reply to the cell that waits for it. One that comes too late, after an interrupt, is dropped:
// front ends name the question they answer, although some clients name none.
func (k *kernel) answered(m *wire.Message) {
	c, err := wire.As[wire.InputReply](m)
	if err != nil {
		k.log.Warn("malformed message on stdin", "err", err)
		return
	}
	x := k.running
	if x == nil || x.asked == "" || m.Parent.MsgID != "" && m.Parent.MsgID != x.asked {
		k.log.Debug("nobody waits for this input_reply")
		return
	}
	x.asked = ""
	k.give(c.Value)
}

func (k *kernel) give(text string) {
	if err := k.cfg.Session.Answer(text); err != nil {
		k.log.Error("answer input", "err", err)
	}
}
