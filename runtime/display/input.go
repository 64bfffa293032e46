package display

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"interleave/runtime/host"
)

// Input asks the user for a line of text and returns it without its line end. It fails when ctx ends first,
// and when there is no user to ask, as in a notebook that runs unattended. The error is [io.EOF] when the user ends
// the input: with Ctrl-D in a console, or by typing ^D, a caret and a D, as the whole line.
func Input(ctx context.Context, prompt string) (string, error) { return ask(ctx, prompt, false) }

// Password is Input for text that is not to be shown while it is typed. Without a notebook it is shown
// nevertheless. ^D is a password like any other.
func Password(ctx context.Context, prompt string) (string, error) { return ask(ctx, prompt, true) }

func ask(ctx context.Context, prompt string, password bool) (string, error) {
	if ctx == nil {
		return "", errors.New("display.Input: the context is nil: pass ctx")
	}
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	if f := host.Get().Ask; f != nil {
		return f(ctx, prompt, password)
	}
	fmt.Print(prompt)
	return readLine(os.Stdin)
}

var stdin struct {
	sync.Mutex
	from io.Reader
	buf  *bufio.Reader
}

// readLine reads a line; what was read beyond it stays for the next call.
func readLine(r io.Reader) (string, error) {
	stdin.Lock()
	defer stdin.Unlock()
	if stdin.from != r {
		stdin.from, stdin.buf = r, bufio.NewReader(r)
	}
	line, err := stdin.buf.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}
