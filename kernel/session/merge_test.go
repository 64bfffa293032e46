package session

//lint:file-ignore SA1004 as many nanoseconds as are meant

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A bench holds a merger by its ends. Inside a synctest bubble, what was put in has taken effect when settle returns.
type bench struct {
	stdout, stderr chan segment
	frames         chan frame
	mu             sync.Mutex
	got            []Event // guarded by mu: no event of ours orders the appends after a timer
	stop           chan struct{}
	ended          chan struct{}
	m              *merger
}

func newBench() *bench {
	b := &bench{
		stdout: make(chan segment), stderr: make(chan segment), frames: make(chan frame),
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
	out := make(chan Event)
	b.m = &merger{streams: [2]<-chan segment{b.stdout, b.stderr}, frames: b.frames, out: out, stop: b.stop}
	go func() {
		defer close(out)
		b.m.run()
	}()
	go func() {
		defer close(b.ended)
		for e := range out {
			b.mu.Lock()
			b.got = append(b.got, e)
			b.mu.Unlock()
		}
	}()
	return b
}

// expect compares what came out since the last call.
func (b *bench) expect(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := transcript(b.got); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.got = nil
}

func (b *bench) close() {
	close(b.stop)
	<-b.ended
}

func TestMerge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		defer b.close()
		b.stdout <- segment{text: "early "}
		b.expect(t, `0 stdout "early "`)
		b.stdout <- segment{text: "x", mark: 1}
		b.frames <- frame{marksAll, 1, begin{7}}
		b.expect(t, `0 stdout "x"`) // the frame waits for stderr
		b.stderr <- segment{mark: 1}
		b.expect(t, `session.begin`)
		b.stderr <- segment{text: "err", mark: 2}
		b.stdout <- segment{text: "out", mark: 2}
		b.expect(t, `7 stderr "err" | 7 stdout "out"`)
		select {
		case b.stdout <- segment{text: "after the frame"}:
			t.Error("a stream went on before its frame")
		default:
		}
		b.frames <- frame{marksAll, 2, Done{Cell: 7}}
		b.stdout <- segment{text: "after"}
		b.expect(t, `7 done | 0 stdout "after"`)
		// A stream that could take no marker is not waited for.
		b.frames <- frame{markStderr, 3, Clear{Cell: 8}}
		b.stderr <- segment{mark: 3}
		b.expect(t, `8 clear`)
		b.frames <- frame{0, 4, Clear{Cell: 8}}
		b.expect(t, `8 clear`)
		// Nor is one that has ended.
		close(b.stdout)
		b.frames <- frame{marksAll, 5, Clear{Cell: 8}}
		b.stderr <- segment{mark: 5}
		b.expect(t, `8 clear`)
		// A request in the wrong direction is nothing, and keeps its place.
		b.frames <- frame{0, 6, shutdown{}}
		// The process ends between a marker and its frame.
		b.stderr <- segment{text: "last", mark: 7}
		close(b.frames)
		b.stderr <- segment{text: " words", mark: 8}
		close(b.stderr)
		<-b.ended
		b.expect(t, `0 stderr "last words"`)
	})
}

func TestMergeReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.stderr <- segment{text: "a\npanic: no\n"}
		b.expect(t, `0 stderr "a\n"`)
		time.Sleep(reportTime - 1)
		b.stderr <- segment{text: "more"}
		b.expect(t, ``)
		time.Sleep(2) // it lives, though it goes on writing
		b.expect(t, `0 stderr "panic: no\nmore"`)
		time.Sleep(reportTime)
		b.stderr <- segment{text: "panic: again\n"}
		time.Sleep(reportTime - 1)
		b.expect(t, ``)
		time.Sleep(2)
		b.expect(t, `0 stderr "panic: again\n"`)

		b.stderr <- segment{text: "fatal error: no\n", mark: 1}
		b.stdout <- segment{mark: 1}
		b.expect(t, ``)
		b.frames <- frame{marksAll, 1, Clear{Cell: 1}} // speech: it lives
		b.expect(t, `0 stderr "fatal error: no\n" | 1 clear`)

		b.stderr <- segment{text: "panic: yes\n"}
		b.stdout <- segment{text: "x"}
		close(b.stdout)
		close(b.stderr)
		close(b.frames)
		<-b.ended
		b.expect(t, `0 stdout "x"`)
		if got := b.m.report.kept.String(); got != "panic: yes\n" {
			t.Errorf("report %q", got)
		}
	})
}

// stop ends the merger at any place.
func TestMergeStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := make(chan Event)
		b := &bench{stdout: make(chan segment), stop: make(chan struct{}), ended: make(chan struct{})}
		m := &merger{streams: [2]<-chan segment{b.stdout}, out: out, stop: b.stop}
		go func() {
			defer close(b.ended)
			m.run()
		}()
		b.stdout <- segment{text: "nobody takes this"}
		synctest.Wait()
		close(b.stop)
		<-b.ended
	})
}
