//go:build unix

package unbroken

import (
	"context"
	"testing"
	"time"
)

func TestFlood(t *testing.T) {
	k := start(t)
	k.declare()
	k.keep()
	for _, code := range []string{
		"line := strings.Repeat(\"x\", 99)\n" + ready + "for {\n\tfmt.Println(line)\n}",
		"line := strings.Repeat(\"x\", 9999)\n" + ready + "for {\n\tfmt.Println(line)\n}",
		"line := strings.Repeat(\"x\", 9999)\n" + ready + "for {\n\tfmt.Println(line)\n\tfmt.Fprintln(os.Stderr, line)\n}",
		"line := strings.Repeat(\"x\", 9999)\n" + ready + "for range 4 {\n\tgo func() {\n\t\tfor {\n\t\t\tfmt.Println(line)\n\t\t}\n\t}()\n}\nselect {}",
	} {
		for _, plot := range []string{"on", "off"} {
			k.run("%plot " + plot)
			var at time.Time
			s := k.runUntil(code, func(ctx context.Context) {
				time.Sleep(2 * time.Second)
				at = time.Now()
				k.interrupt(ctx)
			})
			t.Logf("%v, %d bytes %s %s", time.Since(at), len(s.stdout)+len(s.stderr), s.err, s.trace)
			k.whole(seen{}, false)
		}
	}
}
