// Package wire knows Jupyter's messages: their frames, signatures, JSON and the content of every supported
// type. It knows no sockets, no session and no order of messages. It is pure: any input results in a value or
// an error.
package wire

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// Version is the protocol version in this kernel's headers and kernel_info_reply.
const Version = "5.5"

// A Channel is one of Jupyter's five sockets.
type Channel string

const (
	Shell     Channel = "shell"
	Control   Channel = "control"
	Stdin     Channel = "stdin"
	IOPub     Channel = "iopub"
	Heartbeat Channel = "hb"
)

// A Header holds the sender, date and type of a message. The zero Header stands for {}, the parent of a
// message that is not an answer.
type Header struct {
	MsgID    string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"` // ISO 8601
	MsgType  string `json:"msg_type"`
	Version  string `json:"version"`
}

// A Message is one Jupyter message. Messages are values that are not changed once sent: transports and caches
// share them.
type Message struct {
	Identities [][]byte // routing frames: the client that a reply is for, or the topic of a published message
	Header     Header
	Parent     Header
	Metadata   json.RawMessage // nil means {}
	Content    json.RawMessage // nil means {}
	Buffers    [][]byte

	header, parent spelling
}

// A spelling keeps the bytes from which a header was decoded, because they may hold fields that Header lacks
// and that the sender expects in the parent of each answer. It is used only while the header is unchanged.
type spelling struct {
	of   Header
	text []byte
}

// Incoming is a message and the channel it came on.
type Incoming struct {
	Channel Channel
	Message *Message
}

// A Subscription is a client's request for the messages of IOPub whose topic begins with Topic.
type Subscription struct {
	Topic string
	Peer  []byte // as the second of a message's Identities, it sends the message to this client alone
}

// A Content is the typed content of one message type, such as ExecuteRequest.
type Content interface {
	// MsgType is the message type that carries this content. It does not depend on fields, except for the
	// types that are documented to have several names.
	MsgType() string
}

// An Author makes messages: it gives each its id and date. Its methods may overlap.
type Author struct {
	Session  string
	Username string

	sent atomic.Uint64
}

// NewAuthor makes an author with a session id of its own.
func NewAuthor(username string) *Author {
	return &Author{Session: newID(), Username: username}
}

// New makes a message from its content. It answers parent and goes to parent's sender; without parent its
// Parent and Identities are empty. It returns an error if content holds raw JSON that is invalid.
func (a *Author) New(parent *Message, c Content) (*Message, error) {
	content, err := Encode(c)
	if err != nil {
		return nil, err
	}
	m := &Message{
		Header: Header{
			MsgID:    a.Session + "_" + strconv.FormatUint(a.sent.Add(1), 10),
			Session:  a.Session,
			Username: a.Username,
			Date:     Date(time.Now()),
			MsgType:  c.MsgType(),
			Version:  Version,
		},
		Content: content,
	}
	if parent != nil {
		m.Identities, m.Parent, m.parent = parent.Identities, parent.Header, parent.header
	}
	return m, nil
}

// Stub returns m without its content: enough to answer it later, and small enough to keep.
func (m *Message) Stub() *Message {
	// Decode leaves the identities in one array with all other frames, which a reference to them would keep
	// in memory.
	return &Message{Identities: slices.Clone(m.Identities), Header: m.Header, header: m.header}
}

// Date formats t for headers and metadata: ISO 8601 in UTC, to the microsecond.
func Date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// newID is a random UUID, the form in which clients expect session ids.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
