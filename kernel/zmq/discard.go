package zmq

import (
	"bytes"

	"interleave/kernel/wire"
)

// The bytes of discarded text that are kept for each peer, at its beginning and at its end.
const (
	keepHead = 256 << 10 // bytes
	keepTail = 64 << 10
)

// Discard drops stream text that waits to be written to peers on iopub and belongs to the request with this
// id. For each peer it keeps the beginning and the end, and replaces the rest by the message that note
// returns for the number of dropped bytes. It returns that number for the peer that loses most. A nil note,
// or one that cannot be encoded, is left out.
//
// note runs on the goroutine that calls Discard.
func (t *Transport) Discard(request string, note func(bytes int) *wire.Message) (dropped int) {
	id := []byte(`"` + request + `"`)
	for _, l := range t.iopub.links() {
		n := l.out.discard(func(it item) bool { return isText(it, id) }, func(n int) (it item, ok bool) {
			m := note(n)
			if m == nil {
				return it, false
			}
			frames, err := t.signer.Encode(m)
			if err != nil {
				t.opts.Log.Error("encode a note", "err", err)
				return it, false
			}
			return newItem(frames), true
		})
		dropped = max(dropped, n)
	}
	return dropped
}

// The frames of a message that follow its topic: a delimiter, a signature, the header and the parent's header.
const (
	headerFrame = 3
	parentFrame = 4
)

// isText reports whether an item is stream text of a request; id is the request's id as it appears in JSON.
func isText(it item, id []byte) bool {
	return it.command == "" && len(it.frames) > parentFrame &&
		bytes.Contains(it.frames[headerFrame], []byte(`"`+wire.StreamText{}.MsgType()+`"`)) &&
		bytes.Contains(it.frames[parentFrame], id)
}

func (p *publisher) links() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.subs))
	for l := range p.subs {
		links = append(links, l)
	}
	return links
}

// discard drops matching items between the first keepHead and the last keepTail bytes of them, and puts a
// note in their place.
func (o *outbox) discard(match func(item) bool, note func(bytes int) (item, bool)) (dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var at []int
	for i, it := range o.items {
		if match(it) {
			at = append(at, i)
		}
	}
	first, last := 0, len(at) // of at, what is dropped
	for head := 0; first < last && head+o.items[at[first]].size <= keepHead; first++ {
		head += o.items[at[first]].size
	}
	for tail := 0; first < last && tail+o.items[at[last-1]].size <= keepTail; last-- {
		tail += o.items[at[last-1]].size
	}
	if first == last {
		return 0
	}
	drop := at[first:last]
	for _, i := range drop {
		dropped += o.items[i].size
	}
	kept := make([]item, 0, len(o.items)-len(drop)+1)
	for i, it := range o.items {
		if len(drop) == 0 || i != drop[0] {
			kept = append(kept, it)
			continue
		}
		if i == at[first] {
			if n, ok := note(dropped); ok {
				kept = append(kept, n)
				o.resize(n.size)
			}
		}
		drop = drop[1:]
		o.resize(-it.size)
	}
	o.items = kept
	signal(o.room)
	return dropped
}

// resize adjusts the number of waiting bytes. It holds mu.
func (o *outbox) resize(n int) {
	o.size += n
	o.visitor.queue(n)
}
