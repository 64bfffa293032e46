package notebooks

import (
	"sync"

	"interleave/kernel/wire"
	"interleave/notebooks/ipynb"
)

// outputs turns what the kernel publishes into cells' outputs, by nbclient's rules. A cell's own messages and late ones come
// from different goroutines.
type outputs struct {
	mu       sync.Mutex // guards all below, and the fields of each cellOutputs
	cells    []*cellOutputs
	requests map[string]*cellOutputs // by the id of the cell's request
	displays map[string][]*output    // by display id, of every cell
}

// A cellOutputs is one cell's part.
type cellOutputs struct {
	all   *outputs
	cell  *ipynb.Cell
	outs  []*output
	clear bool // empty outs when the next output comes
	count int
	times map[string]string
}

// An output is an ipynb.Output whose text still grows.
type output struct {
	ipynb.Output
	text []byte // of a stream
	gone bool   // cleared: updates pass it by
}

func newOutputs() *outputs {
	return &outputs{requests: map[string]*cellOutputs{}, displays: map[string][]*output{}}
}

// begin adds a cell that is about to run.
func (s *outputs) begin(c *ipynb.Cell) *cellOutputs {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := &cellOutputs{all: s, cell: c, times: map[string]string{}}
	s.cells = append(s.cells, co)
	return co
}

// message takes one iopub message of a cell; without a cell, of the one whose request it answers. Message types that leave
// nothing in a notebook are passed by.
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
				if !o.gone {
					o.Data, o.Metadata = v.Data, v.Metadata
				}
			}
		}
		if !v.Update {
			o := c.add(ipynb.Output{Type: ipynb.DisplayData, Data: v.Data, Metadata: v.Metadata})
			if v.ID != "" {
				s.displays[v.ID] = append(s.displays[v.ID], o)
			}
		}
	case wire.ExecuteResult:
		c.add(ipynb.Output{Type: ipynb.ExecuteResult, Data: v.Data, Metadata: v.Metadata, Count: v.ExecutionCount})
	case wire.ErrorText:
		c.add(ipynb.Output{Type: ipynb.Error, Name: v.EName, Value: v.EValue, Traceback: v.Traceback})
	case wire.ClearOutput:
		if c.clear = v.Wait; !v.Wait {
			c.empty()
		}
	}
}

// stream appends text, to the last output if that is of the same stream.
func (c *cellOutputs) stream(name, text string) {
	if n := len(c.outs); n > 0 && !c.clear && c.outs[n-1].Type == ipynb.Stream && c.outs[n-1].Stream == name {
		c.outs[n-1].text = append(c.outs[n-1].text, text...)
		return
	}
	c.add(ipynb.Output{Type: ipynb.Stream, Stream: name}).text = []byte(text)
}

func (c *cellOutputs) add(o ipynb.Output) *output {
	if c.clear {
		c.clear = false
		c.empty()
	}
	out := &output{Output: o}
	c.outs = append(c.outs, out)
	return out
}

func (c *cellOutputs) empty() {
	for _, o := range c.outs {
		o.gone = true
	}
	c.outs = nil
}

// replied notes the end of the cell.
func (c *cellOutputs) replied(count int) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if count > 0 {
		c.count = count
	}
}

// number is the one in the cell's prompt.
func (c *cellOutputs) number() int {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	return c.count
}

// store writes everything into the cells. What comes afterwards is lost.
func (s *outputs) store() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cells {
		outs := make([]ipynb.Output, len(c.outs))
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
