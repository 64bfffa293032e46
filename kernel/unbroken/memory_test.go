//go:build unix

package unbroken

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"interleave/kernel/wire"
)

// rss is the session's resident memory in bytes.
func (k *kernel) rss(pid int) int {
	k.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		k.t.Skipf("no /proc: %v", err)
	}
	var kb int
	_, line, _ := bytes.Cut(status, []byte("VmRSS:"))
	if _, err := fmt.Sscan(string(line), &kb); err != nil {
		k.t.Fatal(err)
	}
	return kb << 10
}

// settles waits until the session's memory is at most this large. How long that takes is not what is tested.
func (k *kernel) settles(pid, most int) {
	k.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		got := k.rss(pid)
		if got <= most {
			return
		}
		if time.Now().After(deadline) {
			k.t.Errorf("the session has %d MB, want %d at most", got>>20, most>>20)
			return
		}
	}
}

// What a cell leaves as garbage goes back to the system while the session has nothing to do: memory, stacks, and the records of
// goroutines.
func TestMemoryComesBack(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	// What is loaded once, for the first compiled cell and the first figure, is there before.
	k.run("var wg sync.WaitGroup\nfor range 100 {\n\twg.Go(func() { time.Sleep(time.Millisecond) })\n}\nwg.Wait()")
	pid := k.session()
	before := k.rss(pid)
	for _, c := range []struct{ name, code string }{
		{"garbage", "func fill() (n int) {\n\tfor range 20 {\n\t\tb := make([]byte, 10<<20)\n\t\tfor i := range b {\n\t\t\tb[i] = 1\n\t\t}\n\t\tn += len(b)\n\t}\n\treturn n\n}\nfill()"},
		{"100 000 goroutines", "gate := make(chan int)\nvar wg sync.WaitGroup\nfor range 100_000 {\n\twg.Go(func() { <-gate })\n}\nclose(gate)\nwg.Wait()"},
		{"deep stacks", "func down(n int) int {\n\tif n == 0 {\n\t\treturn 0\n\t}\n\treturn down(n-1) + 1\n}\ndown(1_000_000)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			if s := k.run(c.code); s.status != wire.OK {
				t.Fatal(s.said())
			}
			t.Logf("%d MB before, %d after the cell", before>>20, k.rss(pid)>>20)
			k.settles(pid, before*13/10)
			t.Logf("%d MB in the end", k.rss(pid)>>20)
		})
	}
	k.whole(seen{}, false)
}

// Interpreted cells that run again leave nothing.
func TestInterpretedCellsLeaveNothing(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	again := func(n int) {
		for range n {
			if s := k.run("kept = kept + 1\nkept = kept - 1\nfmt.Sprint(kept)"); s.engine != "yaegi" || s.result != "7" {
				t.Fatal(s.said())
			}
		}
	}
	again(300)
	pid := k.session()
	k.run("debug.FreeOSMemory()")
	before := k.rss(pid)
	again(3000)
	k.run("debug.FreeOSMemory()")
	k.settles(pid, before+5<<20)
	t.Logf("%d kB before, %d after", before>>10, k.rss(pid)>>10)
}

// %reset removes the sources and plugins of compiled cells and frees their variables; a session that dies later brings nothing of it back.
func TestResetFrees(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	if s := k.run("func large() []byte {\n\tb := make([]byte, 100<<20)\n\tfor i := range b {\n\t\tb[i] = 1\n\t}\n\treturn b\n}\ndata := large()"); s.status != wire.OK {
		t.Fatal(s.said())
	}
	pid := k.session()
	built := func() []string {
		files, err := filepath.Glob(filepath.Join(filepath.Dir(k.file), "interleave-work-*", "c*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	if len(built()) == 0 {
		t.Fatal("no files of compiled cells")
	}
	with := k.rss(pid)
	if s := k.run("%reset"); s.status != wire.OK {
		t.Fatal(s.said())
	}
	for _, file := range built() {
		if filepath.Ext(file) != ".a" { // which processes of later cells are linked from
			t.Errorf("%s is left", file)
		}
	}
	k.settles(pid, with-90<<20)
	k.declare()
	k.keep()
	s := k.run("p, err := os.FindProcess(os.Getpid())\np.Kill()\nselect {}")
	k.whole(s, true)
	if s := k.run("large"); s.status != wire.Error {
		t.Errorf("what was forgotten is back: %s", s.said())
	}
}
