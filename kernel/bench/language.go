package main

import (
	"fmt"
	"strings"
)

// A language is the same cells in the language of one kernel.
type language struct {
	first   string             // an expression
	prepare string             // variables for step
	step    string             // a small line without a definition
	define  func(i int) string // a cell with a definition, different for each i
	callers func(n int) string // helper and n functions that call it
	helper  func(i int) string // helper again, with the same signature
	callAll string             // a call of one caller, the cell after helper
	output  string             // writes outputBytes
	fib     string             // fib(30), timed by itself: "took seconds"
	sum     string             // a sum loop of 10⁷
	sieve   string             // a sieve of 5·10⁶
}

const outputBytes = 50 << 20

var golang = language{
	first:   "1 + 1",
	prepare: "x := 0\nxs := []int{1, 2, 3}",
	step:    "x += len(xs)",
	define: func(i int) string {
		return fmt.Sprintf(`type rec%d struct{ a, b int }
func (r rec%[1]d) sum() int { return r.a + r.b + %[1]d }
rec%[1]d{1, 2}.sum()`, i)
	},
	callers: func(n int) string {
		var b strings.Builder
		b.WriteString("func helper(n int) int { return n }\n")
		for i := range n {
			fmt.Fprintf(&b, "func caller%d(n int) int { return helper(n) + %[1]d }\n", i)
		}
		return b.String()
	},
	helper:  func(i int) string { return fmt.Sprintf("func helper(n int) int { return n + %d }", i) },
	callAll: "caller499(1)",
	output: fmt.Sprintf(`{
	line := strings.Repeat("0123456789abcde", 69)[:1023] + "\n"
	w := bufio.NewWriterSize(os.Stdout, 1<<16)
	for range %d {
		w.WriteString(line)
	}
	w.Flush()
}`, outputBytes/1024),
	fib: `func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}
` + goTimed("fib(30)", "832040"),
	sum: `func sum(n int) (s int) {
	for i := 0; i < n; i++ {
		s += i
	}
	return s
}
` + goTimed("sum(10_000_000)", "49999995000000"),
	sieve: `func sieve(n int) (c int) {
	composite := make([]bool, n+1)
	for i := 2; i <= n; i++ {
		if composite[i] {
			continue
		}
		c++
		for j := i * i; j <= n; j += i {
			composite[j] = true
		}
	}
	return c
}
` + goTimed("sieve(5_000_000)", "348513"),
}

// goTimed prints the best of nine times of a call, whose value must be right.
func goTimed(call, want string) string {
	return fmt.Sprintf(`{
	best := time.Hour
	for range 9 {
		t0 := time.Now()
		v := %s
		best = min(best, time.Since(t0))
		if v != %s {
			panic(v)
		}
	}
	fmt.Println("took", best.Seconds())
}`, call, want)
}

var python = language{
	first:   "1 + 1",
	prepare: "x = 0\nxs = [1, 2, 3]",
	step:    "x += len(xs)",
	define: func(i int) string {
		return fmt.Sprintf(`class Rec%d:
    def __init__(self, a, b): self.a, self.b = a, b
    def sum(self): return self.a + self.b + %[1]d
Rec%[1]d(1, 2).sum()`, i)
	},
	callers: func(n int) string {
		var b strings.Builder
		b.WriteString("def helper(n): return n\n")
		for i := range n {
			fmt.Fprintf(&b, "def caller%d(n): return helper(n) + %[1]d\n", i)
		}
		return b.String()
	},
	helper:  func(i int) string { return fmt.Sprintf("def helper(n): return n + %d", i) },
	callAll: "caller499(1)",
	output: fmt.Sprintf(`import sys
line = ("0123456789abcde" * 69)[:1023] + "\n"
for _ in range(%d // 64):
    sys.stdout.write(line * 64)
sys.stdout.flush()`, outputBytes/1024),
	fib: "def fib(n): return n if n < 2 else fib(n-1) + fib(n-2)\n" + pyTimed("fib(30)", "832040"),
	sum: "def total(n):\n    s = 0\n    for i in range(n): s += i\n    return s\n" +
		pyTimed("total(10_000_000)", "49999995000000"),
	sieve: `def sieve(n):
    composite = bytearray(n + 1)
    c = 0
    for i in range(2, n + 1):
        if composite[i]: continue
        c += 1
        for j in range(i * i, n + 1, i): composite[j] = 1
    return c
` + pyTimed("sieve(5_000_000)", "348513"),
}

func pyTimed(call, want string) string {
	return fmt.Sprintf(`import time
best = 1e9
for _ in range(3):
    t0 = time.perf_counter()
    v = %s
    best = min(best, time.perf_counter() - t0)
    assert v == %s
print("took", best)`, call, want)
}
