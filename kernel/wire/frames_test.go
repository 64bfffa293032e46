package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"weak"
)

func signer(t testing.TB, scheme, key string) *Signer {
	t.Helper()
	s, err := NewSigner(scheme, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// frames are a request as a client sends it, signed with key by means of its own.
func frames(key string, parts ...string) [][]byte {
	mac := hmac.New(sha256.New, []byte(key))
	for _, p := range parts[:4] {
		mac.Write([]byte(p))
	}
	out := [][]byte{[]byte("client"), []byte("<IDS|MSG>"), []byte(hex.EncodeToString(mac.Sum(nil)))}
	for _, p := range parts {
		out = append(out, []byte(p))
	}
	return out
}

const aHeader = `{"msg_id": "1", "session": "s", "username": "u", "date": "2026-11-21T10:00:00Z", "msg_type": "execute_request",` +
	` "version": "5.4", "subshell_id": null}`

func TestDecode(t *testing.T) {
	t.Parallel()
	s := signer(t, "hmac-sha256", "key")
	in := frames("key", aHeader, `{}`, `{"cellId": "c"}`, `{"code": "1"}`, "buffer")
	m, err := s.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	want := Header{"1", "s", "u", "2026-11-21T10:00:00Z", "execute_request", "5.4"}
	if m.Header != want || m.Parent != (Header{}) {
		t.Errorf("header %+v, parent %+v", m.Header, m.Parent)
	}
	if string(m.Identities[0]) != "client" || string(m.Metadata) != `{"cellId": "c"}` || string(m.Buffers[0]) != "buffer" {
		t.Errorf("decoded %+v", m)
	}
	out, err := s.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.Join(out, []byte{0}), bytes.Join(in, []byte{0})) {
		t.Errorf("encoded %q\nwant    %q", out, in)
	}

	// An answer shows the client its own header again, with the fields we do not know.
	for _, parent := range []*Message{m, m.Stub()} {
		reply, err := NewAuthor("kernel").New(parent, InterruptReply{Status: OK})
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Encode(reply)
		if err != nil {
			t.Fatal(err)
		}
		if string(out[0]) != "client" || string(out[4]) != aHeader {
			t.Errorf("reply to %q with parent %s", out[0], out[4])
		}
	}

	// A header that was changed is not sent as it was.
	m.Header.MsgID = "2"
	out, err = s.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(out[3]), `{"msg_id":"2",`) {
		t.Errorf("changed header went out as %s", out[3])
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	good := func() [][]byte { return frames("key", aHeader, `{}`, `{}`, `{}`) }
	for _, c := range []struct {
		name   string
		frames [][]byte
		want   error
	}{
		{"nothing", nil, ErrFrames},
		{"no delimiter", good()[2:], ErrFrames},
		{"delimiter last", good()[:2], ErrFrames},
		{"truncated", good()[:6], ErrFrames},
		{"wrong key", frames("kex", aHeader, `{}`, `{}`, `{}`), ErrSignature},
		{"no signature", append(append(good()[:2:2], nil), good()[3:]...), ErrSignature},
		{"signature in capitals", append(append(good()[:2:2], bytes.ToUpper(good()[2])), good()[3:]...), ErrSignature},
		{"header cut", frames("key", aHeader[:20], `{}`, `{}`, `{}`), ErrJSON},
		{"header is a list", frames("key", `[]`, `{}`, `{}`, `{}`), ErrJSON},
		{"header with a number for a string", frames("key", `{"msg_id": 1}`, `{}`, `{}`, `{}`), ErrJSON},
		{"parent null", frames("key", aHeader, `null`, `{}`, `{}`), ErrJSON},
		{"metadata empty", frames("key", aHeader, `{}`, ``, `{}`), ErrJSON},
		{"content is a string", frames("key", aHeader, `{}`, `{}`, `"{}"`), ErrJSON},
		{"content with more behind", frames("key", aHeader, `{}`, `{}`, `{}{}`), ErrJSON},
	} {
		if m, err := signer(t, "", "key").Decode(c.frames); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, m, err, c.want)
		}
	}
}

// As Python's client does, what is not UTF-8 is read as if U+FFFD stood there.
func TestDecodeInvalidUTF8(t *testing.T) {
	t.Parallel()
	m, err := signer(t, "", "key").Decode(frames("key", strings.Replace(aHeader, `"u"`, "\"\xff\"", 1), `{}`, `{}`, "{\"code\": \"a\xffb\\ud800c\"}"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := As[ExecuteRequest](m)
	if err != nil || m.Header.Username != "\uFFFD" || r.Code != "a\uFFFDb\uFFFDc" {
		t.Errorf("%+v, %+v, %v", m.Header, r, err)
	}
}

func TestSchemes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scheme, key string
		size        int
	}{{"hmac-sha256", "k", 64}, {"", "k", 64}, {"hmac-sha512", "k", 128}, {"hmac-sha384", "k", 96}, {"hmac-sha1", "k", 40}, {"hmac-sha256", "", 0}} {
		s := signer(t, c.scheme, c.key)
		f, err := s.Encode(&Message{Header: Header{MsgType: "status"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(f[1]) != c.size {
			t.Errorf("%s: signature %s", c.scheme, f[1])
		}
		if _, err := s.Decode(f); err != nil {
			t.Errorf("%s: %v", c.scheme, err)
		}
	}
	for _, scheme := range []string{"hmac-md4", "sha256", "hmac-"} {
		if _, err := NewSigner(scheme, nil); err == nil {
			t.Errorf("scheme %q is accepted", scheme)
		}
	}
}

func TestReplays(t *testing.T) {
	t.Parallel()
	s := signer(t, "", "key")
	s.RefuseReplays(2)
	a, b, c := frames("key", aHeader, `{}`, `{}`, `{"a":1}`), frames("key", aHeader, `{}`, `{}`, `{"b":1}`), frames("key", aHeader, `{}`, `{}`, `{"c":1}`)
	for i, f := range []struct {
		frames [][]byte
		want   error
	}{{a, nil}, {a, ErrReplayed}, {b, nil}, {a, ErrReplayed}, {c, nil}, {a, nil}, {c, ErrReplayed}} {
		if _, err := s.Decode(f.frames); !errors.Is(err, f.want) {
			t.Errorf("message %d: %v, want %v", i, err, f.want)
		}
	}
}

// TestReplayWindow: of more messages than are remembered exactly the last are refused, and the memory does not grow with them.
func TestReplayWindow(t *testing.T) {
	t.Parallel()
	const window = 1 << 10
	s := signer(t, "hmac-sha512", "key")
	s.RefuseReplays(window)
	client := signer(t, "hmac-sha512", "key")
	sent := make([][][]byte, 5*window/2)
	for i := range sent {
		var err error
		if sent[i], err = client.Encode(&Message{Header: Header{MsgID: fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Decode(sent[i]); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	for i, f := range sent[len(sent)-window:] {
		if _, err := s.Decode(f); !errors.Is(err, ErrReplayed) {
			t.Fatalf("the last but %d: %v, want %v", window-i-1, err, ErrReplayed)
		}
	}
	if _, err := s.Decode(sent[len(sent)-window-1]); err != nil {
		t.Errorf("the message before the window: %v", err)
	}
	if len(s.seen) != window || len(s.ring) != window || cap(s.ring) > 2*window {
		t.Errorf("%d and %d signatures are remembered in room for %d, want %d", len(s.seen), len(s.ring), cap(s.ring), window)
	}
	// A signature that was refused is not remembered: whoever has no key cannot push others out.
	forged := append([][]byte(nil), sent[0]...)
	for range 2 * window {
		forged[1] = []byte(strings.Repeat("0", len(sent[0][1])))
		if _, err := s.Decode(forged); !errors.Is(err, ErrSignature) {
			t.Fatal(err)
		}
	}
	if _, err := s.Decode(sent[len(sent)-1]); !errors.Is(err, ErrReplayed) {
		t.Errorf("after forged messages: %v, want %v", err, ErrReplayed)
	}
}

func TestEncodeRefusesWhatIsNoObject(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"null", "[]", `"x"`, " "} {
		if _, err := signer(t, "", "").Encode(&Message{Content: json.RawMessage(text)}); !errors.Is(err, ErrJSON) {
			t.Errorf("content %q: %v", text, err)
		}
	}
}

// FuzzDecode takes frames divided by newlines. What is decoded encodes to the same bytes, if they were valid UTF-8.
func FuzzDecode(f *testing.F) {
	for _, parts := range [][]string{
		{aHeader, `{}`, `{}`, `{"code": "x"}`, "buf"},
		{`{}`, aHeader, `{"a": [1, 2]}`, `{}`},
		{`{"msg_id": "\ud800", "MSG_ID": "x"}`, ` { } `, `{"":""}`, `{"a":1e999}`},
	} {
		f.Add(bytes.Join(frames("key", parts...)[3:], []byte("\n")))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := signer(t, "", "key")
		raw := bytes.Split(in, []byte("\n"))
		if _, err := s.Decode(raw); err == nil {
			t.Fatal("decoded without a signature")
		}
		if len(raw) < 4 {
			return
		}
		var parts []string
		for _, p := range raw {
			parts = append(parts, string(p))
		}
		signed := frames("key", parts...)
		m, err := s.Decode(signed)
		if err != nil {
			return
		}
		out, err := s.Encode(m)
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		if want := bytes.ToValidUTF8(bytes.Join(raw[:4], nil), []byte("\uFFFD")); !bytes.Equal(bytes.Join(out[3:7], nil), want) {
			t.Errorf("encoded %q\nwant    %q", out[3:], raw)
		}
	})
}

func TestStubKeepsNoContent(t *testing.T) {
	t.Parallel()
	s := signer(t, "", "key")
	content := []byte(`{"code": "` + strings.Repeat("x", 1<<20) + `"}`)
	m := &Message{Identities: [][]byte{[]byte("peer")}, Header: Header{MsgType: "execute_request"}, Content: content}
	frames, err := s.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = s.Decode(frames); err != nil {
		t.Fatal(err)
	}
	stub, kept := m.Stub(), weak.Make(&content[0])
	m, frames, content = nil, nil, nil
	runtime.GC()
	if kept.Value() != nil {
		t.Error("the content lives as long as the stub")
	}
	runtime.KeepAlive(stub)
}
