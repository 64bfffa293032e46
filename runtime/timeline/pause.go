package timeline

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Gap is a stretch of time that is not part of an experiment, because something was measured meanwhile, without the tracer.
type Gap struct {
	At   time.Duration // where in the experiment it lies: the experiment's time stands still meanwhile
	Took time.Duration // how long it took by the clock
	Why  string        // what measured, as given to [Pause]
}

// gate decides whether recorders may record. The tracer is the process's, so this is the state of all of them; it guards the fields
// of every [Recorder], too, and is held while the tracer starts or stops.
var gate struct {
	sync.Mutex
	hands   int       // recordings by [Record] under way
	pauses  []*string // what each pause that is under way was made for
	waiting *Recorder // is armed and has not begun
	running *Recorder // has begun, and was neither halted nor stopped; a pause may keep it from recording
}

// open reports whether a recorder may record. The caller holds the gate.
func open() bool { return gate.hands == 0 && len(gate.pauses) == 0 }

// turn makes Started see the recorder that waits, unless something keeps it from recording: Started then costs what it costs without a
// recorder. It begins the recording again that a pause has ended. The caller holds the gate.
func turn() {
	if !open() {
		armed.Store(nil)
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
	armed.Store(gate.waiting)
}

// Pause keeps recorders from recording until resume is called, for measurements: recording makes hand-overs between goroutines up to
// three times as slow, and leaves other work as fast as it was, so that ratios would be wrong. A recording under way is continued
// afterwards, and [Experiment.Gaps] has the stretch in between, with why, such as "lab.Bench at cell[3]:7". A recorder that is armed
// begins at the first start after the pause.
//
// Pauses may overlap; the last one to end counts. A pause ends with ctx at the latest, so that a measurement that was given up does not
// keep later recorders from recording. resume may be called again, and from any goroutine. Both take a few microseconds, or
// milliseconds when a recording is under way. Recordings by [Record] and traces of the user's own are not paused: who measures within
// these asks [Recording].
func Pause(ctx context.Context, why string) (resume func()) {
	gate.Lock()
	gate.pauses = append(gate.pauses, &why)
	armed.Store(nil)
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

// maxWhys is how many reasons one gap names.
const maxWhys = 3

// openGap notes that r does not record from now on.
func (r *Recorder) openGap(why string) {
	if n := len(r.gaps); n == 0 || !r.gaps[n-1].open {
		r.gaps = append(r.gaps, gap{runs: len(r.runs), begin: systemTime(), open: true})
	}
	g := &r.gaps[len(r.gaps)-1]
	if !slices.Contains(g.whys, why) && len(g.whys) < maxWhys {
		g.whys = append(g.whys, why)
	}
}

func (r *Recorder) closeGap() {
	if n := len(r.gaps); n > 0 && r.gaps[n-1].open {
		g := &r.gaps[n-1]
		g.open, g.took = false, systemTime().Sub(g.begin)
	}
}

// aside keeps the armed recorder, if there is one, from beginning while somebody records by hand: that is the recording which counts.
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

// measured says in a few words what was not recorded; it is empty when there is no gap.
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
	return Round(took) + " not recorded: " + strings.Join(whys, ", ")
}
