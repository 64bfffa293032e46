//go:build unix

package unbroken

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"interleave/kernel/wire"
)

var (
	redefineRounds = flag.Int("redefine.rounds", 25, "how many definitions TestRedefinitions makes")
	redefineSeed   = flag.Uint64("redefine.seed", 1, "what TestRedefinitions begins its random choices with")
)

// What is defined before: functions and methods that call one another with addresses of their own variables and with strings that they convert,
// and goroutines that do so in loops. Every local variable is magic in its upper half, so that one whose place on a stack was taken by
// something else shows.
const redefinable = `import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)
const magic = 0xabcdef << 32
const text = "never to be written to"
type cup struct{ v int }
type able interface{ tell(p *int) int; weigh(p *int, b []byte) int }
type wider struct{ cup }
var mu sync.Mutex
var kept []*int
var texts [][]byte
var calls []func(int) int
func f0(p *int, b []byte, g func(int) int) int { return *p + 0 }
func f1(p *int, b []byte, g func(int) int) int { return f0(p, b, g) + 0 }
func f2(p *int, b []byte, g func(int) int) int { x := *p; return f1(&x, b, g) + 0 }
func f3(p *int, b []byte, g func(int) int) int { x := *p; r := f2(&x, []byte(text), func(y int) int { return y + x - *p }); if x != *p { return -1 }; return r }
func (c *cup) tell(p *int) int { return *p + 0 }
func (c cup) weigh(p *int, b []byte) int { return *p + 0 }
func called(n int) int { x := magic | n; r := f3(&x, []byte(text), func(y int) int { return y + x - magic - n }); if x != magic | n { return -2 }; return r - magic - n }
func told(a able, n int) int { x := magic | n; r := a.tell(&x) - magic - n; if x != magic | n { return -3 }; return r }
func weighed(a able, n int) int { x := magic | n; r := a.weigh(&x, []byte(text)) - magic - n; if x != magic | n { return -4 }; return r }
func direct(n int) int { x := magic | n; c := cup{}; r := c.tell(&x) + c.weigh(&x, []byte(text)) - 2 * x; if x != magic | n { return -5 }; return r }
var seen [4]atomic.Int64
var round atomic.Int64
func looping(i int, f func() int) {
	mine := round.Load()
	for round.Load() == mine {
		seen[i].Store(int64(f()))
		runtime.Gosched()
	}
}
func walker(i int) {
	mine := round.Load()
	for round.Load() == mine {
		x := magic | i
		seen[i].Store(int64(f3(&x, []byte(text), func(y int) int { return y + x - magic - i }) - x))
		time.Sleep(50 * time.Microsecond)
	}
}
func whole() string {
	runtime.GC()
	mu.Lock()
	defer mu.Unlock()
	for i, p := range kept {
		if *p >> 32 != 0xabcdef {
			return "kept pointer " + strconv.Itoa(i) + " points to " + strconv.FormatInt(int64(*p), 16)
		}
	}
	for i, b := range texts {
		if s := string(b); s[1:] != text[1:] || s[0] != 'n' && s[0] != 'X' {
			return "kept bytes " + strconv.Itoa(i) + " are " + s
		}
	}
	for i, g := range calls {
		if r := g(magic); r >> 32 != 0xabcdef {
			return "kept function " + strconv.Itoa(i) + " returns " + strconv.FormatInt(int64(r), 16)
		}
	}
	if text != "never to be written to" {
		return "a constant is " + text
	}
	kept, texts, calls = kept[:0], texts[:0], calls[:0]
	return "whole"
}`

// bodies are what a function may become: each returns *p and a number of its own more than what next, if it is called, returns for *p. Some keep
// what they are given, some write to it.
var bodies = []string{
	"return *p + %d",
	"mu.Lock(); kept = append(kept, p); mu.Unlock(); return *p + %d",
	"x := *p; mu.Lock(); kept = append(kept, &x); mu.Unlock(); return x + %d",
	"s := 0; for i := range 3 { s += i; runtime.Gosched() }; return *p + s - 3 + %d",
	"done := make(chan int, 1); done <- *p; return <-done + %d",
	"done := make(chan int); go func() { done <- *p }(); return <-done + %d",
	"defer func() { mu.Lock(); kept = append(kept[:0], p); mu.Unlock() }(); return *p + %d",
	"q := &p; *p += 1; **q -= 1; return *p + %d",
}

var bodiesWithBytes = []string{
	"b[0] = 'X'; return *p + %d",
	"mu.Lock(); texts = append(texts, b); mu.Unlock(); return *p + %d",
	"for i := range b { if b[i] == 0 { return 0 } }; return *p + %d",
}

var bodiesWithCalls = []string{
	"return g(*p) + %d",
	"mu.Lock(); calls = append(calls, g); mu.Unlock(); return g(*p) + %d",
	"defer g(1); return g(g(*p)) + %d",
}

// TestRedefinitions defines functions and methods again and again, in ways that callers must not be surprised by, while goroutines call them, with the
// garbage collector always at work and freed memory filled with what it cannot bear. All later calls must find the new definition, and running
// loops too, unless a note names them. make redefinitions does so 3 000 times.
func TestRedefinitions(t *testing.T) {
	t.Setenv("GOGC", "1")
	t.Setenv("GODEBUG", "clobberfree=1,invalidptr=1")
	k := start(t)
	must := func(code string) seen {
		t.Helper()
		s := k.run(code)
		if s.status != wire.OK {
			t.Fatalf("%s\n%s", code, s.said())
		}
		return s
	}
	must("%plot off")
	must(redefinable)
	must("a, w := able(&cup{}), able(&wider{})\nstored, method, expression := f0, a.tell, (*cup).tell")
	const loops = "round.Add(1)\ngo walker(0)\ngo looping(1, func() int { return told(a, 5) })\ngo looping(2, func() int { return weighed(w, 6) })\n" +
		"go func() { mine := round.Load(); for round.Load() == mine { seen[3].Store(int64(direct(7))); time.Sleep(time.Microsecond) } }()"
	must(loops)
	rng := rand.New(rand.NewPCG(*redefineSeed, 0))
	var f [4]int // what each adds
	tell, weigh, version, counts := 0, 0, 0, map[string]int{}
	old := regexp.MustCompile(`note: .*`)
	for range *redefineRounds {
		version++
		v := version
		all := append(append(append([]string{}, bodies...), bodiesWithBytes...), bodiesWithCalls...)
		var code string
		switch n := rng.IntN(6); {
		case n < 4:
			body := all[rng.IntN(len(all))]
			if n > 0 && rng.IntN(2) == 0 {
				body = fmt.Sprintf("x := *p; return f%d(&x, b, g) + %%d", n-1)
				f[n] = f[n-1] + v
			} else {
				f[n] = v
			}
			code = fmt.Sprintf("func f%d(p *int, b []byte, g func(int) int) int { %s }", n, fmt.Sprintf(body, v))
			// Of those above, the ones that call it follow; the test defines them again so that it knows what they add.
			for i := n + 1; i < 4; i++ {
				f[i] = f[i-1] + 1
				code += fmt.Sprintf("\nfunc f%d(p *int, b []byte, g func(int) int) int { x := *p; return f%d(&x, b, g) + 1 }", i, i-1)
			}
		case n == 4:
			tell = v
			code = fmt.Sprintf("func (c *cup) tell(p *int) int { %s }", fmt.Sprintf(bodies[rng.IntN(len(bodies))], v))
		default:
			weigh = v
			of := append(append([]string{}, bodies...), bodiesWithBytes...)
			code = fmt.Sprintf("func (c cup) weigh(p *int, b []byte) int { %s }", fmt.Sprintf(of[rng.IntN(len(of))], v))
		}
		notes := must(code).stderr
		t.Logf("%s\n%s", code, notes)
		for _, note := range old.FindAllString(notes, -1) {
			switch {
			case strings.Contains(note, "until"):
				counts["goroutines that run old code"]++
			case strings.Contains(note, "keep"):
				counts["values that keep old code"]++
			}
		}
		s := must("x := magic | 3\nfmt.Println(called(1), told(a, 2), told(w, 2), weighed(a, 3), weighed(w, 4), direct(5), f0(&x, []byte(text), func(y int) int { return y })-x, whole())")
		want := fmt.Sprintf("%d %d %d %d %d %d %d whole", f[3], tell, tell, weigh, weigh, tell+weigh, f[0])
		if strings.TrimSpace(s.stdout) != want {
			// Values in interfaces keep the type that they were made with when the type had to be built again, which a note says.
			if strings.Contains(notes, "of another type") {
				counts["types built again"]++
				must("a, w = &cup{}, &wider{}\nmethod, expression = a.tell, (*cup).tell")
				if s = must("fmt.Println(called(1), told(a, 2), told(w, 2), weighed(a, 3), weighed(w, 4), direct(5), f0(&x, []byte(text), func(y int) int { return y })-x, whole())"); strings.TrimSpace(s.stdout) == want {
					must(loops)
					continue
				}
			}
			t.Fatalf("after %s\ngot  %s\nwant %s\n%s", code, s.stdout, want, notes)
		}
		if strings.Contains(notes, "until") || strings.Contains(notes, "keep") {
			must(loops) // others instead
		}
		// The loops find it as well.
		now := must(fmt.Sprintf("func() string { for range 2000 { if seen[0].Load() == %d && seen[3].Load() == %d { return \"found\" }; time.Sleep(time.Millisecond) }; return fmt.Sprint(seen[0].Load(), \" \", seen[3].Load()) }()", f[3], tell+weigh))
		if now.result != "found" {
			counts["loops that do not follow"]++
			t.Errorf("after %s\nloops see %s, want %d %d\n%s", code, now.result, f[3], tell+weigh, notes)
			return
		}
		counts["loops that follow"]++
	}
	must("round.Add(1)")
	t.Logf("%d definitions: %v", *redefineRounds, counts)
}
