package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"interleave/runtime/quantity"
)

// An Exploration asks whether anything can go wrong when several actors take turns. [Litmus] leaves the order
// to chance; [Explore] tries one order after the other.
//
// Actors yield only in [Actor.Step], [Actor.Until] and [Actor.Lock]. The code between two of these calls is
// one turn, in which no other actor runs; so call Step wherever another goroutine might run in between.
type Exploration[S any] struct {
	Name  string
	Setup func() *S // makes a fresh state; nil means new(S)
	// each runs once in each schedule; what one does must depend on the state and its turns alone
	Actors []func(*Actor, *S)
	Always func(s *S) error // what must hold after each turn, if not nil
	AtEnd  func(s *S) error // what must hold when all actors have ended, if not nil
}

// ExploreOptions bound an exploration. The comments describe the zero value.
type ExploreOptions struct {
	Schedules int // the most that are tried; 0 means 10 000
	Turns     int // the most of one schedule, after which it counts as one that never ends; 0 means 1000
	// chooses which come first among schedules that change actors equally often; the same seed gives the same
	// exploration
	Seed uint64
}

// Interleavings is what an exploration found.
type Interleavings struct {
	Name      string
	Actors    int
	Schedules int    // that were tried
	Complete  bool   // there are no others
	Broken    error  // what went wrong in the last of them; nil when nothing did. A panic of an actor is a [*PanicError]
	Preempted int    // how often an actor that could have gone on had to wait there
	Turns     []Turn // what was done there
	Took      time.Duration
}

// A Turn is what one actor did while the others stood still.
type Turn struct {
	Actor int
	// file:line of the calls where it got the turn and gave it away; From is start in the first, To is end in
	// the last
	From, To string
}

// ErrDeadlock is the failure when every unfinished actor is waiting.
var ErrDeadlock = errors.New("deadlock: every unfinished actor is waiting")

var errNoEnd = errors.New("the actors do not come to an end; what waits for others should do so in Until")

// Explore runs the actors repeatedly on fresh states, each time in another order, until the test fails, all
// orders were tried, or a bound is reached. Orders that seldom interrupt an actor come first: most mistakes
// show there, and in the simplest way. An order that fails the test is run twice, the second time to record
// its lines.
//
// All runs on the calling goroutine, one turn at a time, at some hundred nanoseconds a turn: it finds errors
// of order, not data races within a turn. An actor that waits for another in any way but Until and Lock waits
// for ever.
func Explore[S any](ctx context.Context, test Exploration[S], opts ...ExploreOptions) (Interleavings, error) {
	for i, a := range test.Actors {
		if a == nil {
			return Interleavings{}, misuse("lab.Explore", "actor %d of %d is nil", i, len(test.Actors))
		}
	}
	setup := test.Setup
	if setup == nil {
		setup = func() *S { return new(S) }
	}
	var s *S
	check := func(f func(*S) error) func() error {
		if f == nil {
			return func() error { return nil }
		}
		return func() error { return f(s) }
	}
	return explore(ctx, test.Name, opts, explorer{
		actors: len(test.Actors),
		setup:  func() { s = setup() },
		act:    func(a *Actor, i int) { test.Actors[i](a, s) },
		always: check(test.Always),
		atEnd:  check(test.AtEnd),
		from:   here(1),
	})
}

// An Actor is an actor's hold on the exploration that runs it. It must not be handed on.
type Actor struct {
	yield func(struct{}) bool
	ready func() bool // what it waits for; nil means that it can continue
	noted bool        // at is wanted
	at    site        // where it gave its turn away
	ended bool
	err   error // its panic
}

// errStopped unwinds actors of a schedule that is not pursued.
var errStopped = errors.New("the schedule is over")

// Step ends the turn: any actor may have the next one, including this one.
func (a *Actor) Step() { a.pause(nil) }

// Until ends the turn until ready returns true. ready is called whenever an actor may get the turn, and must
// not change anything.
func (a *Actor) Until(ready func() bool) {
	if ready == nil {
		panic(misuse("lab.Actor.Until", "nil function"))
	}
	a.pause(ready)
}

// Lock locks l, a sync.Mutex or a [Lock]. It ends the turn before it locks, and until l is free.
func (a *Actor) Lock(l interface {
	TryLock() bool
	Unlock()
}) {
	if l == nil {
		panic(misuse("lab.Actor.Lock", "nil lock"))
	}
	a.pause(func() bool {
		free := l.TryLock()
		if free {
			l.Unlock()
		}
		return free
	})
	l.TryLock()
}

func (a *Actor) pause(ready func() bool) {
	if a.yield == nil {
		panic(misuse("lab.Actor", "an Actor that Explore did not make"))
	}
	a.ready = ready
	if a.noted {
		a.at = here(2)
	}
	if !a.yield(struct{}{}) {
		panic(errStopped)
	}
}

// place is where it is while others have the turn.
func (a *Actor) place() string {
	switch {
	case a.ended:
		return "end"
	case a.at.n == 0:
		return "start"
	}
	return filepath.Base(a.at.String())
}

// An explorer is an exploration without its type.
type explorer struct {
	actors        int
	setup         func()
	act           func(a *Actor, i int)
	always, atEnd func() error
	from          site
	turns         int
}

// A schedule lists the actors of the first turns: those of like before at, and who in turn at. After these an
// actor continues for as many turns as it can.
type schedule struct {
	like []int8
	at   int
	who  int8
}

var errStrayed = errors.New("the actors do not do the same again in the same order: what they do must depend on their state and turns alone")

func explore(ctx context.Context, name string, opts []ExploreOptions, x explorer) (r Interleavings, err error) {
	var o ExploreOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	switch err := checkContext("lab.Explore", ctx); {
	case err != nil:
		return r, err
	case len(opts) > 1:
		return r, misuse("lab.Explore", "%d options: need at most one", len(opts))
	case x.actors == 0:
		return r, misuse("lab.Explore", "no Actors: need 2 to 100")
	case x.actors < 2 || x.actors > 100:
		return r, misuse("lab.Explore", "%s: need 2 to 100", quantity.Plural(x.actors, "actor"))
	case o.Schedules < 0:
		return r, misuse("lab.Explore", "Schedules %d: need zero or more", o.Schedules)
	case o.Turns < 0:
		return r, misuse("lab.Explore", "Turns %d: need zero or more", o.Turns)
	}
	most := cmp.Or(o.Schedules, 10_000)
	x.turns = cmp.Or(o.Turns, 1000)
	defer unrecorded(ctx, "lab.Explore", &x.from)() // a figure of thousands of schedules would not be readable
	begin := time.Now()
	defer func() { r.Took = time.Since(begin) }()
	r = Interleavings{Name: name, Actors: x.actors, Complete: true}
	random := rand.New(rand.NewPCG(o.Seed, 0))
	var next []schedule // those with one preemption more than now
	for now := []schedule{{at: -1}}; len(now) > 0; now, next = next, nil {
		for len(now) > 0 {
			if err := canceled(ctx); err != nil || r.Schedules == most {
				r.Complete = false
				return r, err
			}
			i, last := random.IntN(len(now)), len(now)-1
			s := now[i]
			now[i], now = now[last], now[:last]
			r.Schedules++
			who, err := x.run(s, nil, func(s schedule, preempts bool) {
				list := &now
				if preempts {
					list = &next
				}
				if len(*list) < most {
					*list = append(*list, s)
				} else { // more than can be tried: each has its chance
					r.Complete = false
					(*list)[random.IntN(len(*list))] = s
				}
			})
			if err != nil {
				r.Complete = false
				again, err := x.run(schedule{like: who, at: len(who)}, &r.Turns, func(schedule, bool) {})
				if r.Broken = err; err == nil || errors.Is(err, errStrayed) || !slices.Equal(who, again) {
					return r, fmt.Errorf("lab.Explore: %w", errStrayed)
				}
				return r, nil
			}
		}
		if len(next) > 0 {
			r.Preempted++
		}
	}
	return r, nil
}

// run tries s. It returns the actor of each turn and the failure, and calls others for each schedule that
// differs from this one in a turn that s leaves open. With turns it records what was done.
func (x *explorer) run(s schedule, turns *[]Turn, others func(s schedule, preempts bool)) (who []int8, err error) {
	err = guard(&x.from, func() error { return x.play(s, &who, turns, others) })
	return who, err
}

func (x *explorer) play(s schedule, who *[]int8, turns *[]Turn, others func(schedule, bool)) error {
	x.setup()
	actors := make([]Actor, x.actors)
	next := make([]func() (struct{}, bool), x.actors)
	for i := range actors {
		a := &actors[i]
		a.noted = turns != nil
		var stop func()
		next[i], stop = iter.Pull(func(yield func(struct{}) bool) {
			defer func() {
				a.ended = true
				if r := recover(); r != nil && r != any(errStopped) {
					a.err = abnormal(r, &x.from)
				}
			}()
			a.yield = yield
			x.act(a, i)
		})
		defer stop()
	}
	able := make([]int8, 0, x.actors)
	last := int8(-1)
	for turn := 0; ; turn++ {
		able = able[:0]
		var waiting []string
		for i := range actors {
			if a := &actors[i]; !a.ended && (a.ready == nil || a.ready()) {
				able = append(able, int8(i))
			} else if !a.ended {
				waiting = append(waiting, fmt.Sprintf("actor %d at %s", i, a.place()))
			}
		}
		switch {
		case len(able) == 0 && waiting == nil:
			return x.atEnd()
		case len(able) == 0:
			return fmt.Errorf("%w: %s", ErrDeadlock, strings.Join(waiting, ", "))
		case turn == x.turns:
			return fmt.Errorf("%w (%s)", errNoEnd, quantity.Plural(turn, "turn"))
		}
		mayGoOn := slices.Contains(able, last)
		now := able[0]
		switch {
		case turn < s.at:
			now = s.like[turn]
		case turn == s.at:
			now = s.who
		case mayGoOn:
			now = last
		}
		if !slices.Contains(able, now) {
			return errStrayed
		}
		if turn > s.at {
			for _, other := range able {
				if other != now {
					others(schedule{*who, turn, other}, mayGoOn)
				}
			}
		}
		*who = append(*who, now)
		a := &actors[now]
		from := a.place()
		next[now]()
		if turns != nil {
			*turns = append(*turns, Turn{int(now), from, a.place()})
		}
		if a.err != nil {
			return a.err
		}
		if err := x.always(); err != nil {
			return err
		}
		last = now
	}
}

func (r Interleavings) head() string {
	name := ""
	if r.Name != "" {
		name = r.Name + ": "
	}
	switch {
	case r.Schedules == 0:
		return name + "no schedule was tried"
	case r.Broken != nil:
		return fmt.Sprintf("%sbroken by schedule %d, which interrupts an actor %s: %v", name, r.Schedules, quantity.Plural(r.Preempted, "time"), r.Broken)
	case r.Complete:
		return fmt.Sprintf("%sholds in all %s", name, quantity.Plural(r.Schedules, "schedule"))
	}
	return fmt.Sprintf("%sholds in %s that interrupt actors up to %s; there are others", name, quantity.Plural(r.Schedules, "schedule"), quantity.Plural(r.Preempted, "time"))
}

// grid has a line for each turn and a column for each actor.
func (r Interleavings) grid() grid {
	head := []string{"turn"}
	for i := range r.Actors {
		head = append(head, fmt.Sprint("actor ", i))
	}
	g := grid{head}
	for i, t := range r.Turns {
		line := make([]string, len(head))
		line[0], line[1+t.Actor] = fmt.Sprint(i+1), t.From+" → "+t.To
		g = append(g, line)
	}
	return g
}

// String shows how the exploration ended, with the schedule that failed the test.
func (r Interleavings) String() string {
	if r.Broken == nil {
		return r.head()
	}
	return r.head() + "\n" + r.grid().text("")
}

// Markdown is the same for a notebook.
func (r Interleavings) Markdown() string {
	if r.Broken == nil {
		return r.head()
	}
	return r.head() + "\n\n" + r.grid().markdown("")
}
