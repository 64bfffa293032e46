package kernel

import (
	"context"
	"log/slog"

	"interleave/kernel/wire"
)

// Requests that are deliberately not served, with the reason. Each is answered as the protocol prescribes for
// that case. They have no use in a Go kernel.
var unserved = map[string]string{
	"debug_request": "there is no debugger, as kernel_info_reply states: the response is a failure",

	"usage_request": "an extension of ipykernel, which the kernel of a program of its own has no use for",
	"create_subshell_request": "subshells run cells beside cells; goroutines do that here, " +
		"and the session runs one cell at a time",
	"delete_subshell_request": "there are no subshells",
	"list_subshell_request":   "there are no subshells",
	"apply_request":           "deprecated, IPython's parallel engines alone",
	"clear_request":           "deprecated, IPython's parallel engines alone",
	"abort_request":           "deprecated, IPython's parallel engines alone",
	"input_reply":             "belongs on the stdin channel",
}

// unhandled answers a request of a type that is not served. c is its content, nil when package wire does not
// have the type.
func (k *kernel) unhandled(r request, c wire.Content) {
	level := slog.LevelDebug
	why, ok := unserved[r.msg.Header.MsgType]
	if !ok {
		level, why = slog.LevelWarn, "unknown message type"
	}
	k.log.Log(context.Background(), level, "not served", "msg", r.msg.Header.MsgType, "channel", r.channel, "why", why)
	switch c := c.(type) {
	case wire.DebugRequest:
		k.reply(r, wire.DebugReply{
			Type:       "response",
			RequestSeq: c.Seq,
			Command:    c.Command,
			Message:    "this kernel has no debugger",
		})
	}
	// As in ipykernel an unknown type gets busy and idle and no reply, since the form of its reply is
	// unknown.
}
