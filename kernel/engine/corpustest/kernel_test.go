package corpustest

import (
	"context"
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/kerneltest"
	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// A seen is what a client saw of one cell.
type seen struct {
	out, stderr string
	engine      string // which engine ran the cell
	err         string // name, value and traceback without colours; empty when the cell went well
}

// A kernel is one of the product's host in a session of its own.
type kernel struct {
	*kerneltest.Kernel
	t     testing.TB
	limit time.Duration // for one cell
}

// start starts a fresh session of the real host under a kernel in this process, and sets its engine.
func start(t testing.TB, engine string, limit time.Duration) *kernel {
	t.Helper()
	host := hosttest.Host(t)
	s, err := session.Start(context.Background(), session.Config{
		Command: func() *exec.Cmd { return exec.Command(host, "session") },
	})
	if err != nil {
		t.Fatal(err)
	}
	k := &kernel{kerneltest.Start(t, s), t, limit}
	for _, line := range []string{"%plot off", "%engine " + engine} {
		if got := k.run(line, true); got.err != "" {
			t.Fatalf("%s: %s", line, got.err)
		}
	}
	return k
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

// run runs a cell. A cell that does not end in time is interrupted and reported.
func (k *kernel) run(code string, unnumbered bool) (got seen) {
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
	late, cancelLate := context.WithTimeout(context.Background(), k.limit+time.Minute)
	defer cancelLate()
	reply, err := k.Client.Request(late, wire.Shell, wire.ExecuteRequest{Code: code, StoreHistory: !unnumbered}, func(in wire.Incoming) {
		m := in.Message
		c, err := wire.Parse(m)
		if err != nil {
			k.t.Error(err)
			return
		}
		switch c := c.(type) {
		case wire.StreamText:
			if c.Name == "stderr" {
				got.stderr += c.Text
			} else {
				got.out += c.Text
			}
		case wire.ExecuteResult:
			if err := json.Unmarshal(c.Data["text/plain"], &result); err != nil {
				k.t.Errorf("text/plain of a result: %v", err)
			}
		case wire.ErrorText:
			got.err = ansi.ReplaceAllString(c.EName+": "+c.EValue+"\n"+strings.Join(c.Traceback, "\n"), "")
		}
	})
	if err != nil {
		k.t.Fatalf("the kernel hangs: %v\n%s", err, code)
	}
	if ctx.Err() != nil {
		k.t.Fatalf("still running after %v:\n%s", k.limit, code)
	}
	got.out = Shown(got.out, result)
	var md struct {
		Interleave struct {
			Engine string `json:"engine"`
		} `json:"interleave"`
	}
	if err := json.Unmarshal(reply.Metadata, &md); err != nil {
		k.t.Errorf("metadata of the reply: %v", err)
	}
	got.engine = md.Interleave.Engine
	return got
}

// refused reports whether an error says that the engine does not accept the cell, which is no error of the cell.
func refused(err string) bool { return strings.HasPrefix(err, "not interpreted") }

// TestCorpus runs every case in a fresh session of the real host with each engine.
func TestCorpus(t *testing.T) {
	cases, err := Load(corpus)
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Host(t)
	for _, engine := range []string{"auto", "compiled", "yaegi"} {
		for _, c := range cases {
			t.Run(engine+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				c.runIn(t, start(t, engine, time.Minute), engine == "yaegi")
			})
		}
	}
}

// runIn runs the cells and compares. With mayRefuse the first cell that the engine refuses ends the case, well.
func (c *Case) runIn(t *testing.T, k *kernel, mayRefuse bool) {
	for i, cell := range c.Cells {
		got := k.run(cell.Code, false)
		if mayRefuse && refused(got.err) {
			t.Logf("cell %d refused: %s", i+1, got.err)
			return
		}
		if got.out != cell.Out {
			t.Errorf("cell %d\n%s\nprints\n%s\nnot\n%s", i+1, cell.Code, got.out, cell.Out)
		}
		switch {
		case (got.err != "") != cell.WantErr:
			t.Errorf("cell %d\n%s\nerror %q, want %q", i+1, cell.Code, got.err, cell.Err)
		case len(Missing(cell.Err, got.err)) > 0:
			t.Errorf("cell %d\n%s\nthe error does not say %q:\n%s", i+1, cell.Code, Missing(cell.Err, got.err), got.err)
		}
		if miss := Missing(cell.Note, got.stderr); len(miss) > 0 || cell.Note == "" && got.stderr != "" {
			t.Errorf("cell %d\n%s\nstandard error is %q, want lines of %q", i+1, cell.Code, got.stderr, cell.Note)
		}
	}
	if mayRefuse && c.Compiled {
		t.Error("the interpreter accepts all cells of a case marked engines: compiled")
	}
}
