package timeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/internal/clock"
	"interleave/runtime/quantity"
)

// Stop returns an error that wraps ErrBusy when the tracer could not be started: user code, or another
// recorder, was using it.
var ErrBusy = errors.New("the execution tracer is in use")

// ErrBenchmark is returned by Stop when the first start came from a benchmark of package testing, which
// recording would slow.
var ErrBenchmark = errors.New("benchmarks of package testing are not recorded, because recording slows them")

// ErrPaused is wrapped by the error of Stop when an earlier measurement paused the recorder all the time.
var ErrPaused = errors.New("recording is paused")

// A Config bounds a recording. The zero value means the defaults.
type Config struct {
	// MaxBytes is the size of the trace after which recording stops while the experiment continues; 0 means
	// 64 MB. It is a soft limit: data that the tracer is writing then are still kept, since a trace is only
	// readable up to its last mark.
	MaxBytes int
	// MaxRead is how long Stop may spend reading the trace before it leaves the rest aside; 0 means one second.
	MaxRead time.Duration
	// MaxSpans is the number of spans after which Stop leaves the rest of the trace aside; 0 means one million.
	MaxSpans int
	// Func rewrites a function's name before it is kept; nil keeps the tracer's name.
	Func func(string) string

	others  []seen         // processes
	earlier map[int64]bool // goroutines of the experiment that were alive before the gap
}

func (c Config) withDefaults() Config {
	if c.MaxBytes <= 0 {
		c.MaxBytes = 64 << 20
	}
	if c.MaxRead <= 0 {
		c.MaxRead = time.Second
	}
	if c.MaxSpans <= 0 {
		c.MaxSpans = 1 << 20
	}
	if c.Func == nil {
		c.Func = func(s string) string { return s }
	}
	return c
}

// A Recorder records one experiment at a time. Its zero value is ready; it may be used again after Stop.
//
// There is one tracer in a process, so only one recorder records at any time, and user code that calls
// trace.Start meanwhile gets the error that tracing is already enabled. User code that calls trace.Stop ends
// the recording: the experiment is then cut.
type Recorder struct {
	Config Config // read by Arm

	// What follows is guarded by the gate.
	cfg    Config
	armed  time.Time // zero: idle
	mains  []origin
	runs   []*run // empty until something starts; more than one after pauses
	paused bool   // the last run has ended, and another one follows
	gaps   []gap  // the last may be open
	err    error  // why nothing was recorded, or nothing more
	kept   string // the reason of a pause that was under way when the recorder was armed
}

// A run is one recording. It owns a goroutine at most, which stops the tracer when the trace has grown too
// large, and a sampler. halt waits for the one and ends the other.
type run struct {
	asked  time.Time // before the tracer was started, which takes a while
	start  time.Time
	cpu    time.Duration // of the process at start; halt makes it what was used since
	wall   time.Duration
	buf    buffer
	stop   sync.Once
	wg     sync.WaitGroup
	halted sync.Once
	cores  *sampler
	system []SystemCore
	others []seen // processes
}

// armed is what Started looks at: the recorder that waits for the first start, or nil.
var armed atomic.Pointer[Recorder]

// Started reports to the armed recorder, if any, that something concurrent is about to begin; the recording
// then begins before Started returns. It costs one atomic load when nothing is armed, and may be called from
// any goroutine.
func Started() {
	if r := armed.Load(); r != nil {
		r.begin()
	}
}

// expect arms r, or nothing. The caller holds the gate.
func expect(r *Recorder) {
	armed.Store(r)
	if f := host.Get().Expect; f != nil {
		f(r != nil)
	}
}

// Recording reports whether the execution tracer runs, whoever started it.
func Recording() bool { return trace.IsEnabled() }

// Turn is for schedulers such as lab's event loop. It records that the calling goroutine became ready d ago
// and has waited for its turn since: that part of its last wait then counts as waiting for others. It costs
// an atomic load when nothing is recorded.
func Turn(d time.Duration) {
	if trace.IsEnabled() {
		trace.Log(context.Background(), categoryTurn, strconv.FormatInt(int64(d), 10))
	}
}

// The log entries that this package writes to the trace and reads back.
const (
	categoryName = "interleave.name"
	categoryTurn = "interleave.turn"
	categoryMark = "interleave"
	markStart    = "start"
	markStop     = "stop"
)

// Arm makes the next call of Started begin a recording. It fails when a recorder, this one or another, is
// armed or recording already. Arm and Stop come in pairs.
func (r *Recorder) Arm() error {
	gate.Lock()
	defer gate.Unlock()
	if !r.armed.IsZero() {
		return errors.New("arm recorder: it is armed already")
	}
	if gate.waiting != nil {
		return errors.New("arm recorder: another recorder is armed")
	}
	*r = Recorder{Config: r.Config, cfg: r.Config.withDefaults(), armed: time.Now()}
	gate.waiting = r
	for _, why := range gate.pauses {
		r.kept = *why
		r.openGap(*why)
	}
	turn()
	return nil
}

// Main marks the calling goroutine as one that runs the experiment itself, and names it: its row comes first,
// and the goroutines that it creates belong to the experiment. Without any call of Main that is the goroutine
// which called Started. Call it after Arm; a microsecond.
func (r *Recorder) Main(name string) {
	o := origin{goroutineID(), name}
	gate.Lock()
	defer gate.Unlock()
	r.mains = append(r.mains, o)
}

// An origin is a goroutine that runs the experiment itself.
type origin struct {
	id   int64
	name string
}

// Stop ends the experiment and reads what was recorded. Without a call of Started since Arm it returns nil
// and no error. When the tracer was in use it returns an error that wraps ErrBusy; when a [Pause] from before
// Arm has not ended, one that wraps ErrPaused; and ErrBenchmark when the first start came from a benchmark.
// Reading takes about a microsecond for each goroutine.
func (r *Recorder) Stop() (*Experiment, error) {
	gate.Lock()
	if r.armed.IsZero() {
		gate.Unlock()
		return nil, errors.New("stop recorder: it was not armed")
	}
	kept := r.kept != "" && gate.waiting == r && !open()
	r.detach()
	done := *r
	*r = Recorder{Config: r.Config}
	gate.Unlock()
	switch {
	case len(done.runs) > 0:
	case kept:
		return nil, fmt.Errorf("record experiment: %w by %s, which is still running", ErrPaused, done.kept)
	default:
		return nil, done.err
	}
	e, err := parts(done.cfg, done.mains, done.runs, done.gaps)
	if err != nil {
		return nil, err
	}
	if e.Cut == "" && done.err != nil {
		e.Cut = done.err.Error()
	}
	e.Lead = done.runs[0].asked.Sub(done.armed)
	return e, nil
}

// Halt ends the experiment here, while its goroutines may continue: the experiment that Stop reads later ends
// now, except that goroutines which end meanwhile are not listed as left behind. It takes the time to stop
// the tracer, about a millisecond, and nothing when nothing is recorded; a recorder that waits for its first
// start will not begin.
func (r *Recorder) Halt() {
	gate.Lock()
	defer gate.Unlock()
	r.detach()
}

// detach ends the recording, if there is one, and lets no other begin. The caller holds the gate.
func (r *Recorder) detach() {
	switch r {
	case gate.waiting:
		gate.waiting = nil
	case gate.running:
		gate.running = nil
		r.runs[len(r.runs)-1].halt()
	default:
		return
	}
	r.closeGap()
	turn()
}

// begin starts the tracer, once. A goroutine that finds another one in begin waits, so that what it starts is
// recorded too.
func (r *Recorder) begin() {
	gate.Lock()
	defer gate.Unlock()
	if armed.Load() != r {
		return
	}
	gate.waiting = nil
	if benchmarks() {
		r.err = ErrBenchmark
	} else {
		r.record()
	}
	turn()
}

// benchmarkFunc is the prefix of the functions that run benchmarks of package testing.
const benchmarkFunc = "testing.(*B)."

// benchmarks reports whether the calling goroutine runs a benchmark of package testing.
func benchmarks() bool {
	var pcs [128]uintptr
	for frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])]); ; {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, benchmarkFunc) {
			return true
		}
		if !more {
			return false
		}
	}
}

// maxRuns is the number of parts of a recording: continuing it after each of a thousand measurements would
// take long, and the figure would not be readable.
const maxRuns = 16

// record begins the recording, or continues it. The caller holds the gate.
func (r *Recorder) record() {
	gate.running, r.paused = nil, false
	cfg := r.cfg
	for _, n := range r.runs {
		cfg.MaxBytes = max(1, cfg.MaxBytes-n.buf.Len())
		if n.buf.over { // what follows would not be read
			return
		}
	}
	if len(r.runs) == maxRuns {
		r.err = fmt.Errorf("it was paused %d times for measurements", maxRuns)
		return
	}
	n, err := start(cfg)
	if err != nil {
		r.err = err
		return
	}
	gate.running = r
	r.runs = append(r.runs, n)
}

// start starts the tracer, outside of any bubble, and marks the calling goroutine as the one that did.
func start(cfg Config) (n *run, err error) {
	if out := runOutside(func() { n, err = startTracer(cfg) }); out != nil {
		return nil, fmt.Errorf("record experiment: %w", out)
	}
	if err == nil {
		trace.Log(context.Background(), categoryMark, markStart)
	}
	return n, err
}

// startTracer starts the tracer. Its channels and timers belong to the calling goroutine's bubble, if any.
func startTracer(cfg Config) (*run, error) {
	n := &run{asked: time.Now()}
	n.buf.max = cfg.MaxBytes
	n.buf.full = func() { n.wg.Go(n.stopTracer) } // not from within Write: the tracer waits for its writer
	// before the tracer starts, so that its goroutine is not part of the experiment
	n.cores = beginSampling()
	if err := trace.Start(&n.buf); err != nil {
		n.cores.end()
		return nil, fmt.Errorf("record experiment: %w: %w", ErrBusy, err)
	}
	watchProcesses()
	n.cpu = clock.CPU()
	n.start = time.Now()
	return n, nil
}

// stopTracer ends the recording, once. The tracer has no owner: if user code has stopped it and started its
// own meanwhile, that one ends here; there is no way to know.
func (n *run) stopTracer() {
	n.stop.Do(func() {
		trace.Log(context.Background(), categoryMark, markStop)
		trace.Stop()
	})
}

// halt ends the recording, once: what happens from now on is no part of the experiment. It fails in a bubble
// where there is no goroutine outside.
func (n *run) halt() error {
	return runOutside(func() {
		n.halted.Do(func() {
			n.wall, n.cpu = time.Since(n.start), max(0, clock.CPU()-n.cpu)
			n.stopTracer()
			n.others = seenProcesses()
			n.wg.Wait()
			n.system = n.cores.end()
		})
	})
}

func (n *run) end(cfg Config, mains []origin) (*Experiment, error) {
	if err := n.halt(); err != nil {
		return nil, fmt.Errorf("end recording: %w", err)
	}
	e := &Experiment{Start: n.start, Wall: n.wall, CPU: n.cpu, SystemCores: n.system, Engine: Engine(nil), GOMAXPROCS: runtime.GOMAXPROCS(0), Procs: runtime.NumCPU()}
	if n.buf.over {
		e.Cut = fmt.Sprintf("the trace grew beyond %s", quantity.BinaryBytes(cfg.MaxBytes))
	}
	recorded := n.buf.Bytes()
	n.buf.Buffer = bytes.Buffer{} // the recorder keeps the run until the next one
	cfg.others, n.others = n.others, nil
	if err := e.read(recorded, cfg, mains); err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	return e, nil
}

// Record runs f and returns what its goroutines and the machine's cores did meanwhile. It records from the
// first instruction of f to its return, or to the end of ctx: f then continues, and the experiment is marked
// as cut. The goroutines that f leaves behind are in the experiment, and alive. It fails, without running f,
// when the tracer is in use, and in a bubble of testing/synctest unless the program that runs the code
// provides a goroutine outside (package host). A recorder that is armed waits until Record returns.
func Record(ctx context.Context, f func()) (*Experiment, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("record experiment: %w", context.Cause(ctx))
	}
	cfg := Config{}.withDefaults()
	defer aside()()
	n, err := start(cfg)
	if err != nil {
		return nil, err
	}
	var ended atomic.Bool
	release := context.AfterFunc(ctx, func() {
		n.stopTracer()
		ended.Store(true)
	})
	defer n.halt() // when f panics
	f()
	release()
	// waits for the one that ctx started, if it did; a tracer that was started outside may be stopped in a
	// bubble
	n.stopTracer()
	e, err := n.end(cfg, []origin{{goroutineID(), "main"}})
	if err != nil {
		return nil, err
	}
	if e.Cut == "" && ended.Load() {
		e.Cut = "its context ended"
	}
	e.Left = e.leftovers()
	return e, nil
}

// A buffer keeps a trace in memory. The tracer's reader is the only writer; the rest looks after the tracer
// has stopped.
type buffer struct {
	bytes.Buffer
	max  int
	full func() // called once, when more than max was written
	over bool
}

func (b *buffer) Write(p []byte) (int, error) {
	if !b.over && b.Len()+len(p) > b.max {
		b.over = true
		b.full()
	}
	return b.Buffer.Write(p)
}

// goroutineID is the number by which the tracer knows the calling goroutine. The head of a stack dump is the
// one place where Go shows it: "goroutine 12 [running]:".
func goroutineID() int64 {
	var head [64]byte
	s := head[:runtime.Stack(head[:], false)]
	s = bytes.TrimPrefix(s, []byte("goroutine "))
	s, _, _ = bytes.Cut(s, []byte(" "))
	id, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil {
		return 0
	}
	return id
}
