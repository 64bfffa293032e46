package lab

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// On a terminal the bar writes its line again and again; elsewhere it writes one, at the end.
func TestBarText(t *testing.T) {
	t.Parallel()
	for inLine, want := range map[bool]string{
		true:  "\r\x1b[Kpages: 0/2 (0 %)|\r\x1b[Kpages: 1/2 (50 %), 1/s, 1 s left|\r\x1b[Kpages: 2/2 (100 %), 1/s, took 2 s|\r\x1b[Kpages: 2/2 (100 %), 1/s, took 2 s\n",
		false: "pages: 2/2 (100 %), 1/s, took 2 s\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			b := &Bar{label: "pages", total: 2, out: &out, inLine: inLine, begin: time.Now()}
			b.draw()
			for range 2 {
				time.Sleep(time.Second)
				b.Add(1)
			}
			b.Close()
			if got := out.String(); got != strings.ReplaceAll(want, "|", "") {
				t.Errorf("in line %v: wrote %q, want %q", inLine, got, want)
			}
		})
	}
}
