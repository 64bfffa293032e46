package corpustest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/kernel/wire"
)

// A testFile is a file of tests that is run by the magic and by go test.
type testFile struct {
	name, code, flags string
	unordered         bool     // parallel tests end in any order
	err               []string // what the cell's error has
	differs           string   // why go test prints something else; then the output is compared to want
	want              string
	stderr            string // what go test has in its output, too
}

var testFiles = []testFile{
	{name: "passes", code: `func TestOne(t *testing.T) { t.Log("hidden") }
`},
	{name: "verbose", flags: "-v", code: `func TestOne(t *testing.T) {
	t.Log("shown", testing.Verbose(), testing.Short(), testing.Testing())
	t.Run("sub", func(t *testing.T) {
		t.Run("deeper", func(t *testing.T) { t.Skip("not now") })
	})
}
`},
	{name: "fails", err: []string{"TestBad, TestHelper, TestNow failed"}, code: `func TestGood(t *testing.T) {}

func TestBad(t *testing.T) {
	t.Run("sub", func(t *testing.T) { t.Errorf("got %d", 5) })
	t.Run("fine", func(t *testing.T) { t.Log("no") })
}

func check(t *testing.T, ok bool) {
	t.Helper()
	if !ok {
		t.Error("from a helper")
	}
}

func TestHelper(t *testing.T) {
	check(t, true)
	check(t, false)
}

func TestNow(t *testing.T) {
	defer t.Log("deferred")
	t.Fatal("at once")
	t.Log("never")
}
`},
	{name: "selected", flags: "-v -run Two/b -count 2 -short", code: `func TestOne(t *testing.T) { t.Error("not selected") }

func TestTwo(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) { t.Log(testing.Short()) })
	}
}
`},
	{name: "cleanup", flags: "-v", code: `func TestCleanup(t *testing.T) {
	t.Cleanup(func() { t.Log("first registered, last run") })
	t.Cleanup(func() { t.Log("last registered") })
	dir := t.TempDir()
	t.Setenv("CLEANUP_TEST", "set")
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Run("gone", func(t *testing.T) { t.Cleanup(func() { t.Log("sub") }) })
}
`},
	{name: "parallel", flags: "-v", unordered: true, code: `func TestGroup(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if i == 2 {
				t.Error("two")
			}
		})
	}
}
`, err: []string{"TestGroup failed"}},
	{name: "goroutine", err: []string{"TestGoroutine failed"}, code: `func TestGoroutine(t *testing.T) {
	done := make(chan bool)
	go func() {
		defer close(done)
		t.FailNow()
	}()
	<-done
	t.Log("continues")
}
`},
	{name: "main", flags: "-v", code: `func TestMain(m *testing.M) {
	fmt.Println("set up")
	code := m.Run()
	fmt.Println("take down", code)
	os.Exit(code)
}

func TestOne(t *testing.T) { t.Error("wrong") }
`, err: []string{"test failed: TestOne failed"}},
	{name: "main-returns", code: `func TestMain(m *testing.M) { m.Run() }

func TestMainReturns(t *testing.T) { t.Error("wrong") }
`, err: []string{"test failed: TestMainReturns failed"}},
	{name: "examples", flags: "-v", code: `func ExampleGood() {
	fmt.Println("hello")
	// Output: hello
}

func ExampleBad() {
	fmt.Println("hello")
	fmt.Println("you")
	// Output:
	// hello
	// world
}

func ExampleSorted() {
	for _, s := range []string{"b", "a"} {
		fmt.Println(s)
	}
	// Unordered output:
	// a
	// b
}

func ExampleNotRun() { panic("no output is stated") }
`, err: []string{"an example or a benchmark failed"}},
	{name: "fuzz", flags: "-v", code: `func FuzzSum(f *testing.F) {
	f.Add(1, "one")
	f.Add(2, "two")
	f.Fuzz(func(t *testing.T, n int, s string) {
		if n == 2 {
			t.Errorf("%q", s)
		}
	})
}
`, err: []string{"FuzzSum failed"}},
	{name: "arguments", flags: "-v -args -n 7 rest", code: `var n = flag.Int("n", 1, "")

func TestArguments(t *testing.T) { t.Log(*n, flag.Args()) }
`},
	{name: "none", flags: "-run Nothing", stderr: "testing: warning: no tests to run\n", code: `func TestOne(t *testing.T) {}
`},
	{name: "listed", flags: "-list .", code: `func TestOne(t *testing.T)      {}
func BenchmarkTwo(b *testing.B) {}
func FuzzThree(f *testing.F)    {}
`},
	{name: "failfast", flags: "-failfast -v", code: `func TestOne(t *testing.T) { t.Error("first") }
func TestTwo(t *testing.T) { t.Error("second") }
`, err: []string{"TestOne failed"}},
	{name: "synctest", flags: "-v", code: `func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		time.Sleep(time.Hour)
		t.Log(time.Since(began))
	})
}
`},
	{name: "panics", code: `func TestBefore(t *testing.T) {}

func TestPanics(t *testing.T) {
	t.Log("before")
	var m map[string]int
	m["a"] = 1
}

func TestNever(t *testing.T) { t.Error("not reached") }
`, err: []string{"panic: assignment to entry in nil map", "cell[1]:7 in TestPanics"},
		differs: "a test binary prints the panic in its output", want: `--- FAIL: TestPanics (T)
    cell[1]:5: before
FAIL	cell[1]	T
`},
	{name: "panics-beside-others", code: `func TestLoops(t *testing.T) {
	t.Parallel()
	for i := 0; ; i++ {
		if i < 0 {
			break
		}
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	panic("here")
}
`, err: []string{"panic: here", "cell[1]:13 in TestPanics"},
		differs: "a test binary prints the panic in its output", want: `--- FAIL: TestPanics (T)
FAIL	cell[1]	T
`},
	{name: "panics-in-a-seed", code: `func FuzzPanics(f *testing.F) {
	f.Add(1)
	f.Add(2)
	f.Fuzz(func(t *testing.T, n int) { panic(n) })
}
`, err: []string{"panic: 1"},
		differs: "a test binary prints the panic in its output", want: `--- FAIL: FuzzPanics (T)
    --- FAIL: FuzzPanics/seed#0 (T)
FAIL	cell[1]	T
`},
	{name: "exits", code: `func TestExits(t *testing.T) { os.Exit(0) }
`, err: []string{"os.Exit(0) was called during a test", "cell[1]:2 in TestExits"},
		differs: "a test binary prints a panic", want: `FAIL	cell[1]	T
`},
}

var (
	testTime = regexp.MustCompile(`\b\d+\.\d+s\b`)
	filePos  = regexp.MustCompile(`cells_test\.go:(\d+)`)
)

// timeless replaces the times in the output of tests.
func timeless(out string) string { return testTime.ReplaceAllString(out, "T") }

// TestGoTest runs tests in a cell and by go test: the output must be the same, but for times, and the place of a line
// of the cell.
func TestGoTest(t *testing.T) {
	k := Start(t, t.TempDir(), "auto", time.Minute)
	for i, f := range testFiles {
		t.Run(f.name, func(t *testing.T) {
			k.t = t
			got := k.Run("%test " + f.flags + "\n" + f.code)
			want := f.want
			if f.differs == "" {
				want = strings.Replace(askGoTest(t, f), f.stderr, "", 1)
			}
			cell := fmt.Sprintf("cell[%d]", i+1)
			seen := timeless(strings.ReplaceAll(got.Out, cell, "cell[1]"))
			if f.unordered {
				seen, want = sorted(seen), sorted(want)
			}
			if seen != want {
				t.Errorf("prints\n%s\nnot\n%s", seen, want)
			}
			if got.Stderr != f.stderr {
				t.Errorf("standard error is %q, want %q", got.Stderr, f.stderr)
			}
			if (got.Err != "") != (len(f.err) > 0) {
				t.Errorf("error %q, want %q", got.Err, f.err)
			}
			if miss := Missing(strings.Join(f.err, "\n"), strings.ReplaceAll(got.Err, cell, "cell[1]")); len(miss) > 0 {
				t.Errorf("the error lacks %q:\n%s", miss, got.Err)
			}
		})
	}
}

// sorted sorts lines, without those that depend on the order in which parallel tests run.
func sorted(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(l, "=== NAME") })
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// askGoTest runs a file's tests by go test, and returns what it prints with the places that they have in a cell
// below its magic.
func askGoTest(t *testing.T, f testFile) string {
	t.Helper()
	dir := t.TempDir()
	head := "package cells; import ("
	for _, path := range []string{"flag", "fmt", "os", "path/filepath", "testing", "testing/synctest", "time"} {
		name := path[strings.LastIndex(path, "/")+1:]
		if strings.Contains(f.code, name+".") {
			head += "\"" + path + "\"; "
		}
	}
	for name, text := range map[string]string{"go.mod": "module cells\n\ngo 1.26\n", "cells_test.go": head + ")\n" + f.code} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-vet=off", "-count=1"}, strings.Fields(f.flags)...)...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatal(err)
	}
	text := filePos.ReplaceAllString(string(out), "cell[1]:$1")
	text = strings.ReplaceAll(text, "\tcells\t", "\tcell[1]\t")
	text = strings.Replace(text, "exit status 1\n", "", 1)
	text = timeless(text)
	if rest, ok := strings.CutSuffix(text, "FAIL\n"); ok && strings.HasSuffix(rest, "T\n") {
		text = rest // the summary of all packages
	}
	return text
}

// TestTestMagic states which functions the magic takes, and how often it may run.
func TestTestMagic(t *testing.T) {
	k := Start(t, t.TempDir(), "auto", time.Minute)
	run := func(code, out, failure string) {
		t.Helper()
		got := k.Run(code)
		if seen := timeless(got.Out); !regexp.MustCompile("^(?:" + out + ")$").MatchString(seen) {
			t.Errorf("%s\nprints\n%s\nwhich does not match\n%s", code, seen, out)
		}
		if (got.Err == "") != (failure == "") || !strings.Contains(got.Err, failure) {
			t.Errorf("%s\nhas the error %q, not %q", code, got.Err, failure)
		}
	}
	ok := func(cell string) string { return `PASS\nok  \tcell\[` + cell + `\]\tT\n` }
	run("%test", "", "there are no tests, neither in this cell nor in the session")
	const first = "func TestFirst(t *testing.T) { t.Log(testing.Verbose(), limit) }\nvar limit = 1"
	run(first, "", "")
	run("%test -v", `=== RUN   TestFirst\n    cell\[2\]:1: true 1\n--- PASS: TestFirst \(T\)\n`+ok("3"), "")
	run("%%test -v\n"+first+"0", `=== RUN   TestFirst\n    cell\[2\]:1: true 10\n--- PASS: TestFirst \(T\)\n`+ok("4"), "") // the same text
	again := "func TestSecond(t *testing.T) {\n\tif testing.Verbose() || testing.Short() {\n\t\tt.Error(\"flags of an earlier run\")\n\t}\n" +
		"\tt.Errorf(\"got %d\", limit)\n}\n%test"
	for _, n := range []string{"5", "6"} { // the place is that of the cell that ran last
		run(again, `--- FAIL: TestSecond \(T\)\n    cell\[`+n+`\]:5: got 10\nFAIL\nFAIL\tcell\[`+n+`\]\tT\n`, "TestSecond failed")
	}
	run("%test -short -run First", ok("7"), "")
	run("limit = 2\n%test -run TestSecond", `--- FAIL: TestSecond \(T\)\n    cell\[5\]:5: got 2\nFAIL\nFAIL\tcell\[8\]\tT\n`, "TestSecond failed")
	run("%test -bench Sum -benchtime 3x\nfunc BenchmarkSum(b *testing.B) {\n\ts := 0\n\tfor b.Loop() {\n\t\ts++\n\t}\n}",
		`engine: compiled\n(?:note: .*\n)?goos: .*\ngoarch: .*\npkg: cell\[9\]\n(?:cpu: .*\n)?BenchmarkSum\S*\s+3\s.* ns/op\n`+ok("9"), "")
	run("%test\nfunc TestWrong(t testing.T) {}", "", "It must be func TestWrong(t *testing.T)")
	run("%forget TestWrong", "", "")
	run("%test -shrt", "", "Did you mean -short?")
	run("%test First", "", "%test -run First runs the tests whose names match")
	run("%test -fuzz X", "", "go test -fuzz searches for more inputs")
	run("%test -timeout 50ms -run Long\nfunc TestLong(t *testing.T) {\n\tfor i := 0; ; i++ {\n\t\tif i < 0 {\n\t\t\tbreak\n\t\t}\n\t}\n}",
		`--- FAIL: TestLong \(T\)\nFAIL\tcell\[15\]\tT\n`, "the tests took longer than 50 ms")
	run("%test -run First", ok("16"), "")
	run("%engine yaegi\n%test", `engine: yaegi\n`, "%test needs the compiler")
}

// TestTestInterrupted interrupts tests that loop, and others beside them that wait; the next tests run as ever.
func TestTestInterrupted(t *testing.T) {
	k := Start(t, t.TempDir(), "auto", time.Minute)
	code := `%test
func TestWaits(t *testing.T) {
	t.Parallel()
	t.Run("sub", func(t *testing.T) { t.Parallel(); <-t.Context().Done() })
}

func TestLoops(t *testing.T) {
	t.Parallel()
	started()
	for i := 0; ; i++ {
		if i < 0 {
			break
		}
	}
}

func started() { fmt.Println("loops") }`
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		reply, err := k.Client.Request(ctx, wire.Shell, wire.ExecuteRequest{Code: code, StoreHistory: true}, func(in wire.Incoming) {
			if c, err := wire.Parse(in.Message); err == nil {
				if text, ok := c.(wire.StreamText); ok && strings.Contains(text.Text, "loops") {
					go k.Client.Interrupt(ctx)
				}
			}
		})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(reply.Content), `"ename":"interrupted"`) {
			t.Errorf("the reply is %s", reply.Content)
		}
	}
	if got := k.Run("%test\nfunc TestAfter(t *testing.T) {}"); got.Err != "" || !strings.Contains(got.Out, "PASS") {
		t.Errorf("after an interrupt: %q, %q", got.Out, got.Err)
	}
}
