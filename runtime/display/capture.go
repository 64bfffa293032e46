package display

import (
	"fmt"
	"os"

	"interleave/runtime/host"
)

// Captured is what a cell with the magic %%capture NAME has shown: the magic keeps it in the variable NAME, and
// the cell shows nothing.
type Captured struct {
	Stdout, Stderr string
	Outputs        []Output // what was displayed, and the cell's result, in order
}

// An Output is one displayed value, in all its representations: by MIME type, a string for texts, base64 in a
// string for binary types, any value for JSON.
type Output struct {
	Data, Metadata map[string]any
}

// Capture returns what the last %%capture has kept. The magic calls it; elsewhere the result is empty. It costs a copy
// of two strings and a slice.
func Capture() *Captured {
	c := new(Captured)
	if take := host.Get().Captured; take != nil {
		var events []host.Event
		c.Stdout, c.Stderr, events = take()
		for _, e := range events {
			c.Outputs = append(c.Outputs, Output{e.Data, e.Metadata})
		}
	}
	return c
}

// Show shows everything again: both streams, then what was displayed. It costs as much as it cost the first time.
func (c *Captured) Show() {
	fmt.Print(c.Stdout)
	fmt.Fprint(os.Stderr, c.Stderr)
	for _, o := range c.Outputs {
		Raw(o.Data, o.Metadata)
	}
}

// String describes it in a line.
func (c *Captured) String() string {
	return fmt.Sprintf("captured: %d bytes of stdout, %d of stderr, outputs: %d", len(c.Stdout), len(c.Stderr), len(c.Outputs))
}
