package timeline

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"interleave/runtime/internal/clock"
	"interleave/runtime/quantity"
)

// A Gap is a period of time that was not recorded, because a measurement ran.
type Gap struct {
	At   time.Duration // its place in the experiment, whose time stops during the gap
	Took time.Duration // its length
	Why  string        // the measurement, as given to [Pause]
}

// gate decides whether recorders may record. There is one tracer in a process, so this is shared by all
// recorders; it also guards the fields of every [Recorder], and is held while the tracer starts or stops.
var gate struct {
	sync.Mutex
	hands   int       // recordings by [Record] under way
	pauses  []*string // the reasons of the pauses under way
	waiting *Recorder // armed, and has not begun
	running *Recorder // has begun, and was neither halted nor stopped; it may be paused
}

// open reports whether a recorder may record. The caller holds the gate.
func open() bool { return gate.hands == 0 && len(gate.pauses) == 0 }

// turn applies a change of the gate. While the gate is shut, Started sees no recorder and costs as much as
// without one. When it opens, a paused recording continues. The caller holds the gate.
func turn() {
	if !open() {
		expect(nil)
		return
	}
	for _, r := range []*Recorder{gate.waiting, gate.running} {
		if r != nil {
			r.closeGap()
		}
	}
	if r := gate.running; r != nil && r.paused {
		r.record()
	}
	expect(gate.waiting)
}

// Pause stops all recorders until resume is called, for a measurement: recording makes hand-overs between
// goroutines up to three times as slow and hardly affects other work, so that measured ratios would be wrong.
// A recording under way continues afterwards, and [Experiment.Gaps] lists the pause with its reason, such as
// "lab.Bench at cell[3]:7". A recorder that is armed begins at the first start after the pause.
//
// Pauses may overlap; recording continues when the last one has ended. A pause ends with ctx at the latest,
// so that a measurement that was given up does not affect later recorders. resume may be called more than
// once, and from any goroutine. Both calls take a few microseconds, or milliseconds when a recording is under
// way. Recordings by [Record] and the user's own traces are not paused; [Recording] reports them.
func Pause(ctx context.Context, why string) (resume func()) {
	gate.Lock()
	gate.pauses = append(gate.pauses, &why)
	expect(nil)
	if r := gate.waiting; r != nil {
		r.openGap(why)
	}
	if r := gate.running; r != nil {
		if !r.paused {
			r.paused = true
			r.runs[len(r.runs)-1].halt()
		}
		r.openGap(why)
	}
	gate.Unlock()
	end := sync.OnceFunc(func() {
		gate.Lock()
		defer gate.Unlock()
		gate.pauses = slices.DeleteFunc(gate.pauses, func(p *string) bool { return p == &why })
		turn()
	})
	release := context.AfterFunc(ctx, end)
	return func() {
		release()
		end()
	}
}

// A gap is a Gap in the making.
type gap struct {
	runs  int // that had begun before it
	begin time.Time
	took  time.Duration
	open  bool
	whys  []string
}

// maxWhys is the number of reasons that are kept for a gap.
const maxWhys = 3

// openGap begins a gap, or adds a reason to the one that is open.
func (r *Recorder) openGap(why string) {
	if n := len(r.gaps); n == 0 || r.gaps[n-1].runs < len(r.runs) { // else nothing was recorded since the last one
		r.gaps = append(r.gaps, gap{runs: len(r.runs)})
	}
	g := &r.gaps[len(r.gaps)-1]
	if !g.open {
		g.open, g.begin = true, clock.System()
	}
	if !slices.Contains(g.whys, why) && len(g.whys) < maxWhys {
		g.whys = append(g.whys, why)
	}
}

func (r *Recorder) closeGap() {
	if n := len(r.gaps); n > 0 && r.gaps[n-1].open {
		g := &r.gaps[n-1]
		g.open = false
		g.took += clock.System().Sub(g.begin)
	}
}

// aside keeps an armed recorder from beginning during a recording by Record, which has precedence.
func aside() (back func()) {
	gate.Lock()
	defer gate.Unlock()
	gate.hands++
	turn()
	return func() {
		gate.Lock()
		defer gate.Unlock()
		gate.hands--
		turn()
	}
}

// measured describes the gaps in a few words; it is empty without gaps.
func (e *Experiment) measured() string {
	if len(e.Gaps) == 0 {
		return ""
	}
	var whys []string
	var took time.Duration
	for _, g := range e.Gaps {
		took += g.Took
		if !slices.Contains(whys, g.Why) && len(whys) < maxWhys {
			whys = append(whys, g.Why)
		}
	}
	return quantity.Duration(took) + " not recorded: " + strings.Join(whys, ", ")
}
