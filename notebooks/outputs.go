package notebooks

import (
	"fmt"
	"strings"
	"sync"

	"interleave/kernel/wire"
	"interleave/notebooks/ipynb"
	"interleave/runtime/quantity"
)

// outputs turns the kernel's iopub messages into cells' outputs, by nbclient's rules. A cell's own messages
// and late ones come from different goroutines.
type outputs struct {
	limit int64 // bytes that a cell may leave, 0 for any number; set before the first cell begins

	mu       sync.Mutex // guards all below, and the fields of each cellOutputs
	cells    []*cellOutputs
	byCell   map[*ipynb.Cell]*cellOutputs
	requests map[string]*cellOutputs // by the id of the cell's request
	displays map[string][]*output    // by display id, of every cell
}

// A cellOutputs is one cell's part.
type cellOutputs struct {
	all   *outputs
	cell  *ipynb.Cell
	outs  []*output
	clear bool    // empty outs when the next output comes
	texts budget  // of streams
	datas budget  // of displays and results
	note  *output // in outs, in the place of the first output that did not fit; nil while all outputs fit
	count int
	times map[string]string
}

// A budget counts the bytes of one kind of output. Text and data have one each, so that a cell which prints
// without end still shows its figure.
type budget struct {
	size int64 // bytes in outs
	over int64 // bytes that did not fit
}

// An output is an ipynb.Output whose text still grows.
type output struct {
	ipynb.Output
	of   *cellOutputs
	text []byte // of a stream
	gone bool   // cleared: not updated any longer
}

func newOutputs() *outputs {
	return &outputs{
		byCell:   map[*ipynb.Cell]*cellOutputs{},
		requests: map[string]*cellOutputs{},
		displays: map[string][]*output{},
	}
}

// begin adds a cell that is about to run.
func (s *outputs) begin(c *ipynb.Cell) *cellOutputs {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := &cellOutputs{all: s, cell: c, times: map[string]string{}}
	s.cells = append(s.cells, co)
	s.byCell[c] = co
	return co
}

// message handles one iopub message of a cell; without a cell, of the one whose request it answers. Messages
// of types that have no place in a notebook are ignored.
func (s *outputs) message(c *cellOutputs, m *wire.Message) {
	content, err := wire.Parse(m)
	if err != nil {
		return // the kernel's transport has checked it: a type that is newer than this program
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c == nil {
		if c = s.requests[m.Parent.MsgID]; c == nil {
			return
		}
	} else {
		s.requests[m.Parent.MsgID] = c
	}
	switch v := content.(type) {
	case wire.Status:
		if v.State == "busy" || v.State == "idle" {
			c.times["iopub.status."+v.State] = m.Header.Date
		}
	case wire.ExecuteInput:
		c.times["iopub.execute_input"] = m.Header.Date
		c.count = v.ExecutionCount
	case wire.StreamText:
		c.stream(v.Name, v.Text)
	case wire.DisplayData:
		if v.ID != "" {
			for _, o := range s.displays[v.ID] {
				if !o.gone && o.of.grows(&o.of.datas, size(v.Data)-size(o.Data), true) {
					o.Data, o.Metadata = v.Data, v.Metadata
				}
			}
		}
		if !v.Update {
			o := c.bundle(ipynb.Output{Type: ipynb.DisplayData, Data: v.Data, Metadata: v.Metadata})
			if v.ID != "" && o != nil {
				s.displays[v.ID] = append(s.displays[v.ID], o)
			}
		}
	case wire.ExecuteResult:
		c.bundle(ipynb.Output{Type: ipynb.ExecuteResult, Data: v.Data, Metadata: v.Metadata, Count: v.ExecutionCount})
	case wire.ErrorText: // of any size: it is the reason why the run ends
		c.add(ipynb.Output{Type: ipynb.Error, Name: v.EName, Value: v.EValue, Traceback: v.Traceback})
	case wire.ClearOutput:
		if c.clear = v.Wait; !v.Wait {
			c.empty()
		}
	}
}

// fits reports whether n more bytes may be kept, and counts them in or out. The first outputs are kept: once
// an output was left out, no new ones of its kind are added, so that the kept ones have no gaps.
func (c *cellOutputs) fits(b *budget, n int64) bool { return c.grows(b, n, b.over == 0) }

// grows is fits for existing outputs, and for new ones if may is true.
func (c *cellOutputs) grows(b *budget, n int64, may bool) bool {
	if c.all.limit > 0 && n > 0 && (!may || b.size+n > c.all.limit) {
		if c.note == nil {
			c.note = c.add(ipynb.Output{Type: ipynb.Stream, Stream: "stderr"})
		}
		b.over += n
		return false
	}
	b.size += n
	return true
}

// over returns how many bytes are left out.
func (c *cellOutputs) over() int64 { return c.texts.over + c.datas.over }

// size returns the size of a bundle's values as JSON, in bytes.
func size(data wire.Bundle) (n int64) {
	for _, v := range data {
		n += int64(len(v))
	}
	return n
}

// bundle adds a display or a result; it returns nil when there is no room for it.
func (c *cellOutputs) bundle(o ipynb.Output) *output {
	c.clearNow()
	if !c.fits(&c.datas, size(wire.Bundle(o.Data))) {
		return nil
	}
	return c.add(o)
}

// stream appends text, to the last output if that is of the same stream. If a text does not fit, its first
// lines that fit are kept.
func (c *cellOutputs) stream(name, text string) {
	c.clearNow()
	if room := c.all.limit - c.texts.size; c.all.limit > 0 && c.texts.over == 0 && int64(len(text)) > room {
		head := text[:strings.LastIndexByte(text[:room], '\n')+1]
		if head != "" {
			c.stream(name, head)
		}
		text = text[len(head):]
	}
	if !c.fits(&c.texts, int64(len(text))) {
		return
	}
	if n := len(c.outs); n > 0 && c.outs[n-1] != c.note && c.outs[n-1].Type == ipynb.Stream && c.outs[n-1].Stream == name {
		c.outs[n-1].text = append(c.outs[n-1].text, text...)
		return
	}
	c.add(ipynb.Output{Type: ipynb.Stream, Stream: name}).text = []byte(text)
}

func (c *cellOutputs) add(o ipynb.Output) *output {
	c.clearNow()
	out := &output{Output: o, of: c}
	c.outs = append(c.outs, out)
	return out
}

// clearNow executes a clear that waits for the next output.
func (c *cellOutputs) clearNow() {
	if c.clear {
		c.clear = false
		c.empty()
	}
}

func (c *cellOutputs) empty() {
	for _, o := range c.outs {
		o.gone = true
	}
	c.outs, c.texts, c.datas, c.note = nil, budget{}, budget{}, nil
}

// replied records the end of the cell.
func (c *cellOutputs) replied(count int) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if count > 0 {
		c.count = count
	}
}

// dropped is how many bytes of a cell's output went beyond the limit.
func (s *outputs) dropped(cell *ipynb.Cell) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byCell[cell].over()
}

// begun reports whether a cell was begun.
func (s *outputs) begun(cell *ipynb.Cell) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byCell[cell] != nil
}

// number is the one in the cell's prompt.
func (c *cellOutputs) number() int {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	return c.count
}

// store writes all outputs into the cells. Later outputs are lost.
func (s *outputs) store() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cells {
		outs := make([]ipynb.Output, len(c.outs))
		if c.note != nil {
			c.note.text = fmt.Appendf(nil, "interleave run: %s more are left out here. "+
				"A cell's text and its displays are each kept up to --max-output, now %s\n",
				quantity.Bytes(c.over()), quantity.Bytes(s.limit))
		}
		for i, o := range c.outs {
			outs[i] = o.Output
			if o.Type == ipynb.Stream {
				outs[i].Text = string(o.text)
			}
		}
		if err := c.cell.SetOutputs(outs); err != nil {
			return err
		}
		c.cell.SetExecutionCount(c.count)
		c.cell.SetExecution(c.times)
	}
	return nil
}
