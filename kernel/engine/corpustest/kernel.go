package corpustest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/kerneltest"
	"interleave/kernel/session"
	"interleave/kernel/toolchain"
	"interleave/kernel/wire"
)

// Seen is what a client saw of one cell.
type Seen struct {
	Out    string // as an out section holds it
	Stderr string
	Engine string // which engine ran the cell
	Err    string // name, value and traceback without colours; empty when the cell went well
}

// A Kernel is the product's: one in the test's process, with a session of the real host.
type Kernel struct {
	*kerneltest.Kernel
	t     testing.TB
	limit time.Duration // for one cell
}

// Start starts a kernel with a fresh session and sets its engine. It ends with the test. limit is for each
// cell. Plugins are built in the folder work; a plugin that another session has built there before, of the
// same text and over the same cells, is loaded as it is.
func Start(t testing.TB, work, engine string, limit time.Duration) *Kernel {
	t.Helper()
	host := hosttest.Host(t)
	tools := toolchain.DirOf(host)
	s, err := session.Start(context.Background(), session.Config{
		Command: func() *exec.Cmd {
			return hosttest.Command(
				host,
				append([]string{"session", "-toolchain", tools, "-work", work}, hosttest.Session()...)...)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	k := &Kernel{kerneltest.Start(t, s), t, limit}
	k.magic("%plot off")
	k.magic("%engine " + engine)
	return k
}

// magic runs a line that has no number.
func (k *Kernel) magic(line string) {
	k.t.Helper()
	if got := k.run(line, true); got.Err != "" {
		k.t.Fatalf("%s: %s", line, got.Err)
	}
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Run runs a cell. A cell that does not end in time is interrupted and reported.
func (k *Kernel) Run(code string) Seen {
	k.t.Helper()
	return k.run(code, false)
}

// ErrLate is the error of a cell that did not end in time.
var ErrLate = errors.New("the cell is still running")

// Try is Run for a cell that may fail to end: it returns ErrLate, wrapped, when the cell was interrupted for that
// reason, whether or not the interrupt has ended it. A cell that the interrupt has not ended within grace is left to
// the end of the test.
func (k *Kernel) Try(code string, grace time.Duration) (Seen, error) {
	k.t.Helper()
	return k.attempt(code, false, grace)
}

func (k *Kernel) run(code string, unnumbered bool) Seen {
	k.t.Helper()
	got, err := k.attempt(code, unnumbered, time.Minute)
	if err != nil {
		k.t.Fatalf("%v\n%s", err, code)
	}
	return got
}

func (k *Kernel) attempt(code string, unnumbered bool, grace time.Duration) (got Seen, err error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), k.limit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if ctx.Err() == context.DeadlineExceeded {
			k.Client.Interrupt(context.Background())
		}
	})
	defer stop()
	var result string
	late, cancelLate := context.WithTimeout(context.Background(), k.limit+grace)
	defer cancelLate()
	reply, err := k.Client.Request(
		late,
		wire.Shell,
		wire.ExecuteRequest{Code: code, StoreHistory: !unnumbered},
		func(in wire.Incoming) {
			m := in.Message
			c, err := wire.Parse(m)
			if err != nil {
				k.t.Error(err)
				return
			}
			switch c := c.(type) {
			case wire.StreamText:
				if c.Name == "stderr" {
					got.Stderr += c.Text
				} else {
					got.Out += c.Text
				}
			case wire.ExecuteResult:
				if err := json.Unmarshal(c.Data["text/plain"], &result); err != nil {
					k.t.Errorf("text/plain of a result: %v", err)
				}
			case wire.ErrorText:
				got.Err = ansi.ReplaceAllString(c.EName+": "+c.EValue+"\n"+strings.Join(c.Traceback, "\n"), "")
			}
		},
	)
	switch {
	case ctx.Err() != nil:
		return got, fmt.Errorf("%w after %v: %w", ErrLate, k.limit, cmp.Or(err, errors.New("an interrupt ended it")))
	case err != nil:
		return got, fmt.Errorf("the kernel hangs: %w", err)
	}
	got.Out = Shown(got.Out, result)
	var md struct {
		Interleave struct {
			Engine string `json:"engine"`
		} `json:"interleave"`
	}
	if err := json.Unmarshal(reply.Metadata, &md); err != nil {
		k.t.Errorf("metadata of the reply: %v", err)
	}
	got.Engine = md.Interleave.Engine
	return got, nil
}
