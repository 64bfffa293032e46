package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Encode returns the JSON of a content. Invalid UTF-8 becomes U+FFFD. Text and bundles, which can be large,
// are copied once, at about the speed of the signature's hash. It returns an error for a bundle with a value
// that is not JSON.
func Encode(c Content) (json.RawMessage, error) {
	switch c := c.(type) {
	case StreamText:
		b := make([]byte, 0, len(c.Text)+len(c.Text)/16+64)
		b = append(b, `{"name":`...)
		b = appendString(b, c.Name)
		b = append(b, `,"text":`...)
		b = appendString(b, c.Text)
		return append(b, '}'), nil
	case ExecuteInput:
		b := make([]byte, 0, len(c.Code)+len(c.Code)/16+64)
		b = append(b, `{"code":`...)
		b = appendString(b, c.Code)
		b = append(b, `,"execution_count":`...)
		b = strconv.AppendInt(b, int64(c.ExecutionCount), 10)
		return append(b, '}'), nil
	case DisplayData:
		b, err := appendShown(c.Data, c.Metadata)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.MsgType(), err)
		}
		b = append(b, `,"transient":{`...)
		if c.ID != "" {
			b = append(b, `"display_id":`...)
			b = appendString(b, c.ID)
		}
		return append(b, "}}"...), nil
	case ExecuteResult:
		b, err := appendShown(c.Data, c.Metadata)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.MsgType(), err)
		}
		b = append(b, `,"execution_count":`...)
		b = strconv.AppendInt(b, int64(c.ExecutionCount), 10)
		// Clients crash without transient, although the protocol lets it be absent.
		return append(b, `,"transient":{}}`...), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("%s: %w", c.MsgType(), err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// appendShown starts the object of a message that carries a bundle.
func appendShown(data, metadata Bundle) (b []byte, err error) {
	n := 96
	for mime, v := range data {
		n += len(mime) + len(v) + 8
	}
	b = append(make([]byte, 0, n), `{"data":`...)
	if b, err = appendBundle(b, data); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	b = append(b, `,"metadata":`...)
	if b, err = appendBundle(b, metadata); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return b, nil
}

// appendBundle writes bundles in the order of their MIME types. Values come from user code through the
// session, so each is checked: one that is not JSON would make the whole message unreadable.
func appendBundle(b []byte, bundle Bundle) ([]byte, error) {
	b = append(b, '{')
	for i, mime := range slices.Sorted(maps.Keys(bundle)) {
		v := bundle[mime]
		if !valid(v) {
			return nil, fmt.Errorf("%q is not JSON: %.40q", mime, v)
		}
		if !utf8.Valid(v) {
			v = bytes.ToValidUTF8(v, []byte("\uFFFD"))
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, mime)
		b = append(b, ':')
		b = append(b, v...)
	}
	return append(b, '}'), nil
}

// appendString writes s as a JSON string. Only what JSON demands is escaped: not <, > and &, since no client
// puts messages into HTML as they are. Each byte of invalid UTF-8 becomes U+FFFD. All output passes through
// here, and encoding/json would take up to twice the time.
func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error is that of invalid UTF-8
	return b
}

// MarshalJSON writes the fields that belong to the reply's Status.
func (r ExecuteReply) MarshalJSON() ([]byte, error) {
	switch r.Status {
	case Aborted:
		return json.Marshal(map[string]string{"status": Aborted})
	case Error:
		return marshal(struct {
			Status         string   `json:"status"`
			ExecutionCount int      `json:"execution_count"`
			EName          string   `json:"ename"`
			EValue         string   `json:"evalue"`
			Traceback      []string `json:"traceback"`
		}{r.Status, r.ExecutionCount, r.EName, r.EValue, list(r.Traceback)})
	}
	exprs := r.Expressions
	if exprs == nil {
		exprs = map[string]Expression{}
	}
	return marshal(struct {
		Status         string                `json:"status"`
		ExecutionCount int                   `json:"execution_count"`
		Payload        []json.RawMessage     `json:"payload"`
		Expressions    map[string]Expression `json:"user_expressions"`
	}{r.Status, r.ExecutionCount, list(r.Payload), exprs})
}

// MarshalJSON writes data and metadata of a value, even when empty, and the error's fields otherwise.
func (e Expression) MarshalJSON() ([]byte, error) {
	if e.Status == OK {
		return marshal(struct {
			Status   string `json:"status"`
			Data     Bundle `json:"data"`
			Metadata Bundle `json:"metadata"`
		}{e.Status, object(e.Data), object(e.Metadata)})
	}
	return marshal(struct {
		Status    string   `json:"status"`
		EName     string   `json:"ename"`
		EValue    string   `json:"evalue"`
		Traceback []string `json:"traceback"`
	}{e.Status, e.EName, e.EValue, list(e.Traceback)})
}

// MarshalJSON leaves out the error's fields when there is no error.
func (r ErrorReply) MarshalJSON() ([]byte, error) {
	if r.Status == Aborted {
		return json.Marshal(map[string]string{"status": Aborted})
	}
	type plain ErrorReply
	r.Traceback = list(r.Traceback)
	return marshal(plain(r))
}

// MarshalJSON writes lists where the zero value has nil: clients do not accept null there.
func (r CompleteReply) MarshalJSON() ([]byte, error) {
	type plain CompleteReply
	r.Matches, r.Metadata.Types = list(r.Matches), list(r.Metadata.Types)
	return marshal(plain(r))
}

// MarshalJSON writes objects where the zero value has nil.
func (r InspectReply) MarshalJSON() ([]byte, error) {
	type plain InspectReply
	r.Data, r.Metadata = object(r.Data), object(r.Metadata)
	return marshal(plain(r))
}

// MarshalJSON writes lists where the zero value has nil.
func (r KernelInfoReply) MarshalJSON() ([]byte, error) {
	type plain KernelInfoReply
	r.HelpLinks, r.SupportedFeatures = list(r.HelpLinks), list(r.SupportedFeatures)
	return marshal(plain(r))
}

// MarshalJSON writes a list where the zero value has nil.
func (r HistoryReply) MarshalJSON() ([]byte, error) {
	type plain HistoryReply
	r.History = list(r.History)
	return marshal(plain(r))
}

// MarshalJSON writes an object where the zero value has nil.
func (r CommInfoReply) MarshalJSON() ([]byte, error) {
	type plain CommInfoReply
	if r.Comms == nil {
		r.Comms = map[string]CommInfo{}
	}
	return marshal(plain(r))
}

// MarshalJSON writes a list where the zero value has nil.
func (e ErrorText) MarshalJSON() ([]byte, error) {
	type plain ErrorText
	e.Traceback = list(e.Traceback)
	return marshal(plain(e))
}

// MarshalJSON writes an object where the zero value has nil.
func (r ExecuteRequest) MarshalJSON() ([]byte, error) {
	type plain ExecuteRequest
	if r.Expressions == nil {
		r.Expressions = map[string]string{}
	}
	return marshal(plain(r))
}

// MarshalJSON writes an object where the zero value has nil.
func (c CommOpen) MarshalJSON() ([]byte, error) {
	type plain CommOpen
	c.Data = data(c.Data)
	return marshal(plain(c))
}

// MarshalJSON writes an object where the zero value has nil.
func (c CommMsg) MarshalJSON() ([]byte, error) {
	type plain CommMsg
	c.Data = data(c.Data)
	return marshal(plain(c))
}

// MarshalJSON writes an object where the zero value has nil.
func (c CommClose) MarshalJSON() ([]byte, error) {
	type plain CommClose
	c.Data = data(c.Data)
	return marshal(plain(c))
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func object(b Bundle) Bundle {
	if b == nil {
		return Bundle{}
	}
	return b
}

func data(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("{}")
	}
	return raw
}
