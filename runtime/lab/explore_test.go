package lab_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// An op is one turn of an actor in a random program on shared numbers.
type op struct {
	kind string // load a number, store it plus one, or wait until it is not zero
	at   int
}

// A memory is the state of such a program: the shared numbers, and the one that each actor carries.
type memory struct{ shared, own [3]int }

func (m *memory) do(actor int, o op) {
	switch o.kind {
	case "load":
		m.own[actor] = m.shared[o.at]
	case "store":
		m.shared[o.at] = m.own[actor] + 1
	}
}

func (m *memory) ready(o op) bool { return o.kind != "wait" || m.shared[o.at] != 0 }

// allOrders is the reference model: it tries every order by recursion on copies of the memory, and counts the results.
func allOrders(m memory, programs [][]op, results map[string]int) {
	ended, stuck := true, true
	for actor, p := range programs {
		if len(p) == 0 {
			continue
		}
		ended = false
		if m.ready(p[0]) {
			stuck = false
			next, rest := m, slices.Clone(programs)
			next.do(actor, p[0])
			rest[actor] = p[1:]
			allOrders(next, rest, results)
		}
	}
	switch {
	case ended:
		results[fmt.Sprint(m)]++
	case stuck:
		results["deadlock"]++
	}
}

func explorationOf(programs [][]op, atEnd func(*memory) error) lab.Exploration[memory] {
	test := lab.Exploration[memory]{AtEnd: atEnd}
	for i, p := range programs {
		test.Actors = append(test.Actors, func(a *lab.Actor, m *memory) {
			for j, o := range p {
				if j > 0 {
					a.Until(func() bool { return m.ready(o) })
				}
				m.do(i, o)
			}
		})
	}
	return test
}

func drawPrograms(t *rapid.T) [][]op {
	programs := make([][]op, rapid.IntRange(2, 3).Draw(t, "actors"))
	for i := range programs {
		programs[i] = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) op {
			return op{rapid.SampledFrom([]string{"load", "store", "store", "wait"}).Draw(t, "kind"), rapid.IntRange(0, 1).Draw(t, "at")}
		}), 1, 3).Draw(t, "program")
		if programs[i][0].kind == "wait" {
			programs[i][0].kind = "load" // the first turn begins without a question
		}
	}
	return programs
}

// Every order is tried, each once, and no other; a deadlock is found where there is one.
func TestExploreAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		programs := drawPrograms(t)
		want, got := map[string]int{}, map[string]int{}
		allOrders(memory{}, programs, want)
		r, err := lab.Explore(context.Background(), explorationOf(programs, func(m *memory) error { got[fmt.Sprint(*m)]++; return nil }),
			lab.ExploreOptions{Seed: rapid.Uint64().Draw(t, "seed")})
		if err != nil {
			t.Fatal(err)
		}
		if want["deadlock"] > 0 {
			if !errors.Is(r.Broken, lab.ErrDeadlock) || r.Complete {
				t.Fatalf("there are deadlocks; got %v", r)
			}
			return
		}
		if r.Broken != nil || !r.Complete || !maps.Equal(want, got) {
			t.Fatalf("%v\nresults %v, want %v", r, got, want)
		}
	})
}

// A schedule that breaks the test is told in its turns, and interrupts as seldom as is possible.
func TestExploreTellsTheSimplest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		programs := drawPrograms(t)
		counts := map[string]int{}
		allOrders(memory{}, programs, counts)
		bad := rapid.SampledFrom(slices.Sorted(maps.Keys(counts))).Draw(t, "bad")
		test := explorationOf(programs, func(m *memory) error {
			if fmt.Sprint(*m) == bad {
				return errors.New("bad")
			}
			return nil
		})
		r, err := lab.Explore(context.Background(), test, lab.ExploreOptions{Seed: rapid.Uint64().Draw(t, "seed")})
		if err != nil || r.Broken == nil {
			t.Fatalf("%v, %v", r, err)
		}
		if errors.Is(r.Broken, lab.ErrDeadlock) {
			bad = "deadlock"
		}
		// The turns, done again by the model, lead there.
		var m memory
		rest, last, preempted := slices.Clone(programs), -1, 0
		for _, turn := range r.Turns {
			if last >= 0 && last != turn.Actor && len(rest[last]) > 0 && m.ready(rest[last][0]) {
				preempted++
			}
			if !m.ready(rest[turn.Actor][0]) {
				t.Fatalf("actor %d had a turn while it waited: %v", turn.Actor, r)
			}
			m.do(turn.Actor, rest[turn.Actor][0])
			rest[turn.Actor], last = rest[turn.Actor][1:], turn.Actor
			if first, end := turn.From == "start", turn.To == "end"; first != (len(rest[last]) == len(programs[last])-1) || end != (len(rest[last]) == 0) {
				t.Fatalf("actor %d from %s to %s: %v", last, turn.From, turn.To, r)
			}
		}
		if preempted != r.Preempted {
			t.Fatalf("it says %d preemptions; there are %d in %v", r.Preempted, preempted, r)
		}
		if least := leastPreempted(memory{}, programs, -1, bad, test.AtEnd); least != preempted {
			t.Fatalf("%d preemptions suffice: %v", least, r)
		}
	})
}

// leastPreempted is how few preemptions lead to anything wrong: the bad result, or a deadlock.
func leastPreempted(m memory, programs [][]op, last int, bad string, atEnd func(*memory) error) int {
	least, ended, stuck := 1000, true, true
	for actor, p := range programs {
		if len(p) == 0 {
			continue
		}
		ended = false
		if m.ready(p[0]) {
			stuck = false
			cost := 0
			if last >= 0 && last != actor && len(programs[last]) > 0 && m.ready(programs[last][0]) {
				cost = 1
			}
			next, rest := m, slices.Clone(programs)
			next.do(actor, p[0])
			rest[actor] = p[1:]
			least = min(least, cost+leastPreempted(next, rest, actor, bad, atEnd))
		}
	}
	if ended && atEnd(&m) != nil || !ended && stuck {
		return 0
	}
	return least
}

// Within a bound the same seed gives the same exploration, and another one others.
func TestExploreIsDeterministic(t *testing.T) {
	t.Parallel()
	explore := func(seed uint64) (trail string) {
		steps := func(name string) func(*lab.Actor, *string) {
			return func(a *lab.Actor, s *string) {
				for range 5 {
					*s += name
					a.Step()
				}
			}
		}
		r, err := lab.Explore(t.Context(), lab.Exploration[string]{
			Actors: []func(*lab.Actor, *string){steps("a"), steps("b"), steps("c")},
			AtEnd:  func(s *string) error { trail += *s + "\n"; return nil },
		}, lab.ExploreOptions{Schedules: 50, Seed: seed})
		if err != nil || r.Schedules != 50 || r.Complete || r.Broken != nil {
			t.Fatalf("%v, %v", r, err)
		}
		return trail
	}
	if once, again := explore(1), explore(1); once != again {
		t.Error("the same seed gave two explorations")
	}
	if explore(1) == explore(2) {
		t.Error("two seeds gave the same exploration")
	}
}

type pair struct {
	a, b  sync.Mutex
	inner *lab.Lock
	n     int
}

func TestExploreLocks(t *testing.T) {
	t.Parallel()
	both := func(first, second func(*pair) *sync.Mutex) func(*lab.Actor, *pair) {
		return func(a *lab.Actor, p *pair) {
			a.Lock(first(p))
			defer first(p).Unlock()
			a.Lock(second(p))
			defer second(p).Unlock()
		}
	}
	a, b := func(p *pair) *sync.Mutex { return &p.a }, func(p *pair) *sync.Mutex { return &p.b }
	r, err := lab.Explore(t.Context(), lab.Exploration[pair]{Name: "philosophers", Actors: []func(*lab.Actor, *pair){both(a, b), both(b, a)}})
	if err != nil || !errors.Is(r.Broken, lab.ErrDeadlock) || r.Preempted != 1 || strings.Count(r.Broken.Error(), "explore_test.go:") != 2 {
		t.Errorf("locks in two orders: %v, %v", r, err)
	}
	if len(r.Turns) == 0 || !strings.Contains(r.String(), "actor 1") || !strings.Contains(r.Markdown(), "|---") {
		t.Errorf("it does not show its turns: %v", r)
	}
	r, err = lab.Explore(t.Context(), lab.Exploration[pair]{Actors: []func(*lab.Actor, *pair){both(a, b), both(a, b), both(a, b)}})
	if err != nil || !r.Complete || r.Broken != nil {
		t.Errorf("locks in one order: %v, %v", r, err)
	}
	add := func(a *lab.Actor, p *pair) {
		a.Lock(p.inner)
		n := p.n
		a.Step()
		p.n = n + 1
		p.inner.Unlock()
	}
	r, err = lab.Explore(t.Context(), lab.Exploration[pair]{
		Setup:  func() *pair { return &pair{inner: lab.NewLock()} },
		Actors: []func(*lab.Actor, *pair){add, add, add},
		AtEnd: func(p *pair) error {
			if p.n != 3 {
				return fmt.Errorf("%d, want 3", p.n)
			}
			return nil
		},
	})
	if err != nil || !r.Complete || r.Broken != nil || r.Schedules < 6 {
		t.Errorf("a lock of lab: %v, %v", r, err)
	}
}

func TestExploreNothing(t *testing.T) {
	t.Parallel()
	r, err := lab.Explore(t.Context(), lab.Exploration[int]{Name: "transfer"})
	wantUsage(t, err, "lab.Explore: no Actors: need 2 to 100")
	_, err = lab.Explore(t.Context(), lab.Exploration[int]{Actors: []func(*lab.Actor, *int){func(*lab.Actor, *int) {}}})
	wantUsage(t, err, "lab.Explore: 1 actor: need 2 to 100")
	if r.String() != "no schedule was tried" || r.Markdown() != r.String() {
		t.Errorf("what was not explored reads %q", r)
	}
	for _, v := range []any{lab.Scaling{}, lab.Comparison{}, lab.LitmusTable{}} {
		if s := fmt.Sprint(v); s != "nothing was measured" {
			t.Errorf("an empty %T reads %q", v, s)
		}
	}
	failed, err := lab.Bench(t.Context(), "download", func(context.Context) error { return errors.New("no network") }, lab.BenchOptions{})
	if err == nil || failed.String() != "download: nothing was measured" {
		t.Errorf("%v: reads %q", err, failed)
	}
}

func TestExploreFails(t *testing.T) {
	t.Parallel()
	type actors = []func(*lab.Actor, *int)
	explore := func(test lab.Exploration[int], opts ...lab.ExploreOptions) lab.Interleavings {
		t.Helper()
		r, err := lab.Explore(t.Context(), test, opts...)
		if err != nil || r.Broken == nil || r.Complete {
			t.Errorf("want it broken, got %v, %v", r, err)
		}
		return r
	}
	quiet := func(*lab.Actor, *int) {}
	unwound := 0
	polite := func(a *lab.Actor, _ *int) {
		defer func() { unwound++ }()
		a.Step()
	}
	r := explore(lab.Exploration[int]{Actors: actors{polite, func(a *lab.Actor, _ *int) { a.Step(); panic("boom") }}})
	wantPanic(t, r.Broken, "boom", "TestExploreFails")
	if unwound == 0 {
		t.Error("the other actor was not unwound")
	}
	r = explore(lab.Exploration[int]{Actors: actors{quiet, quiet}, AtEnd: func(*int) error { panic("check") }})
	wantPanic(t, r.Broken, "check", "TestExploreFails")
	r = explore(lab.Exploration[int]{Actors: actors{quiet, func(a *lab.Actor, n *int) {
		for *n == 0 {
			a.Step()
		}
	}}})
	if want := "the actors do not come to an end; what waits for others should do so in Until (1\u2009000 turns)"; r.Broken.Error() != want {
		t.Errorf("got %q, want %q", r.Broken, want)
	}
	explore(lab.Exploration[int]{Actors: actors{quiet, quiet}, AtEnd: func(*int) error { return errors.New("no") }}, lab.ExploreOptions{Turns: 2})
	r = explore(lab.Exploration[int]{Actors: actors{quiet, quiet}, AtEnd: func(*int) error { return errors.New("no") }}, lab.ExploreOptions{Turns: 1})
	if !strings.Contains(r.Broken.Error(), "(1 turn)") {
		t.Errorf("with one turn of two: %v", r.Broken)
	}
	r = explore(lab.Exploration[int]{
		Actors: actors{func(a *lab.Actor, n *int) { *n++; a.Step(); *n-- }, func(a *lab.Actor, n *int) { *n++; a.Step(); *n-- }},
		Always: func(n *int) error {
			if *n > 1 {
				return errors.New("two inside")
			}
			return nil
		},
	})
	if len(r.Turns) != 2 || r.Preempted != 1 {
		t.Errorf("two inside: %v", r)
	}

	calls := 0
	_, err := lab.Explore(t.Context(), lab.Exploration[int]{Actors: actors{quiet, func(a *lab.Actor, _ *int) {
		if calls++; calls == 1 {
			panic("once")
		}
	}}})
	if err == nil || !strings.Contains(err.Error(), "do not do the same again") {
		t.Errorf("actors that stray: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err = lab.Explore(ctx, lab.Exploration[int]{Actors: actors{polite, polite}, AtEnd: func(*int) error { cancel(); return nil }})
	if !errors.Is(err, context.Canceled) || r.Schedules != 1 || r.Complete {
		t.Errorf("cancelled: %v, %v", r, err)
	}

	bad := func(want string, ctx context.Context, test lab.Exploration[int], opts ...lab.ExploreOptions) {
		t.Helper()
		_, err := lab.Explore(ctx, test, opts...)
		wantUsage(t, err, want)
	}
	ok := lab.Exploration[int]{Actors: actors{quiet, quiet}}
	bad("lab.Explore: nil context: pass ctx, or context.Background()", nil, ok)
	bad("lab.Explore: no Actors: need 2 to 100", t.Context(), lab.Exploration[int]{})
	bad("lab.Explore: actor 1 of 2 is nil", t.Context(), lab.Exploration[int]{Actors: actors{quiet, nil}})
	bad("lab.Explore: Schedules -1: need zero or more", t.Context(), ok, lab.ExploreOptions{Schedules: -1})
	bad("lab.Explore: Turns -1: need zero or more", t.Context(), ok, lab.ExploreOptions{Turns: -1})
	bad("lab.Explore: 2 options: need at most one", t.Context(), ok, lab.ExploreOptions{}, lab.ExploreOptions{})
	wantMisuse(t, func() { new(lab.Actor).Step() }, "lab.Actor: an Actor that Explore did not make")
	wantMisuse(t, func() { new(lab.Actor).Until(nil) }, "lab.Actor.Until: nil function")
	wantMisuse(t, func() { new(lab.Actor).Lock(nil) }, "lab.Actor.Lock: nil lock")
}

func ExampleExplore() {
	type account struct{ balance int }
	deposit := func(a *lab.Actor, acc *account) {
		before := acc.balance
		a.Step() // another goroutine might come in between
		acc.balance = before + 1
	}
	found, err := lab.Explore(ctx, lab.Exploration[account]{
		Name:   "deposits",
		Actors: []func(*lab.Actor, *account){deposit, deposit},
		AtEnd: func(acc *account) error {
			if acc.balance != 2 {
				return fmt.Errorf("balance %d, want 2", acc.balance)
			}
			return nil
		},
	})
	fmt.Println(found.Broken, err)
	for _, turn := range found.Turns {
		fmt.Println("actor", turn.Actor)
	}
	// Output:
	// balance 1, want 2 <nil>
	// actor 1
	// actor 0
	// actor 0
	// actor 1
}
