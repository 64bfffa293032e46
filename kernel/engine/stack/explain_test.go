package stack

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"interleave/kernel/session"
)

var ansiRE = regexp.MustCompile("\x1b\\[[0-9;]*m")

// The reports of testdata/reports were written by sessions that died.
func TestExplain(t *testing.T) {
	t.Parallel()
	died := exec.Command("sh", "-c", "exit 2").Run()
	killed := exec.Command("sh", "-c", "kill -9 $$").Run()
	texts := map[int]string{1: "type worker struct{}\n// write is wrong\nfunc (w *worker) write() { shared[1]++ }", 4: "w := new(worker)\ngo w.write()"}
	for _, c := range []struct {
		report, change string // a file, and a function's lines to be left out of it
		err            error
		n, line        int
		want           string
	}{
		{"map-writes.txt", "", died, 0, 0, `
			session died: fatal error: concurrent map writes
			fatal error: concurrent map writes
			cell[1]:3 in (*worker).write
			   3 | func (w *worker) write() { shared[1]++ }
			cell[2]:2`},
		{"map-writes-go.txt", "", died, 0, 0, `
			session died: fatal error: concurrent map writes
			fatal error: concurrent map writes
			cell[1]:3 in (*worker).write
			   3 | func (w *worker) write() { shared[1]++ }
			cell[4]:2 in func1
			   2 | go w.write()`},
		{"map-writes-go.txt", "main.", died, 0, 0, `
			session died: fatal error: concurrent map writes
			fatal error: concurrent map writes
			in a goroutine started at cell[4]:2
			   2 | go w.write()`},
		{"overflow.txt", "", died, 0, 0, `
			session died: fatal error: stack overflow
			fatal error: stack overflow
			runtime: goroutine stack exceeds 512000000-byte limit
			cell[3]:1 in deep
			(and so on, 11 184 762 calls deep)
			cell[3]:2`},
		{"overflow-round.txt", "", died, 0, 0, `
			session died: fatal error: stack overflow
			fatal error: stack overflow
			runtime: goroutine stack exceeds 512000000-byte limit
			cell[7]:1 in even
			cell[7]:2 in odd
			(and so on, 11 184 663 calls deep)
			called from cell[8]`},
		{"overflow-round.txt", "", died, 8, 5, `
			session died: fatal error: stack overflow
			fatal error: stack overflow
			runtime: goroutine stack exceeds 512000000-byte limit
			cell[7]:1 in even
			cell[7]:2 in odd
			(and so on, 11 184 663 calls deep)
			called from cell[8]:5`},
		{"overflow-round.txt", "main.", died, 8, 5, `
			session died: fatal error: stack overflow
			fatal error: stack overflow
			runtime: goroutine stack exceeds 512000000-byte limit
			cell[8]:5 was running`},
		{"", "", died, 0, 0, `
			session died: the session process ended: exit status 2
			the session process ended: exit status 2`},
		{"", "", killed, 0, 0, `
			session died: the session process was killed by signal 9 (killed), by another process or because memory ran out
			the session process was killed by signal 9 (killed), by another process or because memory ran out`},
		{"", "", killed, 4, 0, `
			session died: the session process was killed by signal 9 (killed), by another process or because memory ran out
			the session process was killed by signal 9 (killed), by another process or because memory ran out
			cell[4] was running`},
		{"", "", killed, 4, 2, `
			session died: the session process was killed by signal 9 (killed), by another process or because memory ran out
			the session process was killed by signal 9 (killed), by another process or because memory ran out
			cell[4]:2 was running
			   2 | go w.write()`},
		{"", "", nil, 0, 0, `
			session died: the session process ended with status 0
			the session process ended with status 0`},
		{"", "", errors.New("wait: lost"), 0, 0, `
			session died: the session process ended: wait: lost
			the session process ended: wait: lost`},
	} {
		var report []byte
		if c.report != "" {
			var err error
			if report, err = os.ReadFile("testdata/reports/" + c.report); err != nil {
				t.Fatal(err)
			}
		}
		if c.change != "" {
			report = regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(c.change)+`.*\n\t.*\n`).ReplaceAll(report, nil)
		}
		f := Explain(session.Death{Report: report, Err: c.err, N: c.n, Line: c.line, Texts: texts})
		got := ansiRE.ReplaceAllString(f.Name+": "+f.Value+"\n"+strings.Join(f.Traceback, "\n"), "")
		if want := strings.ReplaceAll(c.want[1:], "\t", ""); got != want {
			t.Errorf("%s without %q:\n%s\nwant:\n%s", c.report, c.change, got, want)
		}
	}
	for text, want := range map[string]string{
		"panic: timed [recovered, repanicked]\n\ngoroutine 1 [running]:\n": "panic: timed",
		"panic: timed [recovered]\n":                                       "panic: timed",
		"SIGABRT: abort\nPC=0x1 m=0 sigcode=0\n":                           "SIGABRT: abort",
		"unexpected fault address 0x10\nfatal error: fault\n":              "unexpected fault address 0x10",
	} {
		if got := Explain(session.Death{Report: []byte(text), Err: died}).Value; got != want {
			t.Errorf("%q is explained as %q, want %q", text, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                            "",
		"a b c":                       "a b c",
		"a a":                         "a a",
		"a a a b":                     "a (3) b",
		"x a b a b a b":               "x a b (6)",
		"a a a a~90 a":                "a (95)",
		"a b a b a b~9 b a b c":       "a b (18) c",
		"a b c d e f g h i j k l m n": "a b c d e f g h i j k l … and 2 more calls",
	} {
		var calls []call
		for f := range strings.FieldsSeq(in) {
			text, n, _ := strings.Cut(f, "~")
			c := call{text: text}
			for _, d := range n {
				c.elided = 10*c.elided + int(d-'0')
			}
			calls = append(calls, c)
		}
		got := ansiRE.ReplaceAllString(strings.Join(shorten(calls), " "), "")
		got = regexp.MustCompile(`\(and so on, (\d+) calls deep\)`).ReplaceAllString(got, "($1)")
		if got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestExplainLimits(t *testing.T) {
	exited := exec.Command("/bin/sh", "-c", "exit 2").Run()
	for _, c := range []struct {
		d    session.Death
		want string
	}{
		{session.Death{Err: exited, Report: []byte("fatal error: out of memory\n"), Space: 2 << 30}, "limited to 2 GiB (ulimit -v, RLIMIT_AS)"},
		{session.Death{Err: exited, Report: []byte("runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\n"), Space: 1 << 30}, "limited to 1 GiB"},
		{session.Death{Err: exited, Cut: io.EOF}, "a file descriptor that it needs was closed"},
	} {
		if got := strings.Join(Explain(c.d).Traceback, "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%q does not say %q", got, c.want)
		}
	}
	if got := strings.Join(Explain(session.Death{Err: exited, Report: []byte("fatal error: all goroutines are asleep\n"), Space: 2 << 30}).Traceback, "\n"); strings.Contains(got, "limited") {
		t.Error(got)
	}
}
