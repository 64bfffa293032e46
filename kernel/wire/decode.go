package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrUnknown is the error of Parse for a message type that has no Content here.
var ErrUnknown = errors.New("unknown message type")

// Parse decodes a message's content into the type its header names. Fields it does not know are ignored; a
// field of the wrong JSON type is an error.
func Parse(m *Message) (Content, error) {
	parse, ok := parsers[m.Header.MsgType]
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknown, m.Header.MsgType)
	}
	return parse(m)
}

// As decodes a message's content into a T, which must be the type that its header names.
func As[T Content](m *Message) (T, error) {
	c, err := Parse(m)
	if err != nil {
		var zero T
		return zero, err
	}
	t, ok := c.(T)
	if !ok {
		return t, fmt.Errorf("%s is not %s", m.Header.MsgType, t.MsgType())
	}
	return t, nil
}

var parsers = map[string]func(*Message) (Content, error){
	"execute_request":     into[ExecuteRequest],
	"inspect_request":     into[InspectRequest],
	"complete_request":    into[CompleteRequest],
	"history_request":     into[HistoryRequest],
	"is_complete_request": into[IsCompleteRequest],
	"connect_request":     into[ConnectRequest],
	"usage_request":       into[UsageRequest],
	"comm_info_request":   into[CommInfoRequest],
	"kernel_info_request": into[KernelInfoRequest],
	"shutdown_request":    into[ShutdownRequest],
	"interrupt_request":   into[InterruptRequest],
	"debug_request":       into[DebugRequest],
	"input_request":       into[InputRequest],
	"comm_open":           into[CommOpen],
	"comm_msg":            into[CommMsg],
	"comm_close":          into[CommClose],

	"execute_reply":     into[ExecuteReply],
	"inspect_reply":     into[InspectReply],
	"complete_reply":    into[CompleteReply],
	"history_reply":     into[HistoryReply],
	"is_complete_reply": into[IsCompleteReply],
	"connect_reply":     into[ConnectReply],
	"usage_reply":       into[UsageReply],
	"comm_info_reply":   into[CommInfoReply],
	"kernel_info_reply": into[KernelInfoReply],
	"shutdown_reply":    into[ShutdownReply],
	"interrupt_reply":   into[InterruptReply],
	"debug_reply":       into[DebugReply],
	"input_reply":       into[InputReply],

	"stream":              into[StreamText],
	"display_data":        into[DisplayData],
	"update_display_data": into[DisplayData],
	"clear_output":        into[ClearOutput],
	"execute_input":       into[ExecuteInput],
	"execute_result":      into[ExecuteResult],
	"error":               into[ErrorText],
	"status":              into[Status],
	"debug_event":         into[DebugEvent],
	"iopub_welcome":       into[Welcome],
}

func into[T Content](m *Message) (Content, error) {
	var v T
	if len(m.Content) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(m.Content, &v); err != nil {
		return v, fmt.Errorf("%s: %w", m.Header.MsgType, err)
	}
	if d, ok := any(v).(DisplayData); ok {
		d.Update = m.Header.MsgType == "update_display_data"
		return d, nil
	}
	return v, nil
}

// UnmarshalJSON decodes a request with the protocol's defaults. Code is required.
func (r *ExecuteRequest) UnmarshalJSON(text []byte) error {
	type plain ExecuteRequest // without this method
	v := struct {
		*plain
		Code         *string `json:"code"`
		StoreHistory *bool   `json:"store_history"`
	}{plain: (*plain)(r)}
	*r = ExecuteRequest{StopOnError: true}
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if v.Code == nil {
		return errors.New("code is missing")
	}
	r.Code = *v.Code
	r.StoreHistory = !r.Silent
	if v.StoreHistory != nil {
		r.StoreHistory = *v.StoreHistory && !r.Silent
	}
	return nil
}

// shown is the JSON of the three messages that carry a bundle.
type shown struct {
	Data      Bundle `json:"data"`
	Metadata  Bundle `json:"metadata"`
	Transient struct {
		ID string `json:"display_id"`
	} `json:"transient"`
	ExecutionCount int `json:"execution_count"`
}

// UnmarshalJSON decodes all fields but Update, which is the message's type.
func (d *DisplayData) UnmarshalJSON(text []byte) error {
	var s shown
	err := json.Unmarshal(text, &s)
	d.Data, d.Metadata, d.ID = s.Data, s.Metadata, s.Transient.ID
	return err
}

// UnmarshalJSON decodes a result.
func (r *ExecuteResult) UnmarshalJSON(text []byte) error {
	var s shown
	err := json.Unmarshal(text, &s)
	r.Data, r.Metadata, r.ExecutionCount = s.Data, s.Metadata, s.ExecutionCount
	return err
}
