package remote

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// A Record is what a worker has noted of a call, or of a part of it. Times are those of CLOCK_MONOTONIC, which
// all processes of a machine share; see [Worker.Watch].
type Record struct {
	Begin time.Duration // when the function was called
	End   time.Duration // when it had returned and its results were packed, or when the process ended; 0 before
	// processor time of the process between the call before and this one: it loads code and unpacks arguments; 0
	// if it is not known
	Before time.Duration
	At     time.Duration // when the record was taken
	Used   time.Duration // the processor time of the process by then, since it was started
	Uses   []Use         // of the machine's cores since the last record, in order of their ends
	Lost   bool          // the process ended first; End is 0 if it had not begun the call
}

// A Use is the processor time that a worker had on a core in a period.
type Use struct {
	Start, End time.Duration
	CPU        time.Duration // at most the length of the period, unless several threads ran
	Core       int           // the machine's number of the core, -1 if it is not known
}

// appendRecord packs a record. Times count from Begin, which is at least as late as the records before.
func appendRecord(b []byte, r *Record) []byte {
	b = binary.AppendUvarint(b, uint64(r.Begin))
	b = binary.AppendVarint(b, int64(r.End))
	b = binary.AppendUvarint(b, uint64(max(0, r.Before)))
	b = binary.AppendUvarint(b, uint64(r.At))
	b = binary.AppendUvarint(b, uint64(r.Used))
	b = binary.AppendUvarint(b, uint64(len(r.Uses)))
	for _, u := range r.Uses {
		b = binary.AppendUvarint(b, uint64(max(0, u.Start-r.Begin)))
		b = binary.AppendUvarint(b, uint64(max(0, u.End-u.Start)))
		b = binary.AppendUvarint(b, uint64(max(0, u.CPU)))
		b = binary.AppendVarint(b, int64(u.Core))
	}
	return b
}

// record reads what appendRecord has written.
func (r *reader) record() (x Record) {
	x.Begin, x.End, x.Before = time.Duration(r.uint()), time.Duration(r.int()), time.Duration(r.uint())
	x.At, x.Used = time.Duration(r.uint()), time.Duration(r.uint())
	n := r.uint()
	for i := uint64(0); i < n && !r.bad; i++ {
		u := Use{Start: x.Begin + time.Duration(r.uint())}
		u.End = u.Start + time.Duration(r.uint())
		u.CPU, u.Core = time.Duration(r.uint()), int(r.int())
		x.Uses = append(x.Uses, u)
	}
	return x
}

func (r *reader) int() int64 {
	n, k := binary.Varint(r.b)
	if k <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[k:]
	return n
}

const (
	// firstSample is how long a call runs before a worker samples what its threads do: of a shorter one the
	// processor time is known, and that is enough.
	firstSample = 4 * time.Millisecond
	// A reading takes some 50 µs. The longer a call runs, the rarer they become, and so do the frames.
	shortestPace = 5 * time.Millisecond
	longestPace  = 50 * time.Millisecond
	shortestPart = 50 * time.Millisecond
	longestPart  = 250 * time.Millisecond
)

// notes are what a worker notes while it runs a call.
type notes struct {
	s   *server
	id  uint64
	mu  sync.Mutex
	end bool
	rec Record
	// when the uses that are known end, and the processor time of the process by then
	at, used int64
	sent     int64
	parts    bool // some were sent
	timer    *time.Timer
	threads  map[int]*thread
	core     int // that of the busiest thread, or of the one that made the call
}

// A thread is one of this process.
type thread struct {
	used int64
	core int
	seen bool
}

// note begins to take notes of a call, if the other end asks for them.
func (s *server) note(f frame) *notes {
	if f.kind != kindWatched {
		return nil
	}
	n := &notes{s: s, id: f.id, at: monotonic(), used: used(), core: core()}
	if n.at == 0 {
		return nil
	}
	n.sent = n.at
	n.rec = Record{Begin: time.Duration(n.at)}
	if s.used > 0 {
		n.rec.Before = time.Duration(n.used - s.used)
	}
	s.page.note(f.id, n.at, n.used, int64(n.rec.Before))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.timer = time.AfterFunc(firstSample, n.sample) // its goroutine lives for one reading only
	return n
}

// result sends the result of a call, with the rest of the notes if there are some.
func (n *notes) result(s *server, id uint64, payload ...[]byte) error {
	if n == nil {
		s.used = 0
		return s.result(true, kindResult, id, payload...)
	}
	n.mu.Lock()
	n.end = true // a reading that is under way has ended, and one that begins does nothing
	n.mu.Unlock()
	n.timer.Stop()
	n.add(monotonic(), used(), nil)
	n.rec.End, s.used = time.Duration(n.at), n.used
	n.rec.At, n.rec.Used = n.rec.End, time.Duration(n.used)
	head := appendBytes(nil, appendRecord(nil, &n.rec))
	return s.result(!n.parts, kindWatchedResult, id, append([][]byte{head}, payload...)...)
}

// result sends a result, to the mailbox if the program looks there. Frames that went by the socket may not
// have been read yet: short is false if the result must not overtake one.
func (s *server) result(short bool, k kind, id uint64, payload ...[]byte) error {
	if s.posted = short && s.page.results().post(k, id, payload...); s.posted {
		return nil
	}
	return s.send(k, id, payload...)
}

// wordAfter returns one of the words behind the first in the page.
func (p *page) wordAfter(i int) *uint64 { return (*uint64)(unsafe.Pointer(&p.mem[8*i])) }

// note records when a call began, and the processor time of the process by then and since the call before: if
// the process ends soon, its program knows that much.
func (p *page) note(id uint64, begin, used, before int64) {
	for i, v := range []uint64{uint64(begin), uint64(used), uint64(before), id} { // the number comes last
		atomic.StoreUint64(p.wordAfter(1+i), v)
	}
}

// lost returns what is known of a call that was begun and has not ended, when the process has.
func (p *page) lost(id uint64, end time.Duration) Record {
	r := Record{End: end, Lost: true}
	if atomic.LoadUint64(p.wordAfter(4)) == id {
		r.Begin, r.Used = time.Duration(atomic.LoadUint64(p.wordAfter(1))), time.Duration(atomic.LoadUint64(p.wordAfter(2)))
		r.At, r.Before = r.Begin, time.Duration(atomic.LoadUint64(p.wordAfter(3)))
	}
	return r
}

// sample takes a reading, and sends what is known from time to time: a process that is killed has sent most.
func (n *notes) sample() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.end {
		return
	}
	first := n.threads == nil
	busy := n.read()
	n.add(monotonic(), used(), busy)
	run := n.at - int64(n.rec.Begin)
	if first || n.at-n.sent >= int64(clamp(time.Duration(run/10), shortestPart, longestPart)) {
		n.sent, n.parts = n.at, true
		n.rec.At, n.rec.Used = time.Duration(n.at), time.Duration(n.used)
		if err := n.s.send(kindPart, n.id, appendRecord(nil, &n.rec)); err != nil {
			return // the other end is gone
		}
		n.rec.Uses = n.rec.Uses[:0]
	}
	n.timer.Reset(clamp(time.Duration(run/200), shortestPace, longestPace))
}

func clamp(d, least, most time.Duration) time.Duration { return min(max(d, least), most) }

// add notes the uses since the last reading. busy has the processor time by core, as far as threads show it;
// what is missing there, such as that of a thread that has ended, was had on the busiest core.
func (n *notes) add(now, total int64, busy map[int]int64) {
	rest := total - n.used
	if now <= n.at || rest <= 0 {
		n.at = max(n.at, now)
		return
	}
	for c, t := range busy {
		if c != n.core && t > (now-n.at)/20 { // less, such as that of this reading, is counted with the rest
			t = min(t, rest, now-n.at)
			rest -= t
			n.use(now, t, c)
		}
	}
	n.use(now, rest, n.core)
	n.at, n.used = now, total
}

func (n *notes) use(now, cpu int64, core int) {
	if cpu > 0 {
		n.rec.Uses = append(n.rec.Uses, Use{time.Duration(n.at), time.Duration(now), time.Duration(cpu), core})
	}
}

// read returns the processor time that the threads had since the last reading, by core, nil at the first.
func (n *notes) read() map[int]int64 {
	dir, err := os.Open("/proc/self/task")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	var busy map[int]int64
	if first := n.threads == nil; first {
		n.threads = map[int]*thread{}
	} else {
		busy = make(map[int]int64, 4)
	}
	for _, t := range n.threads {
		t.seen = false
	}
	most := int64(0)
	for _, name := range names {
		tid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		now := usedByThread(tid)
		t := n.threads[tid]
		if t == nil {
			t = &thread{core: -1}
			if busy == nil { // how much of it was before the call is not known
				t.used = now
			}
			n.threads[tid] = t
		}
		t.seen = true
		d := now - t.used
		if t.used = now; d <= 0 {
			continue
		}
		if t.core < 0 || d > int64(shortestPace/20) { // what hardly ran need not be looked up
			t.core = lastCore(name)
		}
		if busy[t.core] += d; busy[t.core] > most {
			most, n.core = busy[t.core], t.core
		}
	}
	for tid, t := range n.threads {
		if !t.seen {
			delete(n.threads, tid)
		}
	}
	return busy
}

// lastCore returns the core that a thread of this process has run on last, -1 if that is not known.
func lastCore(tid string) int {
	b, err := os.ReadFile("/proc/self/task/" + tid + "/stat")
	if err != nil {
		return -1
	}
	return coreIn(string(b))
}

// coreIn reads field 39 of /proc/PID/stat; the second is a name in parentheses that may have any letters.
func coreIn(stat string) int {
	i := strings.LastIndex(stat, ") ")
	if i < 0 {
		return -1
	}
	f := strings.Fields(stat[i+2:])
	const at = 39 - 3
	if len(f) <= at {
		return -1
	}
	n, err := strconv.Atoi(f[at])
	if err != nil {
		return -1
	}
	return n
}
