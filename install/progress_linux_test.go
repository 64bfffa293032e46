package install

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"interleave/kernel/toolchain"
)

// terminal opens a new terminal: what is written to tty can be read from the other end.
func terminal(t *testing.T) (other, tty *os.File) {
	t.Helper()
	other, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { other.Close() })
	fd := int(other.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	return other, tty
}

func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	other, tty := terminal(t)
	var shown bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(&shown, other) // ends with an error when the terminal is closed
	}()
	p := NewProgress(tty)
	p.Step(toolchain.Step{N: 1, Of: 5, What: "look"})
	p.Step(toolchain.Step{N: 2, Of: 5, What: "compile"})
	p.Done(nil)
	tty.Close()
	<-done
	lines := strings.Split(strings.TrimSuffix(shown.String(), "\r\n"), "\r\n")
	if len(lines) != 2 {
		t.Fatalf("it takes %d lines:\n%q", len(lines), shown.String())
	}
	// One line, written over: each time from its beginning, and cleared.
	over := strings.Split(lines[1], "\r\x1b[K")
	if len(over) < 4 || over[0] != "" || over[1] != "  [1/5] look … 0 s" || over[2] != "  [2/5] compile … 0 s" || !strings.HasPrefix(over[len(over)-1], "built in ") {
		t.Errorf("the line was %q", over)
	}
}
