package notebooks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"interleave/kernel/wire"
)

// endOfInput is what front ends send for Ctrl-D.
const endOfInput = "\x04"

// An input answers what the cells of a run ask with the lines of a file.
type input struct {
	prompts io.Writer // nil: not shown

	mu    sync.Mutex // held while a line is read, so that questions get lines in turn
	lines *bufio.Reader
}

// openInput opens the file that --stdin names. The standard input of the command, which - names, shows prompts if it
// is a terminal. close may be called once.
func openInput(name string, stdio Stdio) (in *input, close func() error, err error) {
	if name == "-" {
		in = &input{lines: bufio.NewReader(stdio.In)}
		if f, ok := stdio.In.(*os.File); ok && terminal(f) != nil {
			in.prompts = stdio.Err
		}
		return in, func() error { return nil }, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("--stdin: %w", err)
	}
	return &input{lines: bufio.NewReader(f)}, f.Close, nil
}

// answer returns the next line, or the end of the input.
func (in *input) answer(_ context.Context, r wire.InputRequest) (string, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.prompts != nil {
		fmt.Fprint(in.prompts, r.Prompt)
	}
	line, err := in.lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if err != nil { // the text before the end has no line end
		return line + endOfInput, nil
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}
