package kernel

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// handle answers one request between busy and idle. The idle of a cell, of a question, of a message of a comm, and of
// shutdown, comes later.
func (k *kernel) handle(r request) {
	k.publish(r.msg, wire.Status{State: "busy"})
	if k.answer(r) {
		k.idle(r.msg)
	}
}

// idle publishes that a request is done. Front ends show the status that came last, whichever request it is for: so
// a cell that still runs is busy once more.
func (k *kernel) idle(request *wire.Message) {
	k.publish(request, wire.Status{State: "idle"})
	if x := k.running; x != nil && x.request.msg.Header.MsgID != request.Header.MsgID {
		k.publish(x.request.msg, wire.Status{State: "busy"})
	}
}

// answer serves a request, and reports whether it is done.
func (k *kernel) answer(r request) (over bool) {
	c, err := wire.Parse(r.msg)
	switch {
	case errors.Is(err, wire.ErrUnknown):
		k.unhandled(r)
		return true
	case err != nil:
		k.log.Warn("malformed request", "err", err)
		k.refuse(r, "malformed request", err.Error())
		return true
	}
	switch c := c.(type) {
	case wire.ExecuteRequest:
		if r.channel != wire.Shell {
			k.refuse(r, "wrong channel", "execute_request belongs on the shell channel")
			return true
		}
		return k.execute(r, c)
	case wire.KernelInfoRequest:
		k.reply(r, k.info())
	case wire.IsCompleteRequest:
		k.reply(r, k.isComplete(c))
	case wire.CompleteRequest:
		return k.question(r, session.Question{Code: c.Code, Cursor: c.CursorPos})
	case wire.InspectRequest:
		return k.question(r, session.Question{Inspect: true, Code: c.Code, Cursor: c.CursorPos, Detail: c.DetailLevel})
	case wire.HistoryRequest:
		k.reply(r, wire.HistoryReply{Status: wire.OK, History: k.history.find(c)})
	case wire.ConnectRequest:
		ports := k.cfg.Connect
		ports.Status = wire.OK
		k.reply(r, ports)
	case wire.UsageRequest:
		if k.cfg.Usage == nil {
			k.unhandled(r)
			break
		}
		k.reply(r, k.cfg.Usage())
	case wire.CommInfoRequest:
		k.reply(r, k.commInfo(c.TargetName))
	case wire.CommOpen:
		return k.openComm(r, c)
	case wire.CommMsg:
		return k.toOpenComm(r, c.CommID, session.CommMessage, c.Data)
	case wire.CommClose:
		return k.toOpenComm(r, c.CommID, session.CommClose, c.Data)
	case wire.DebugRequest:
		return k.debug(r, c)
	case wire.InterruptRequest:
		k.cfg.Session.Interrupt()
		k.dropUnread()
		k.reply(r, wire.InterruptReply{Status: wire.OK})
	case wire.ShutdownRequest:
		k.shutdown = &r // close answers, when the session has ended
		return false
	default:
		k.unhandled(r)
	}
	return true
}

// reply answers a request on its own channel.
func (k *kernel) reply(r request, c wire.Content) {
	m, err := k.author.New(r.msg, c)
	if err == nil {
		err = k.cfg.Transport.Send(r.channel, m)
	}
	if err != nil {
		k.log.Error("send "+c.MsgType(), "err", err)
	}
}

// refuse answers a request with an error. A message that is not a request gets no answer.
func (k *kernel) refuse(r request, name, value string) {
	if c := failure(r.msg, wire.Error); c != nil {
		if e, ok := c.(wire.ErrorReply); ok {
			e.EName, e.EValue = name, value
			c = e
		}
		k.reply(r, c)
	}
}

// abort answers a request that is no longer served.
func (k *kernel) abort(r request) {
	k.publish(r.msg, wire.Status{State: "busy"})
	if r.msg.Header.MsgType == "kernel_info_request" { // clients accept no other answer
		k.reply(r, k.info())
	} else if c := failure(r.msg, wire.Aborted); c != nil {
		k.reply(r, c)
	}
	k.publish(r.msg, wire.Status{State: "idle"})
}

// failure is the reply to a request that failed or was aborted, nil for a message that is not a request.
func failure(m *wire.Message, status string) wire.Content {
	name, ok := strings.CutSuffix(m.Header.MsgType, "_request")
	switch {
	case !ok:
		return nil
	case name == "is_complete": // its status has a meaning of its own
		return wire.IsCompleteReply{Status: "unknown"}
	}
	return wire.ErrorReply{To: name + "_reply", Status: status}
}

// replyShutdown answers the request that ended the kernel: to the client that sent it, and on iopub to all.
func (k *kernel) replyShutdown(r request) {
	c, _ := wire.As[wire.ShutdownRequest](r.msg)
	reply := wire.ShutdownReply{Status: wire.OK, Restart: c.Restart}
	k.reply(r, reply)
	k.publish(r.msg, reply)
	k.publish(r.msg, wire.Status{State: "idle"})
}

// isComplete calls Config.IsComplete, the only code in the event loop that reads code of cells. A panic there
// is logged and does not end the kernel.
func (k *kernel) isComplete(c wire.IsCompleteRequest) (reply wire.IsCompleteReply) {
	if k.cfg.IsComplete == nil {
		return wire.IsCompleteReply{Status: "unknown"}
	}
	defer func() {
		if r := recover(); r != nil {
			k.log.Log(context.Background(), LevelBug, "is_complete", "panic", r, "stack", string(debug.Stack()))
			reply = wire.IsCompleteReply{Status: "unknown"}
		}
	}()
	status, indent := k.cfg.IsComplete(c.Code)
	if status != "incomplete" {
		indent = ""
	}
	return wire.IsCompleteReply{Status: status, Indent: indent}
}

// info describes this kernel.
func (k *kernel) info() wire.KernelInfoReply {
	i := k.cfg.Info
	return wire.KernelInfoReply{
		Status:                wire.OK,
		ProtocolVersion:       wire.Version,
		Implementation:        "interleave",
		ImplementationVersion: i.Version,
		LanguageInfo: wire.LanguageInfo{
			Name:              "go",
			Version:           i.GoVersion,
			Mimetype:          "text/x-go",
			FileExtension:     ".go",
			PygmentsLexer:     "go",
			CodemirrorMode:    "go",
			NbconvertExporter: "script",
		},
		Banner:            i.Banner,
		Debugger:          true, // of variables alone; debug.go
		HelpLinks:         i.HelpLinks,
		SupportedFeatures: []string{"debugger"},
	}
}
