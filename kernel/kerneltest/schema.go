package kerneltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"interleave/kernel/wire"
)

// Check returns an error for a message that breaks the protocol's schema: a header field that is missing, a
// channel that its type does not belong on, a key that is missing or of another JSON type, a key that is not
// in the protocol. It is stricter than the protocol where some client is known to need it.
func Check(ch wire.Channel, m *wire.Message) error {
	s, ok := schemas[m.Header.MsgType]
	if !ok {
		return fmt.Errorf("message type %q has no schema", m.Header.MsgType)
	}
	errs := []error{checkHeader("header", m.Header)}
	if m.Parent != (wire.Header{}) {
		errs = append(errs, checkHeader("parent header", m.Parent))
	}
	if !slices.Contains(s.channels, ch) {
		errs = append(errs, fmt.Errorf("does not belong on channel %s", ch))
	}
	if _, err := fields(m.Metadata); err != nil {
		errs = append(errs, fmt.Errorf("metadata: %w", err))
	}
	content, err := fields(m.Content)
	if err != nil {
		return fmt.Errorf("%s: content: %w", m.Header.MsgType, err)
	}
	keys := s.keys
	if status, ok := unquote(content["status"]); ok && strings.HasSuffix(m.Header.MsgType, "_reply") &&
		m.Header.MsgType != "is_complete_reply" {
		switch status {
		case wire.Error:
			keys = failedKeys
			if m.Header.MsgType == "execute_reply" && content["execution_count"] != nil {
				keys = failedCellKeys
			}
		case wire.Aborted:
			keys = abortedKeys
		}
	}
	errs = append(errs, checkKeys(keys, content))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", m.Header.MsgType, err)
	}
	return nil
}

// A schema holds the channels of a message type and the keys of its content.
type schema struct {
	channels []wire.Channel
	keys     map[string]check
}

// A check returns an error for a key's value. A key whose check has optional set may be missing.
type check struct {
	optional bool
	of       func(json.RawMessage) error
}

var (
	shellOnly    = []wire.Channel{wire.Shell}
	shellControl = []wire.Channel{wire.Shell, wire.Control}
	iopubOnly    = []wire.Channel{wire.IOPub}
	stdinOnly    = []wire.Channel{wire.Stdin}
	commChannels = []wire.Channel{wire.Shell, wire.IOPub}

	text   = check{of: kind("string", `"`)}
	number = check{of: kind("number", "-0123456789")}
	flag   = check{of: kind("boolean", "tf")}
	obj    = check{of: kind("object", "{")}
	texts  = check{of: each(text)}
	mimes  = check{of: isBundle}
	okay   = oneOf(wire.OK)

	failedKeys     = keys("status", oneOf(wire.Error), "ename", text, "evalue", text, "traceback", texts)
	failedCellKeys = keys("status", oneOf(wire.Error), "ename", text, "evalue", text, "traceback", texts,
		"execution_count", number)
	abortedKeys = keys("status", oneOf(wire.Aborted))
)

var schemas = map[string]schema{
	"execute_request": {shellOnly, keys("code", text, "silent", flag, "store_history", flag, "user_expressions", obj,
		"allow_stdin", flag, "stop_on_error", flag)},
	"execute_reply": {shellControl, keys("status", okay, "execution_count", number, "payload", check{of: each(obj)},
		"user_expressions", check{of: isExpressions})},
	"inspect_request":  {shellControl, keys("code", text, "cursor_pos", number, "detail_level", number)},
	"inspect_reply":    {shellControl, keys("status", okay, "found", flag, "data", mimes, "metadata", obj)},
	"complete_request": {shellControl, keys("code", text, "cursor_pos", number)},
	"complete_reply": {shellControl, keys("status", okay, "matches", texts, "cursor_start", number, "cursor_end", number,
		"metadata", objectOf("_jupyter_types_experimental", check{of: each(objectOf("start", number, "end", number,
			"text", text, "type", text, "signature", text))}))},
	"history_request": {
		shellControl,
		keys("output", flag, "raw", flag, "hist_access_type", oneOf("range", "tail", "search"),
			"session", maybe(number), "start", maybe(number), "stop", maybe(number), "n", maybe(number), "pattern", maybe(text),
			"unique", maybe(flag)),
	},
	"history_reply":       {shellControl, keys("status", okay, "history", check{of: each(check{of: isEntry})})},
	"is_complete_request": {shellControl, keys("code", text)},
	"is_complete_reply": {shellControl, keys("status", oneOf("complete", "incomplete", "invalid", "unknown"),
		"indent", maybe(text))},
	"usage_request": {shellControl, keys()},
	"usage_reply": {shellControl, keys("hostname", text, "pid", number, "kernel_cpu", number, "kernel_memory", number,
		"cpu_count", number, "host_cpu_percent", maybe(number), "host_virtual_memory", maybe(obj))},
	"connect_request": {shellControl, keys()},
	"connect_reply": {shellControl, keys("status", okay, "shell_port", maybe(number), "iopub_port", maybe(number),
		"stdin_port", maybe(number), "control_port", maybe(number), "hb_port", maybe(number))},
	"comm_info_request":   {shellControl, keys("target_name", maybe(text))},
	"comm_info_reply":     {shellControl, keys("status", okay, "comms", obj)},
	"kernel_info_request": {shellControl, keys()},
	"kernel_info_reply": {shellControl, keys("status", okay, "protocol_version", text, "implementation", text,
		"implementation_version", text, "language_info", check{of: isLanguage}, "banner", text, "debugger", flag,
		"help_links", check{of: each(objectOf("text", text, "url", text))}, "supported_features", texts)},
	"shutdown_request":  {shellControl, keys("restart", flag)},
	"shutdown_reply":    {[]wire.Channel{wire.Shell, wire.Control, wire.IOPub}, keys("status", okay, "restart", flag)},
	"interrupt_request": {shellControl, keys()},
	"interrupt_reply":   {shellControl, keys("status", okay)},
	"debug_request": {
		[]wire.Channel{wire.Control},
		keys("seq", number, "type", oneOf("request"), "command", text, "arguments", maybe(obj)),
	},
	"debug_reply": {
		[]wire.Channel{wire.Control},
		keys("seq", number, "type", oneOf("response"), "request_seq", number, "success", flag,
			"command", text, "message", maybe(text), "body", maybe(obj)),
	},
	"comm_open":     {commChannels, keys("comm_id", text, "target_name", text, "target_module", maybe(text), "data", obj)},
	"comm_msg":      {commChannels, keys("comm_id", text, "data", obj)},
	"comm_close":    {commChannels, keys("comm_id", text, "data", obj)},
	"input_request": {stdinOnly, keys("prompt", text, "password", flag)},
	"input_reply":   {stdinOnly, keys("value", text)},

	"stream": {iopubOnly, keys("name", oneOf("stdout", "stderr"), "text", text)},
	"display_data": {
		iopubOnly,
		keys("data", mimes, "metadata", obj, "transient", objectOf("display_id", maybe(text))),
	},
	"update_display_data": {iopubOnly, keys("data", mimes, "metadata", obj, "transient", objectOf("display_id", text))},
	"clear_output":        {iopubOnly, keys("wait", flag)},
	"execute_input":       {iopubOnly, keys("code", text, "execution_count", number)},
	"execute_result":      {iopubOnly, keys("data", mimes, "metadata", obj, "execution_count", number, "transient", obj)},
	"error":               {iopubOnly, keys("ename", text, "evalue", text, "traceback", texts)},
	"status":              {iopubOnly, keys("execution_state", oneOf("starting", "busy", "idle"))},
	"debug_event":         {iopubOnly, keys("seq", number, "type", oneOf("event"), "event", text)},
	"iopub_welcome":       {iopubOnly, keys("subscription", text)},
}

var dates = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$`)

func checkHeader(name string, h wire.Header) error {
	switch {
	case h.MsgID == "" || h.Session == "" || h.Username == "" || h.MsgType == "":
		return fmt.Errorf("%s has an empty field: %+v", name, h)
	case !strings.HasPrefix(h.Version, "5."):
		return fmt.Errorf("%s has version %q", name, h.Version)
	case !dates.MatchString(h.Date):
		return fmt.Errorf("%s has date %q", name, h.Date)
	}
	return nil
}

func checkKeys(want map[string]check, got map[string]json.RawMessage) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, ok := got[key]
		if !ok {
			if !want[key].optional {
				errs = append(errs, fmt.Errorf("%s is missing", key))
			}
			continue
		}
		if err := want[key].of(value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			errs = append(errs, fmt.Errorf("%s is not in the schema", key))
		}
	}
	return errors.Join(errs...)
}

// keys makes a schema's keys from a list of key, check, key, check …
func keys(list ...any) map[string]check {
	m := make(map[string]check, len(list)/2)
	for i := 0; i < len(list); i += 2 {
		m[list[i].(string)] = list[i+1].(check)
	}
	return m
}

func maybe(c check) check { return check{true, c.of} }

// kind checks a value's JSON type by its first byte.
func kind(name, first string) func(json.RawMessage) error {
	return func(v json.RawMessage) error {
		if len(v) == 0 || !strings.Contains(first, string(v[0])) {
			return fmt.Errorf("is no %s: %.40s", name, v)
		}
		return nil
	}
}

func oneOf(values ...string) check {
	return check{of: func(v json.RawMessage) error {
		if s, ok := unquote(v); !ok || !slices.Contains(values, s) {
			return fmt.Errorf("is %.40s, not one of %q", v, values)
		}
		return nil
	}}
}

func each(c check) func(json.RawMessage) error {
	return func(v json.RawMessage) error {
		var l []json.RawMessage
		if err := json.Unmarshal(v, &l); err != nil || l == nil {
			return fmt.Errorf("is no array: %.40s", v)
		}
		for i, e := range l {
			if err := c.of(e); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	}
}

func objectOf(list ...any) check {
	want := keys(list...)
	return check{of: func(v json.RawMessage) error {
		got, err := fields(v)
		if err != nil {
			return err
		}
		return checkKeys(want, got)
	}}
}

var mimeType = regexp.MustCompile(`^[\w.+-]+/[\w.+-]+$`)

func isBundle(v json.RawMessage) error {
	got, err := fields(v)
	for mime, value := range got {
		if !mimeType.MatchString(mime) {
			return fmt.Errorf("%q is no MIME type", mime)
		}
		// Other types may hold any JSON: application/json and what builds on it.
		if strings.HasPrefix(mime, "text/") || strings.HasPrefix(mime, "image/") {
			if err := text.of(value); err != nil {
				return fmt.Errorf("%s: %w", mime, err)
			}
		}
	}
	return err
}

func isExpressions(v json.RawMessage) error {
	got, err := fields(v)
	for name, value := range got {
		e, err := fields(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		want := keys("status", okay, "data", mimes, "metadata", obj)
		if s, _ := unquote(e["status"]); s == wire.Error {
			want = failedKeys
		}
		if err := checkKeys(want, e); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return err
}

func isEntry(v json.RawMessage) error {
	var e []json.RawMessage
	if err := json.Unmarshal(v, &e); err != nil || len(e) != 3 {
		return fmt.Errorf("is no [session, line, input]: %.40s", v)
	}
	return errors.Join(number.of(e[0]), number.of(e[1]))
}

func isLanguage(v json.RawMessage) error {
	return objectOf("name", text, "version", text, "mimetype", text, "file_extension", text, "pygments_lexer", text,
		"codemirror_mode", text, "nbconvert_exporter", text).of(v)
}

// fields splits an object; no bytes stand for an empty one.
func fields(v json.RawMessage) (map[string]json.RawMessage, error) {
	if len(v) == 0 {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(v, &m); err != nil || m == nil {
		return nil, fmt.Errorf("is no object: %.40s", v)
	}
	return m, nil
}

func unquote(v json.RawMessage) (s string, ok bool) {
	if len(v) == 0 || v[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(v, &s) == nil
}
