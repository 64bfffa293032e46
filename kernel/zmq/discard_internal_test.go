package zmq

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"interleave/kernel/wire"
)

// Text that waits for a peer is dropped between its beginning and its end; messages of other kinds and about other requests stay
// where they are.
func TestDiscard(t *testing.T) {
	t.Parallel()
	signer, err := wire.NewSigner("hmac-sha256", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	author := wire.NewAuthor("tester")
	request := func() *wire.Message {
		m, err := author.New(nil, wire.ExecuteRequest{Code: "flood"})
		if err != nil {
			t.Fatal(err)
		}
		frames, err := signer.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if m, err = signer.Decode(frames); err != nil {
			t.Fatal(err)
		}
		return m
	}
	ours, other := request(), request()
	newOut := func(parent *wire.Message, c wire.Content) item {
		m, err := author.New(parent, c)
		if err != nil {
			t.Fatal(err)
		}
		m.Identities = [][]byte{[]byte("kernel." + c.MsgType())}
		frames, err := signer.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		return newItem(frames)
	}
	said := func(it item) string {
		m, err := signer.Decode(it.frames)
		if err != nil {
			t.Fatal(err)
		}
		c, err := wire.Parse(m)
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := c.(wire.StreamText); ok {
			return strings.TrimRight(s.Text, "x")
		}
		return m.Header.MsgType
	}
	run := func(o *outbox) (dropped int, all []string) {
		size := 0
		dropped = o.discard(func(it item) bool { return isText(it, []byte(`"`+ours.Header.MsgID+`"`)) }, func(n int) (item, bool) {
			return newOut(ours, wire.StreamText{Name: "stderr", Text: fmt.Sprint("dropped ", n/100_000)}), true
		})
		for _, it := range o.items {
			all = append(all, said(it))
			size += it.size
		}
		if size != o.size {
			t.Errorf("the outbox counts %d bytes and holds %d", o.size, size)
		}
		return dropped, all
	}
	o := newOutbox(64<<20, nil)
	text := func(parent *wire.Message, name string, size int) {
		o.push(newOut(parent, wire.StreamText{Name: "stdout", Text: name + strings.Repeat("x", size)}))
	}
	text(ours, "small", 10)
	text(other, "earlier", 1<<20)
	if dropped, all := run(o); dropped != 0 || !slices.Equal(all, []string{"small", "earlier"}) {
		t.Errorf("of a little %d bytes are dropped: %v", dropped, all)
	}
	for i := range 20 {
		text(ours, fmt.Sprint(i), 100_000)
		if i == 10 {
			o.push(newOut(ours, wire.DisplayData{Data: wire.Bundle{"text/plain": []byte(`"shown"`)}}))
		}
	}
	text(ours, "last", 20_000)
	dropped, all := run(o)
	want := []string{"small", "earlier", "0", "1", fmt.Sprint("dropped ", dropped/100_000), "display_data", "last"}
	if dropped < 1_800_000 || dropped > 1_900_000 || !slices.Equal(all, want) {
		t.Errorf("%d bytes are dropped, left is %v, want %v", dropped, all, want)
	}
	if dropped, again := run(o); dropped != 0 || !slices.Equal(all, again) {
		t.Errorf("again %d bytes are dropped, left is %v", dropped, again)
	}
}
