//go:build unix

package unbroken

import (
	"context"
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"interleave/kernel/wire"
)

var (
	crowdRounds = flag.Int("crowd.rounds", 1, "how often each crowd is interrupted")
	crowdSize   = flag.Int("crowd.size", 100_000, "how many goroutines a crowd has")
	crowdBusy   = flag.Int("crowd.busy", 0, "how many other processes compute meanwhile")
)

var crowds = []struct{ name, code, free string }{
	{"channels", "hold := make(chan int)\nfor range N {\n\tgo func() { <-hold }()\n}\n" + ready + "<-hold", "close(hold)"},
	{"sleep", "for range N {\n\tgo time.Sleep(30 * time.Second)\n}\n" + ready + "time.Sleep(time.Hour)", ""},
	{"gather", "tasks := make([]func(context.Context) (int, error), N)\nfor i := range tasks {\n\ttasks[i] = func(ctx context.Context) (int, error) { return 1, lab.Sleep(ctx, time.Hour) }\n}\n" + ready + "lab.Gather(ctx, tasks...)", ""},
	{"select", "left, right := make(chan int), make(chan int)\nfor range N {\n\tgo func() {\n\t\tselect {\n\t\tcase <-left:\n\t\tcase <-right:\n\t\t}\n\t}()\n}\n" + ready + "<-left", "close(left)"},
	{"locks", "mu := new(sync.Mutex)\nmu.Lock()\nfor range N {\n\tgo func() {\n\t\tmu.Lock()\n\t\tmu.Unlock()\n\t}()\n}\n" + ready + "mu.Lock()", "mu.Unlock()"},
}

func TestCrowds(t *testing.T) {
	for range *crowdBusy {
		cmd := exec.Command("sh", "-c", "while :; do :; done")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			cmd.Process.Kill()
			cmd.Wait()
		}()
	}
	k := start(t)
	k.declare()
	k.keep()
	for _, plot := range []string{"on", "off"} {
		k.run("%plot " + plot)
		for _, c := range crowds {
			t.Run(c.name+", plot "+plot, func(t *testing.T) {
				defer k.on(t)()
				for range *crowdRounds {
					var at time.Time
					s := k.runUntil(strings.ReplaceAll(c.code, "N", fmt.Sprint(*crowdSize)), func(ctx context.Context) {
						at = time.Now()
						k.interrupt(ctx)
					})
					if s.status != wire.Error {
						t.Error(s.said())
					}
					t.Logf("%v after the interrupt\n%s%s", time.Since(at), s.err, s.trace)
					k.whole(s, false)
					if c.free != "" {
						k.run(c.free)
					}
				}
			})
		}
	}
}
