package kernel

import (
	"context"
	"log/slog"
)

// Requests that are deliberately not served, with the reason. Each is answered as the protocol prescribes for
// that case. They have no use in a Go kernel.
var unserved = map[string]string{
	"usage_request": "an extension of ipykernel, which the kernel of a program of its own has no use for",
	// Two cells of one session at once would break: the check of a cell, whose result holds only until the other cell
	// is committed; its definitions, which are written over code that the other runs; its interrupt, since breakpoints
	// are in functions that both may run; and what the process has once: the execution tracer, the working folder,
	// standard input, the markers that put output in order.
	"create_subshell_request": "a subshell runs a cell while another runs, in the same session: each could replace the " +
		"functions and variables that the other uses, between its check and its run. Goroutines run beside cells",
	"delete_subshell_request": "there are no subshells",
	"list_subshell_request":   "there are no subshells",
	"apply_request":           "deprecated, IPython's parallel engines alone",
	"clear_request":           "deprecated, IPython's parallel engines alone",
	"abort_request":           "deprecated, IPython's parallel engines alone",
	"input_reply":             "belongs on the stdin channel",
}

// unhandled answers a request of a type that is not served.
func (k *kernel) unhandled(r request) {
	level := slog.LevelDebug
	why, ok := unserved[r.msg.Header.MsgType]
	if !ok {
		level, why = slog.LevelWarn, "unknown message type"
	}
	k.log.Log(context.Background(), level, "not served", "msg", r.msg.Header.MsgType, "channel", r.channel, "why", why)
	// As in ipykernel an unknown type gets busy and idle and no reply, since the form of its reply is
	// unknown.
}
