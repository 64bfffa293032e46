package kernel_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"interleave/kernel/client"
	"interleave/kernel/kerneltest"
	"interleave/kernel/wire"
)

// Several clients do as they please: cells of all kinds, interrupts, questions, in any order and at once. The protocol is
// checked by what watches each client: one reply to each request, after its busy and before its idle. Here is checked that each
// cell's reply is the one its script calls for, that what it printed came, in order and nowhere else, and that no cell delays
// the answer to a question about code.
func TestRandom(t *testing.T) {
	t.Parallel()
	seeds := uint64(100)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			k := kerneltest.Start(t, newFake(), kerneltest.Input(func(_ context.Context, r wire.InputRequest) (string, error) {
				time.Sleep(10 * time.Millisecond)
				return r.Prompt, nil
			}))
			var clients sync.WaitGroup
			for i := range 3 {
				c, _ := k.Connect(nil)
				clients.Go(func() {
					r := rand.New(rand.NewPCG(seed, uint64(i)))
					var asked sync.WaitGroup
					for n := range 12 {
						time.Sleep(time.Duration(r.IntN(50)) * time.Millisecond)
						switch r.IntN(10) {
						case 0:
							if err := c.Interrupt(t.Context()); err != nil {
								t.Error(err)
							}
						case 1:
							asked.Go(func() {
								if _, err := c.KernelInfo(t.Context()); err != nil {
									t.Error(err)
								}
							})
						case 2, 3:
							ch := []wire.Channel{wire.Shell, wire.Control}[r.IntN(2)]
							wait, name, inspect := r.IntN(60), fmt.Sprintf("q%d-%d", i, n), r.IntN(2) == 0
							asked.Go(func() { askAboutCode(t, c, ch, time.Duration(wait)*time.Millisecond, name, inspect) })
						default:
							script, keep := someCell(r, fmt.Sprintf("%d-%d", i, n)), r.IntN(2) == 0
							asked.Go(func() { runScript(t, c, script, keep) })
						}
					}
					asked.Wait()
				})
			}
			clients.Wait()
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// askAboutCode asks a question that the session answers after wait, and expects its own answer at that time.
func askAboutCode(t *testing.T, c *client.Client, ch wire.Channel, wait time.Duration, name string, inspect bool) {
	code := fmt.Sprint(wait, " ", name)
	var request wire.Content = wire.CompleteRequest{Code: code, CursorPos: 1}
	if inspect {
		request = wire.InspectRequest{Code: code, CursorPos: 1}
	}
	began := time.Now()
	m, err := c.Request(t.Context(), ch, request, nil)
	if err != nil {
		t.Error(err)
		return
	}
	if !strings.Contains(string(m.Content), name) || time.Since(began) != wait {
		t.Errorf("%s: %s after %v", code, m.Content, time.Since(began))
	}
}

// someCell makes a script in which each line's text is its own.
func someCell(r *rand.Rand, name string) (script []string) {
	for n := range r.IntN(6) {
		text := fmt.Sprintf("%s-%d", name, n)
		script = append(script, []string{
			"print " + text, "print " + text, "print " + text, "result " + text, "sleep 20ms", "input " + text,
			"fail " + text, "die", "later 30ms warn late", "hang",
		}[r.IntN(10)])
		if strings.HasPrefix(script[n], "hang") && r.IntN(3) > 0 {
			script[n] = "sleep 1s"
		} else if script[n] == "hang" {
			script[n] = "sleep 10m"
		}
	}
	return script
}

// runScript runs a cell and compares what came with what its lines say, up to where it was interrupted.
func runScript(t *testing.T, c *client.Client, script []string, keep bool) {
	var got []string
	reply, err := c.Execute(t.Context(), client.ExecuteRequest{Code: strings.Join(script, "\n"), KeepGoing: keep, AllowStdin: true}, func(m *wire.Message) {
		switch c, _ := wire.Parse(m); c := c.(type) {
		case wire.StreamText:
			if c.Name == "stdout" {
				got = append(got, strings.Fields(c.Text)...)
			}
		case wire.ExecuteResult:
			got = append(got, string(c.Data["text/plain"]))
		}
	})
	if err != nil {
		t.Error(err)
		return
	}
	var want []string
	status, name := wire.OK, ""
	for _, line := range script {
		verb, text, _ := strings.Cut(line, " ")
		switch verb {
		case "print":
			want = append(want, text)
		case "input":
			want = append(want, "got", text)
		case "result":
			want = append(want, `"`+text+`"`)
		case "fail":
			status, name = wire.Error, "panic"
		case "die":
			status, name = wire.Error, "session died"
		}
		if status != wire.OK {
			break
		}
	}
	all, seen := strings.Join(want, " "), strings.Join(got, " ")
	switch {
	case reply.Status == wire.Aborted && seen == "":
	case reply.Status == wire.Error && reply.EName == "interrupted" && strings.HasPrefix(all, seen):
	case reply.Status == status && reply.EName == name && seen == all:
	default:
		t.Errorf("cell %q: %s %s with %q, want %s %s with %q", script, reply.Status, reply.EName, seen, status, name, all)
	}
}
