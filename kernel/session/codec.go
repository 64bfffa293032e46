package session

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
)

// A kind is the type of a frame's body.
type kind byte

const (
	// Sent by the child.
	kindOutput kind = 1 + iota
	kindDisplay
	kindResult
	kindClear
	kindInput
	kindFailed
	kindRestarted
	kindDone
	kindRecorded
	kindReady
	kindBegin
	kindFence
	kindRestored
	kindForget
	kindAnswered // on the pipe of answers
	kindComm
	// Sent by the supervisor.
	kindHello
	kindRun
	kindInterrupt
	kindAnswer
	kindRestore
	kindShutdown
	kindQuestion
	kindToComm
)

// protocolVersion changes with the meaning of any frame, so that a running kernel notices that its binary was
// replaced.
const protocolVersion = 4

// Messages that stay inside the package. Those of the child are events, since they travel in the same stream.
type (
	ready    struct{ PID uint64 }  // the child can take requests
	begin    struct{ Cell uint64 } // from here on bytes on fd 1 and fd 2 belong to this cell
	fence    struct{}              // a place in the order of output
	forget   struct{}              // the records so far are not needed any longer
	restored struct {              // answers restore
		Lost, Failed []string
	}

	hello struct {
		Version uint64
		Nonce   string
	}
	interrupt struct{ Cell uint64 }
	answer    struct {
		Input uint64 // which Input event of this process, counted from 1
		Text  string
	}
	restore  struct{ Records []string }
	shutdown struct{}
)

func (ready) event()    {}
func (begin) event()    {}
func (fence) event()    {}
func (restored) event() {}
func (forget) event()   {}

// rawOutput is an Output before it is sent: bytes that need not be valid text yet. It decodes as Output.
type rawOutput struct {
	Cell   uint64
	Stream Stream
	Text   []byte
}

func appendBody(b []byte, msg any) ([]byte, kind, bool) {
	switch m := msg.(type) {
	case rawOutput:
		b = appendUint(b, m.Cell)
		b = appendString(b, m.Stream)
		return appendString(b, m.Text), kindOutput, true
	case Output:
		b = appendUint(b, m.Cell)
		b = appendString(b, m.Stream)
		return appendString(b, m.Text), kindOutput, true
	case Display:
		b = appendUint(b, m.Cell)
		b = appendBundle(b, m.Data)
		b = appendBundle(b, m.Metadata)
		b = appendString(b, m.ID)
		return appendBool(b, m.Update), kindDisplay, true
	case Result:
		b = appendUint(b, m.Cell)
		b = appendBundle(b, m.Data)
		return appendBundle(b, m.Metadata), kindResult, true
	case Clear:
		b = appendUint(b, m.Cell)
		return appendBool(b, m.Wait), kindClear, true
	case Input:
		b = appendUint(b, m.Cell)
		b = appendString(b, m.Prompt)
		return appendBool(b, m.Password), kindInput, true
	case Failed:
		return appendFailed(b, m), kindFailed, true
	case Restarted:
		b = appendUint(b, m.Cell)
		b = appendString(b, m.Reason)
		b = appendStrings(b, m.Lost)
		return appendStrings(b, m.Failed), kindRestarted, true
	case Done:
		return appendDone(b, m), kindDone, true
	case Recorded:
		b = appendUint(b, m.Cell)
		return appendString(b, m.Record), kindRecorded, true
	case ready:
		return appendUint(b, m.PID), kindReady, true
	case begin:
		return appendUint(b, m.Cell), kindBegin, true
	case fence:
		return b, kindFence, true
	case restored:
		return appendStrings(appendStrings(b, m.Lost), m.Failed), kindRestored, true
	case forget:
		return b, kindForget, true
	case answered:
		return appendAnswered(b, m), kindAnswered, true
	case Comm:
		return appendComm(b, m), kindComm, true
	case toComm:
		return appendComm(b, m.Comm), kindToComm, true
	case hello:
		return appendString(appendUint(b, m.Version), m.Nonce), kindHello, true
	case Cell:
		b = appendUint(b, m.ID)
		b = appendUint(b, uint64(m.N))
		b = appendString(b, m.Code)
		b = appendBool(b, m.Silent)
		b = appendBool(b, m.StoreHistory)
		b = appendBool(b, m.AllowStdin)
		b = appendStrings(b, m.Targets)
		b = appendUint(b, uint64(len(m.Expressions)))
		for _, name := range slices.Sorted(maps.Keys(m.Expressions)) {
			b = appendString(appendString(b, name), m.Expressions[name])
		}
		return b, kindRun, true
	case interrupt:
		return appendUint(b, m.Cell), kindInterrupt, true
	case answer:
		return appendString(appendUint(b, m.Input), m.Text), kindAnswer, true
	case restore:
		return appendStrings(b, m.Records), kindRestore, true
	case shutdown:
		return b, kindShutdown, true
	case Question:
		b = appendUint(b, m.ID)
		b = appendBool(b, m.Inspect)
		b = appendBool(b, m.Variables)
		b = appendString(b, m.Code)
		b = appendUint(b, uint64(m.Cursor))
		return appendUint(b, uint64(m.Detail)), kindQuestion, true
	}
	return b, 0, false
}

func decodeBody(k kind, b []byte) (any, bool) {
	d := &decoder{b: b}
	var msg any
	switch k {
	case kindOutput:
		msg = Output{Cell: d.uint(), Stream: Stream(d.string()), Text: d.string()}
	case kindDisplay:
		msg = Display{Cell: d.uint(), Data: d.bundle(), Metadata: d.bundle(), ID: d.string(), Update: d.bool()}
	case kindResult:
		msg = Result{Cell: d.uint(), Data: d.bundle(), Metadata: d.bundle()}
	case kindClear:
		msg = Clear{Cell: d.uint(), Wait: d.bool()}
	case kindInput:
		msg = Input{Cell: d.uint(), Prompt: d.string(), Password: d.bool()}
	case kindFailed:
		msg = d.failed()
	case kindRestarted:
		msg = Restarted{Cell: d.uint(), Reason: d.string(), Lost: d.strings(), Failed: d.strings()}
	case kindDone:
		msg = d.done()
	case kindRecorded:
		msg = Recorded{Cell: d.uint(), Record: bytes.Clone(d.bytes())}
	case kindReady:
		msg = ready{PID: d.uint()}
	case kindBegin:
		msg = begin{Cell: d.uint()}
	case kindFence:
		msg = fence{}
	case kindRestored:
		msg = restored{Lost: d.strings(), Failed: d.strings()}
	case kindForget:
		msg = forget{}
	case kindAnswered:
		msg = d.answered()
	case kindComm:
		msg = d.comm()
	case kindToComm:
		msg = toComm{d.comm()}
	case kindHello:
		msg = hello{Version: d.uint(), Nonce: d.string()}
	case kindRun:
		msg = Cell{ID: d.uint(), N: int(d.uint()), Code: d.string(), Silent: d.bool(), StoreHistory: d.bool(),
			AllowStdin: d.bool(), Targets: d.strings(), Expressions: decodeMap(d, (*decoder).string)}
	case kindInterrupt:
		msg = interrupt{Cell: d.uint()}
	case kindAnswer:
		msg = answer{Input: d.uint(), Text: d.string()}
	case kindRestore:
		msg = restore{Records: d.strings()}
	case kindShutdown:
		msg = shutdown{}
	case kindQuestion:
		msg = Question{ID: d.uint(), Inspect: d.bool(), Variables: d.bool(), Code: d.string(), Cursor: int(d.uint()), Detail: int(d.uint())}
	default:
		return nil, false
	}
	return msg, !d.bad && len(d.b) == 0
}

func appendUint(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendString[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(appendUint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = appendUint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func appendBundle(b []byte, m Bundle) []byte {
	b = appendUint(b, uint64(len(m)))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		b = appendString(appendString(b, key), m[key])
	}
	return b
}

func appendFailed(b []byte, f Failed) []byte {
	b = appendUint(b, f.Cell)
	b = appendString(b, f.Name)
	b = appendString(b, f.Value)
	return appendStrings(b, f.Traceback)
}

func appendDone(b []byte, m Done) []byte {
	b = appendUint(b, m.Cell)
	b = appendBool(b, m.OK)
	b = appendBool(b, m.Interrupted)
	b = appendUint(b, uint64(len(m.Expressions)))
	for _, name := range slices.Sorted(maps.Keys(m.Expressions)) {
		e := m.Expressions[name]
		b = appendString(b, name)
		b = appendBundle(b, e.Data)
		b = appendBundle(b, e.Metadata)
		b = appendBool(b, e.Failed != nil)
		if e.Failed != nil {
			b = appendFailed(b, *e.Failed)
		}
	}
	b = appendString(b, m.Engine)
	b = appendBool(appendString(b, m.Next), m.Instead)
	b = appendBundle(b, m.Page)
	return appendString(b, m.Replace)
}

func appendAnswered(b []byte, m answered) []byte {
	b = appendUint(b, m.ID)
	b = appendUint(b, uint64(m.Completion.Start))
	b = appendUint(b, uint64(m.Completion.End))
	b = appendUint(b, uint64(len(m.Completion.Matches)))
	for _, match := range m.Completion.Matches {
		b = appendString(appendString(appendString(b, match.Text), match.Type), match.Signature)
	}
	b = appendBool(b, m.Inspection.Found)
	b = appendBundle(b, m.Inspection.Data)
	b = appendUint(b, uint64(len(m.Variables)))
	for _, v := range m.Variables {
		b = appendString(appendString(appendString(appendString(b, v.Name), v.Type), v.Value), v.Path)
	}
	return appendString(b, m.Bug)
}

func appendComm(b []byte, c Comm) []byte {
	b = appendUint(b, c.Cell)
	b = appendUint(b, c.Re)
	b = appendString(b, c.ID)
	b = append(b, byte(c.Op))
	b = appendString(b, c.Target)
	b = appendString(b, c.Data)
	b = appendString(b, c.Metadata)
	b = appendUint(b, uint64(len(c.Buffers)))
	for _, buffer := range c.Buffers {
		b = appendString(b, buffer)
	}
	return b
}

// A decoder takes a body apart. After the first error bad is set and every value is zero, so that callers
// check once.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) uint() uint64 {
	if p := d.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

func (d *decoder) bool() bool {
	p := d.take(1)
	if p == nil {
		return false
	}
	if p[0] > 1 {
		d.bad = true
	}
	return p[0] == 1
}

func (d *decoder) byte() byte {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) bytes() []byte  { return d.take(d.uint()) }
func (d *decoder) string() string { return string(d.bytes()) }

// count reads a number of elements, each of which takes at least 8 bytes, so that no frame causes an
// allocation that is larger than the frame.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)/8) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) strings() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.string()
	}
	return list
}

func (d *decoder) bundle() Bundle {
	return decodeMap(d, func(d *decoder) json.RawMessage { return bytes.Clone(d.bytes()) })
}

// decodeMap accepts keys in ascending order only: one map, one encoding.
func decodeMap[V any](d *decoder, value func(*decoder) V) map[string]V {
	n := d.count()
	if n == 0 {
		return nil
	}
	m := make(map[string]V, n)
	var last string
	for i := range n {
		key := d.string()
		if i > 0 && key <= last {
			d.bad = true
		}
		if d.bad {
			return nil
		}
		m[key], last = value(d), key
	}
	return m
}

func (d *decoder) failed() Failed {
	return Failed{Cell: d.uint(), Name: d.string(), Value: d.string(), Traceback: d.strings()}
}

func (d *decoder) done() Done {
	return Done{
		Cell:        d.uint(),
		OK:          d.bool(),
		Interrupted: d.bool(),
		Expressions: decodeMap(d, func(d *decoder) Expression {
			e := Expression{Data: d.bundle(), Metadata: d.bundle()}
			if d.bool() {
				f := d.failed()
				e.Failed = &f
			}
			return e
		}),
		Engine:  d.string(),
		Next:    d.string(),
		Instead: d.bool(),
		Page:    d.bundle(),
		Replace: d.string(),
	}
}

func (d *decoder) comm() Comm {
	c := Comm{Cell: d.uint(), Re: d.uint(), ID: d.string(), Op: CommOp(d.byte()), Target: d.string(),
		Data: d.raw(), Metadata: d.raw()}
	if c.Op < CommOpen || c.Op > CommHandled {
		d.bad = true
	}
	for n := d.count(); n > 0 && !d.bad; n-- {
		c.Buffers = append(c.Buffers, bytes.Clone(d.bytes()))
	}
	return c
}

// raw returns nil for JSON that is absent, as it was encoded.
func (d *decoder) raw() json.RawMessage {
	if b := d.bytes(); len(b) > 0 {
		return bytes.Clone(b)
	}
	return nil
}

func (d *decoder) answered() (m answered) {
	m.ID = d.uint()
	m.Completion = Completion{Start: int(d.uint()), End: int(d.uint())}
	for n := d.count(); n > 0 && !d.bad; n-- {
		m.Completion.Matches = append(m.Completion.Matches, Match{Text: d.string(), Type: d.string(), Signature: d.string()})
	}
	m.Inspection = Inspection{Found: d.bool(), Data: d.bundle()}
	for n := d.count(); n > 0 && !d.bad; n-- {
		m.Variables = append(m.Variables, Variable{Name: d.string(), Type: d.string(), Value: d.string(), Path: d.string()})
	}
	m.Bug = d.string()
	return m
}
