//go:build unix

package unbroken

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"interleave/kernel/wire"
)

// A crash is a cell that ends badly.
type crash struct {
	name, code string
	err        string // a pattern for name: value
	at         int    // the first line of the cell that the traceback names; -1: it names one
	fatal      bool   // takes the variables with it
}

// smallStack makes stacks overflow in a tenth of a second instead of ten.
const smallStack = "debug.SetMaxStack(64 << 20)\n"

// crashes that Go recovers from, or that end a process: after none of them the session starts anew unless it says so.
var crashes = []crash{
	{"panic", "x := 1\npanic(fmt.Sprint(\"no \", x))", `^panic: no 1$`, 2, false},
	{"panic in a function", "func boom(n int) int {\n\tif n == 0 {\n\t\tpanic(\"down\")\n\t}\n\treturn boom(n-1) + 1\n}\nboom(3)", `^panic: down$`, 3, false},
	{"panic with an error", "panic(fmt.Errorf(\"wrapped: %w\", io.EOF))", `^panic: wrapped: EOF$`, 1, false},
	{"panic in a deferred call", "func() {\n\tdefer func() {\n\t\tpanic(\"late\")\n\t}()\n}()", `^panic: late$`, 3, false},
	{"panic again", "func() {\n\tdefer func() {\n\t\tpanic(fmt.Sprint(\"again \", recover()))\n\t}()\n\tpanic(1)\n}()", `^panic: again 1$`, 3, false},
	{"index", "s := []int{1}\ni := 5\ns[i]", `^panic: (runtime error: )?index out of range \[5\] with length 1$`, 3, false},
	{"nil pointer", "var p *point\np.move(1)", `^panic: runtime error: invalid memory address or nil pointer dereference$`, 2, false},
	{"divide", "zero := 0\nfmt.Println(1 / zero)", `^panic: runtime error: integer divide by zero$`, 2, false},
	{"conversion", "var a any = \"s\"\na.(point).sum()", `^panic: interface conversion: interface \{\} is string, not main\.point$`, 2, false},
	{"nil map write", "var m map[string]int\nm[\"a\"] = 1", `^panic: assignment to entry in nil map$`, 2, false},
	{"closed channel", "ch := make(chan int)\nclose(ch)\nclose(ch)", `^panic: close of closed channel$`, 3, false},
	{"negative WaitGroup", "var wg sync.WaitGroup\nwg.Done()", `^panic: sync: negative WaitGroup counter$`, 2, false},

	{"panic in go", "done := make(chan bool)\ngo func() {\n\tpanic(\"alone\")\n}()\n<-done", `^panic: alone$`, 3, false},
	{"panic in go of a function", "func worker(n int) {\n\tpanic(n)\n}\ngo worker(4)\nselect {}", `^panic: 4$`, 2, false},
	{"panic in wg.Go", "var wg sync.WaitGroup\nwg.Go(func() {\n\tpanic(\"in a group\")\n})\nwg.Wait()", `^panic: in a group$`, 3, false},
	{"panic in time.AfterFunc", "done := make(chan bool)\ntime.AfterFunc(time.Millisecond, func() {\n\tpanic(\"timed\")\n})\n<-done", `^panic: timed$`, 3, false},
	{"panic in context.AfterFunc", "sub, end := context.WithCancel(ctx)\ncontext.AfterFunc(sub, func() {\n\tpanic(\"after\")\n})\nend()\nselect {}", `^panic: after$`, 3, false},
	{"panic in lab.Go", "task := lab.Go(ctx, func(context.Context) (int, error) {\n\tpanic(\"task\")\n})\nn, err := task.Await(ctx)\nif err != nil {\n\tpanic(err)\n}\nn", `^panic: .*task.*cell\[\d+\]:1`, 6, false},
	{"goexit", "fmt.Println(1)\nruntime.Goexit()", `^goexit: runtime.Goexit ended the cell's goroutine$`, 2, false},
	{"goexit in a function", "func leave() {\n\tdefer func() { recover() }()\n\truntime.Goexit()\n}\nfor range 3 {\n\tleave()\n}", `^goexit: `, 3, false},

	{"os.Exit", "fmt.Println(1)\nos.Exit(3)", `^exit: os\.Exit\(3\)$`, 2, false},
	{"os.Exit in a function", "func quit() {\n\tdefer fmt.Println(\"deferred\")\n\tos.Exit(4)\n}\nfor range 2 {\n\tquit()\n}", `^exit: os\.Exit\(4\)$`, 3, false},
	{"os.Exit in go", "done := make(chan bool)\ngo func() {\n\tdefer close(done)\n\tos.Exit(5)\n}()\n<-done\nfmt.Println(\"went on\")", `^exit: os\.Exit\(5\)$`, 4, false},
	{"os.Exit in go while main burns", "go func() {\n\tos.Exit(6)\n}()\nfor {\n}", `^exit: os\.Exit\(6\)$`, 2, false},
	{"log.Fatal", "log.SetFlags(0)\nlog.Fatal(\"enough\")", `^exit: os\.Exit\(1\)$`, 2, false},
	{"log.Fatalf in a goroutine", "var wg sync.WaitGroup\nwg.Go(func() {\n\tlog.Fatalf(\"%d\", 1)\n})\nwg.Wait()", `^exit: os\.Exit\(1\)$`, 3, false},

	{"syntax error", "fmt.Println(1\nx := := 2", `^syntax error: `, 1, false},
	{"unfinished cell", "for i := range 3 {", `^syntax error: `, 1, false},
	{"type error", "n := 1\nvar s string = n + 1", `^type error: `, 2, false},
	{"unknown name", "fmt.Println(1)\nnowhere(2)", `^type error: .*undefined: nowhere`, 2, false},
	{"refused import", "import \"example.com/nothing\"\nnothing.Do()", `example\.com/nothing`, 1, false},
	{"unknown magic", "%nothing", `nothing`, 1, false},

	{"concurrent map writes", "shared := map[int]int{}\nvar wg sync.WaitGroup\nfor range 4 {\n\twg.Go(func() {\n\t\tfor {\n\t\t\tshared[1]++\n\t\t}\n\t})\n}\nwg.Wait()", `^session died: fatal error: concurrent map`, 6, true},
	{"concurrent map writes in a function", "func race(m map[int]int) {\n\tvar wg sync.WaitGroup\n\tdefer wg.Wait()\n\tfor range 4 {\n\t\twg.Go(func() {\n\t\t\tfor {\n\t\t\t\tm[1]++\n\t\t\t}\n\t\t})\n\t}\n}\nrace(map[int]int{})", `^session died: fatal error: concurrent map`, 7, true},
	{"stack overflow", smallStack + "func deep(n int) int {\n\treturn deep(n+1) + 1\n}\ndeep(0)", `^stack overflow: calls are nested [\d\x{2009}]+ deep, and the goroutine's stack has no room for more$`, 2, false},
	{"stack overflow in go", smallStack + "func deeper(n int) int {\n\treturn deeper(n+1) + 1\n}\ngo deeper(0)\nselect {}", `^stack overflow: calls are nested `, 2, false},
	{"stack overflow that is recovered", smallStack + "func recovering(n int) int {\n\tdefer func() { recover() }()\n\treturn recovering(n+1) + 1\n}\nrecovering(0)", `^stack overflow: calls are nested `, 4, false},
	{"stack overflow between functions", smallStack + "func ping(n int) int {\n\treturn pong(n+1) + 1\n}\nfunc pong(n int) int { return ping(n) }\nping(0)", `^stack overflow: calls are nested `, -1, false},
	{"a value that contains itself is printed", smallStack + "tree := map[string]any{}\ntree[\"tree\"] = tree\nfunc show() { fmt.Println(tree) }\nshow()", `^stack overflow: fmt\.Println was given a value that contains itself: calls are nested `, 4, false},
	{"a value that contains itself is printed by the interpreter", smallStack + "again := []any{nil}\nagain[0] = again\nfmt.Println(again)", `^stack overflow: fmt\.Println was given a value that contains itself: `, 4, false},
	{"stack overflow through reflect", smallStack + "var reflected func(int) int\nreflected = func(n int) int {\n\treturn int(reflect.ValueOf(reflected).Call([]reflect.Value{reflect.ValueOf(n + 1)})[0].Int()) + 1\n}\nreflected(0)", `^stack overflow: calls are nested `, -1, false},
	{"stack overflow beside calls that reach deeper", smallStack + "memo := map[int]int{}\nvar loaded sync.Map\nfunc remember(n int) int {\n\tmemo[n] = n\n\tloaded.Load(n)\n\treturn remember(n+1) + 1\n}\nremember(0)", `^stack overflow: calls are nested `, -1, false},
	{"a Stringer that prints itself", smallStack + "type talk struct{ n int }\nfunc (t talk) String() string {\n\treturn fmt.Sprint(t)\n}\nfmt.Println(talk{1})", `^stack overflow: calls are nested `, 4, false},
	{"unlock of unlocked mutex", "var mu sync.Mutex\nmu.Unlock()", `^session died: fatal error: sync: unlock of unlocked mutex$`, 2, true},
	{"runlock of unlocked mutex", "var mu sync.RWMutex\nfunc release() {\n\tmu.RUnlock()\n}\nrelease()", `^session died: fatal error: sync: RUnlock of unlocked RWMutex$`, 3, true},
	{"kill", "p, err := os.FindProcess(os.Getpid())\np.Kill(); select {}", `^session died: the session process was killed by signal 9 \(killed\)`, 2, true},
	{"abort", "syscall.Kill(os.Getpid(), syscall.SIGABRT); select {}", `^session died: SIGABRT: abort`, 1, true},
	{"syscall.Exit", "syscall.Exit(9)", `^session died: the session process ended: exit status 9$`, 1, true},
	{"syscall.Exit in a function", "func gone() { syscall.Exit(9) }\nx := 1\nif x > 0 {\n\tgone()\n}", `^session died: the session process ended: exit status 9$`, 3, true},
	{"syscall.Exit before a goroutine's end", "x := 1\nvar wg sync.WaitGroup\nwg.Go(func() { syscall.Exit(x) })\nfor { wg.Wait(); select {} }", `^session died: the session process ended: exit status 1$`, -1, true},
}

func TestCrashes(t *testing.T) {
	t.Parallel()
	for i, group := range halves(crashes) {
		t.Run([]string{"first kernel", "second kernel"}[i], func(t *testing.T) {
			t.Parallel()
			k := start(t)
			k.declare()
			k.keep()
			for _, c := range group {
				t.Run(c.name, func(t *testing.T) {
					defer k.on(t)()
					s := k.run(c.code)
					k.check(s, c)
					k.whole(s, c.fatal)
				})
			}
		})
	}
}

// check expects that a cell failed as c says.
func (k *kernel) check(s seen, c crash) {
	k.t.Helper()
	if s.status != wire.Error || !regexp.MustCompile(c.err).MatchString(s.err) {
		k.t.Errorf("error %q, want %s\n%s", s.err, c.err, s.said())
		return
	}
	_, value, _ := strings.Cut(s.err, ": ")
	if cause, _, _ := strings.Cut(value, " ("); !strings.Contains(s.trace, cause) {
		k.t.Errorf("the traceback does not tell the cause: %s", s.said())
	}
	k.at(s, c.at)
	if strings.Contains(s.said(), "Ⱶ") {
		k.t.Errorf("names are not as written: %s", s.said())
	}
}

// at expects that the first line of cell s that a line of its traceback begins with is line; -1 is any.
func (k *kernel) at(s seen, line int) {
	k.t.Helper()
	first := ""
	for l := range strings.Lines(s.trace) {
		if strings.HasPrefix(l, fmt.Sprintf("cell[%d]:", s.n)) {
			first = regexp.MustCompile(`^cell\[\d+\]:\d+`).FindString(l)
			break
		}
	}
	if want := fmt.Sprintf("cell[%d]:%d", s.n, line); first == "" || line >= 0 && first != want {
		k.t.Errorf("the traceback begins at %q, want %s\n%s", first, want, s.said())
	}
}
