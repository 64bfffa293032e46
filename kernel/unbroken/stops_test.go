//go:build unix

package unbroken

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/wire"
)

var (
	stopsRounds = flag.Int("stops.rounds", 4, "how often each loop of TestStops is interrupted")
	stopsSeed   = flag.Uint64("stops.seed", 1, "what TestStops begins its random moments with")
)

// A loop runs until it is interrupted. What must hold afterwards is asked in a cell of its own.
type loop struct {
	name string
	code string // the function loop, and what it needs
	ok   string // an expression that is true when nothing is torn, lost or locked

	blocks bool // when one of its goroutines ends another may wait for it for ever
	bare   bool // only code without looks at the stop flag keeps the promise
}

// Each loop can be left by its own code, as far as the compiler knows, through the variable never.
var loops = []loop{
	{"appended numbers", "var list []int\nfunc loop() {\n\tlist = nil\n\tfor i := 0; !never; i++ {\n\t\tif i%4096 == 0 {\n\t\t\tlist = nil\n\t\t}\n\t\tlist = append(list, i)\n\t}\n}",
		"slices.IsSorted(list) && (len(list) == 0 || list[0]%4096 == 0 && list[len(list)-1] == list[0]+len(list)-1)", false, false},
	{"appended structs", "type entry struct {\n\tname string\n\tdata []int\n\tany  any\n}\nvar entries []entry\nfunc loop() {\n\tentries = nil\n\tfor i := 0; !never; i++ {\n\t\tif i%512 == 0 {\n\t\t\tentries = nil\n\t\t}\n\t\tentries = append(entries, entry{fmt.Sprint(i), []int{i, i}, i})\n\t}\n}",
		"false == slices.ContainsFunc(entries, func(e entry) bool { return e.name != fmt.Sprint(e.any) || len(e.data) != 2 || e.data[0] != e.any.(int) })", false, false},
	{"interfaces", "var boxed any = 1\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tif i%2 == 0 {\n\t\t\tboxed = i\n\t\t} else {\n\t\t\tboxed = strconv.Itoa(i)\n\t\t}\n\t}\n}",
		"len(fmt.Sprint(boxed)) > 0", false, false},
	{"strings", "var text = \"\"\nfunc loop() {\n\tfor n := 0; !never; n++ {\n\t\ttext = strings.Repeat(string(rune('a'+n%26)), n%100)\n\t}\n}",
		"text == \"\" || strings.Count(text, text[:1]) == len(text)", false, false},
	{"slice headers", "var headers [4][]byte\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\theaders[i%4] = make([]byte, i%5000, i%5000+3)\n\t}\n}",
		"false == slices.ContainsFunc(headers[:], func(h []byte) bool { return h != nil && cap(h) < len(h)+3 })", false, false},
	{"an array of 64", "var whole [64]int\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tvar next [64]int\n\t\tfor k := range next {\n\t\t\tnext[k] = i\n\t\t}\n\t\twhole = next\n\t}\n}",
		"slices.Min(whole[:]) == slices.Max(whole[:])", false, false},
	{"structs with pointers", "type pair struct {\n\ta, b *int\n\tc    [20]*int\n}\nvar both pair\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tp := new(int)\n\t\t*p = i\n\t\tvar next pair\n\t\tnext.a, next.b = p, p\n\t\tfor k := range next.c {\n\t\t\tnext.c[k] = p\n\t\t}\n\t\tboth = next\n\t}\n}",
		"both.a == both.b && both.a == both.c[0] && both.a == both.c[19]", false, false},
	{"a map", "var squares = map[int]int{}\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tsquares[i%1000] = i % 1000 * (i % 1000)\n\t\tif i%77 == 0 {\n\t\t\tdelete(squares, i%1000)\n\t\t}\n\t}\n}",
		"func() bool { for k, v := range squares { if v != k*k { return false } }; return true }()", false, false},
	{"a map of slices", "var groups map[string][]int\nfunc loop() {\n\tgroups = map[string][]int{}\n\tfor i := 0; !never; i++ {\n\t\tk := strconv.Itoa(i % 50)\n\t\tgroups[k] = append(groups[k], i)\n\t\tif len(groups[k]) > 100 {\n\t\t\tdelete(groups, k)\n\t\t}\n\t}\n}",
		"func() bool { for k, v := range groups { if len(v) == 0 || strconv.Itoa(v[0]%50) != k || !slices.IsSorted(v) { return false } }; return true }()", false, false},
	{"a map with long keys", "var long = map[[8]string]int{}\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tvar k [8]string\n\t\tfor j := range k {\n\t\t\tk[j] = strconv.Itoa(i % 64)\n\t\t}\n\t\tlong[k]++\n\t}\n}",
		"func() bool { for k := range long { if k[0] != k[7] { return false } }; return len(long) <= 64 }()", false, false},
	{"lock, defer unlock", "var mu sync.Mutex\nvar first, second int\nfunc locked() {\n\tmu.Lock()\n\tdefer mu.Unlock()\n\tfirst++\n\tfor j := 0; j < 8; j++ {\n\t\tsink += j\n\t}\n\tsecond++\n}\nfunc loop() {\n\tfirst, second = 0, 0\n\tfor !never {\n\t\tlocked()\n\t}\n}",
		"func() bool { if !mu.TryLock() { return false }; mu.Unlock(); return first-second == 0 || first-second == 1 }()", false, false},
	{"lock, unlock", "var plain sync.Mutex\nvar up, down int\nfunc loop() {\n\tfor !never {\n\t\tplain.Lock()\n\t\tup++\n\t\tdown--\n\t\tplain.Unlock()\n\t}\n}",
		"func() bool { if !plain.TryLock() { return false }; plain.Unlock(); return up+down == 0 }()", false, false},
	{"lock, unlock in an endless loop", "var endless sync.Mutex\nvar gone int\nfunc loop() {\n\tfor {\n\t\tendless.Lock()\n\t\tgone++\n\t\tendless.Unlock()\n\t}\n}",
		"func() bool { if !endless.TryLock() { return false }; endless.Unlock(); return gone > 0 }()", false, false},
	{"RWMutex", "var rw sync.RWMutex\nvar reads int\nfunc read() int {\n\trw.RLock()\n\tdefer rw.RUnlock()\n\treturn reads\n}\nfunc write() {\n\trw.Lock()\n\tdefer rw.Unlock()\n\treads++\n}\nfunc loop() {\n\tfor !never {\n\t\tread()\n\t\twrite()\n\t}\n}",
		"func() bool { if !rw.TryLock() { return false }; rw.Unlock(); return true }()", false, false},
	{"open-coded defers", "var entered, left int\nfunc open(n int) (r int) {\n\tentered++\n\tdefer func() { left++ }()\n\tif n%2 == 0 {\n\t\tentered += 2\n\t\tdefer func() { left += 2 }()\n\t}\n\tfor j := 0; j < n%5; j++ {\n\t\tr += j\n\t}\n\tdefer func() { sink = r }()\n\treturn r + 1\n}\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\topen(i)\n\t}\n}",
		"entered == left", false, false},
	{"defers in loops", "var opened, closed int\nfunc many(n int) {\n\tfor range n {\n\t\topened++\n\t\tdefer func() { closed++ }()\n\t}\n}\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tmany(i % 20)\n\t}\n}",
		"opened == closed", false, false},
	{"recursion with defers", "var depth int\nfunc fib(n int) int {\n\tdepth++\n\tdefer func() { depth-- }()\n\tif n < 2 {\n\t\treturn n\n\t}\n\treturn fib(n-1) + fib(n-2)\n}\nfunc loop() {\n\tfor !never {\n\t\tsink = fib(15)\n\t}\n}",
		"depth == 0", false, false},
	{"recursion", "func tree(n int) int {\n\tif n == 0 {\n\t\treturn 1\n\t}\n\treturn tree(n-1) + tree(n-1)\n}\nfunc loop() { sink = tree(60) }", "true", false, false},
	{"panics and recover", "var recovered, thrown int\nfunc risky(n int) (err error) {\n\tdefer func() {\n\t\tif v := recover(); v != nil {\n\t\t\trecovered++\n\t\t\terr = fmt.Errorf(\"%v\", v)\n\t\t}\n\t}()\n\tif n%3 == 0 {\n\t\tthrown++\n\t\tpanic(n)\n\t}\n\treturn nil\n}\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\trisky(i)\n\t}\n}",
		"recovered == thrown", false, false},
	{"closures", "var steps, told int\nfunc loop() {\n\tadd := func(by int) func() { return func() { steps += by; told += by } }\n\tfor i := 0; !never; i++ {\n\t\tadd(i % 3)()\n\t}\n}",
		"steps == told", false, false},
	{"generics", "func mapped[T, U any](in []T, f func(T) U) (out []U) {\n\tfor _, x := range in {\n\t\tout = append(out, f(x))\n\t}\n\treturn out\n}\nvar words []string\nfunc loop() {\n\tin := []int{1, 2, 3, 4, 5, 6, 7, 8}\n\tfor !never {\n\t\twords = mapped(in, strconv.Itoa)\n\t}\n}",
		"len(words) == 0 || strings.Join(words, \"\") == \"12345678\"", false, false},
	{"channels", "var sent, received int\nfunc loop() {\n\tc := make(chan int, 4)\n\tgo func() {\n\t\tfor i := 0; !never; i++ {\n\t\t\tc <- i\n\t\t\tsent = i\n\t\t}\n\t}()\n\tfor !never {\n\t\treceived = <-c\n\t}\n}",
		"received-sent <= 6 && sent-received <= 6", true, false},
	{"select", "var ticks int\nfunc loop() {\n\ta, b := make(chan int, 1), make(chan int, 1)\n\tfor !never {\n\t\tselect {\n\t\tcase a <- 1:\n\t\tcase b <- 1:\n\t\tcase <-a:\n\t\t\tticks++\n\t\tcase <-b:\n\t\t\tticks++\n\t\t}\n\t}\n}", "ticks >= 0", false, false},
	{"floats", "var grid [16][16]float64\nfunc loop() {\n\tfor n := 1.0; !never; n++ {\n\t\tfor i := range grid {\n\t\t\tfor j := range grid[i] {\n\t\t\t\tgrid[i][j] = n * float64(i+j)\n\t\t\t}\n\t\t}\n\t}\n}",
		"func() bool { for i := range 16 { for j := range 16 { if i+j > 0 && math.Mod(grid[i][j], float64(i+j)) != 0 { return false } } }; return true }()", false, false},
	{"sort.Slice", "var sorted = rand.Perm(500)\nfunc loop() {\n\tfor !never {\n\t\tsort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })\n\t\tsort.Slice(sorted, func(i, j int) bool { return sorted[i] > sorted[j] })\n\t}\n}",
		"len(sorted) == 500", false, false},
	{"slices.SortFunc", "var shuffled = rand.Perm(500)\nfunc loop() {\n\tfor !never {\n\t\trand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })\n\t\tslices.SortFunc(shuffled, func(a, b int) int { return a - b })\n\t}\n}",
		"len(shuffled) == 500", false, false},
	{"an iterator with a lock", "var held sync.RWMutex\nvar seen int\nfunc numbers(n int) iter.Seq[int] {\n\treturn func(yield func(int) bool) {\n\t\theld.RLock()\n\t\tdefer held.RUnlock()\n\t\tfor i := range n {\n\t\t\tif !yield(i) {\n\t\t\t\treturn\n\t\t\t}\n\t\t}\n\t}\n}\nfunc loop() {\n\tfor !never {\n\t\tfor i := range numbers(100) {\n\t\t\tseen += i\n\t\t}\n\t}\n}",
		"func() bool { if !held.TryLock() { return false }; held.Unlock(); return true }()", false, false},
	{"Sprintf", "var shown string\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tshown = fmt.Sprintf(\"%d-%d\", i, i)\n\t}\n}",
		"func() bool { a, b, _ := strings.Cut(shown, \"-\"); return a == b }()", false, false},
	{"a tree", "type node struct {\n\tl, r *node\n\tv    int\n}\nfunc insert(t *node, v int) *node {\n\tif t == nil {\n\t\treturn &node{v: v}\n\t}\n\tif v < t.v {\n\t\tt.l = insert(t.l, v)\n\t} else {\n\t\tt.r = insert(t.r, v)\n\t}\n\treturn t\n}\nfunc (t *node) ordered(low, high int) bool {\n\treturn t == nil || low <= t.v && t.v < high && t.l.ordered(low, t.v) && t.r.ordered(t.v, high)\n}\nvar root *node\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tif i%200 == 0 {\n\t\t\troot = nil\n\t\t}\n\t\troot = insert(root, i*7919%1000)\n\t}\n}",
		"root.ordered(0, 1000)", false, false},
	{"goto and switch", "var state, turns int\nfunc loop() {\nagain:\n\tswitch state {\n\tcase 0:\n\t\tstate = 1\n\tcase 1:\n\t\tstate = 2\n\tdefault:\n\t\tstate = 0\n\t\tturns++\n\t}\n\tif never {\n\t\treturn\n\t}\n\tgoto again\n}", "state >= 0 && state < 3", false, false},
	{"atomics", "var total atomic.Int64\nfunc loop() {\n\tfor !never {\n\t\ttotal.Add(2)\n\t}\n}", "total.Load()%2 == 0", false, false},
	{"goroutines", "var children sync.WaitGroup\nvar born, died atomic.Int64\nfunc loop() {\n\tborn.Store(0)\n\tdied.Store(0)\n\tfor !never {\n\t\tfor range 4 {\n\t\t\tborn.Add(1)\n\t\t\tchildren.Go(func() {\n\t\t\t\tdefer died.Add(1)\n\t\t\t\tfor i := 0; i < 1000; i++ {\n\t\t\t\t\tsink += i\n\t\t\t\t}\n\t\t\t})\n\t\t}\n\t\tchildren.Wait()\n\t}\n}",
		"func() bool { children.Wait(); return born.Load()-died.Load() <= 5 }()", false, false},
	{"sync.Map, Once and Pool", "var pool = sync.Pool{New: func() any { return new(int) }}\nvar shared sync.Map\nfunc loop() {\n\tfor i := 0; !never; i++ {\n\t\tvar once sync.Once\n\t\tp := pool.Get().(*int)\n\t\tonce.Do(func() { *p = i })\n\t\tshared.Store(i%100, *p)\n\t\tpool.Put(p)\n\t}\n}",
		"func() (ok bool) { ok = true; shared.Range(func(k, v any) bool { ok = ok && v.(int)%100 == k.(int); return ok }); return ok }()", false, false},
	{"select with default", "var polled atomic.Int64\nvar quit chan bool\nfunc loop() {\n\tfor {\n\t\tselect {\n\t\tcase <-quit:\n\t\t\treturn\n\t\tdefault:\n\t\t\tpolled.Add(1)\n\t\t\tpolled.Add(1)\n\t\t}\n\t}\n}", "polled.Load()%2 == 0", false, false},
	{"a range over a channel", "var taken, given int\nfunc loop() {\n\ttaken, given = 0, 0\n\tc := make(chan int, 1)\n\tc <- 0\n\tfor v := range c {\n\t\ttaken++\n\t\tc <- v + 1\n\t\tgiven++\n\t}\n}", "taken == given", false, false},
	{"compare and swap", "var flag atomic.Int32\nfunc loop() {\n\tflag.Store(1)\n\tfor !flag.CompareAndSwap(0, 1) {\n\t\truntime.Gosched()\n\t}\n}", "flag.Load() == 1", false, false},
	{"a spin lock of its own", "type spinning struct{ held atomic.Bool }\nfunc (s *spinning) try() bool { return s.held.CompareAndSwap(false, true) }\nvar spinner spinning\nvar spins int\nfunc loop() {\n\tspinner.held.Store(true)\n\tfor {\n\t\tfor !spinner.try() {\n\t\t\tspins++\n\t\t}\n\t\tspinner.held.Store(false)\n\t}\n}",
		"spins > 0 && spinner.held.Load()", false, false},
	{"a loop in a deferred call", "var finished, begun int\nfunc deferred() {\n\tbegun++\n\tdefer func() {\n\t\tfor i := 0; i < 2000; i++ {\n\t\t\tsink += i\n\t\t}\n\t\tfinished++\n\t}()\n}\nfunc loop() {\n\tfor !never {\n\t\tdeferred()\n\t}\n}",
		"begun == finished", false, true},
}

// TestStops interrupts loops of many kinds at random moments, under a garbage collector that is always at work and marks what it frees. A loop must stop,
// and leave everything as its text says. make stops does so 30 000 times.
func TestStops(t *testing.T) {
	t.Setenv("GOGC", "1")
	t.Setenv("GODEBUG", "clobberfree=1,invalidptr=1")
	k := start(t)
	k.declare()
	k.run("%plot off")
	if s := k.run("import (\n\t\"iter\"\n\t\"math\"\n\t\"math/rand\"\n\t\"slices\"\n\t\"sort\"\n\t\"strconv\"\n\t\"strings\"\n\t\"sync\"\n\t\"sync/atomic\"\n)\nvar never bool\nvar sink int"); s.status != wire.OK {
		t.Fatal(s.said())
	}
	// An earlier cell's goroutine meets the breakpoints, too: at a jump and at a call.
	if s := k.run("var relayed, misread atomic.Int64\nfunc relay() {\n\tc := make(chan int, 1)\n\tc <- 0\n\tnext := 0\n\tfor v := range c {\n\t\tif v != next {\n\t\t\tmisread.Add(1)\n\t\t}\n" +
		"\t\tnext++\n\t\tc <- v + 1\n\t\tif relayed.Add(1)%100 == 0 {\n\t\t\ttime.Sleep(time.Millisecond)\n\t\t}\n\t}\n}\ngo relay()"); s.status != wire.OK {
		t.Fatal(s.said())
	}
	bare := hosttest.Plain(t, hosttest.Host(t))
	rng := rand.New(rand.NewPCG(*stopsSeed, 0))
	var all []time.Duration
	steps := map[string]int{}
	for _, l := range loops {
		t.Run(l.name, func(t *testing.T) {
			defer k.on(t)()
			if s := k.run(l.code); s.status != wire.OK {
				t.Fatal(s.said())
			}
			for range *stopsRounds {
				var asked time.Time
				s := k.runUntil("fmt.Println(\"ready\")\nloop()", func(ctx context.Context) {
					time.Sleep(time.Duration(rng.IntN(400)) * time.Microsecond)
					asked = time.Now()
					k.interrupt(ctx)
				})
				all = append(all, time.Since(asked))
				_, step, _ := strings.Cut(s.err, "interrupted: the cell was interrupted: ")
				if steps[step]++; s.status != wire.Error || step != "it was stopped at its next loop or call" && !(l.blocks && strings.Contains(step, "given up")) {
					t.Errorf("%s", s.said())
				}
				if s := k.run(l.ok); s.result != "true" && (!l.bare || bare) {
					t.Fatalf("%s is not true\n%s", l.ok, s.said())
				}
			}
		})
	}
	if s := k.run("before := relayed.Load()\nfor relayed.Load() < before+1000 {\n\ttime.Sleep(time.Millisecond)\n}\nmisread.Load()"); s.result != "0" {
		t.Errorf("a goroutine that was not to be stopped:\n%s", s.said())
	}
	slices.Sort(all)
	t.Logf("%d interrupts: %v; answered after %v at the median, %v at the 95th percentile, %v at the 99th", len(all), steps,
		all[len(all)/2], all[len(all)*95/100], all[len(all)*99/100])
}
