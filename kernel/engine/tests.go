package engine

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"interleave/kernel/cell"
	"interleave/kernel/cell/hint"
	"interleave/kernel/cell/source"
	"interleave/kernel/engine/backend"
	"interleave/kernel/session"
	"interleave/kernel/toolchain/patched"
	"interleave/runtime/quantity"
)

// Tests, benchmarks, examples and fuzz targets of cells, which package testing runs as go test has it. Their
// functions are values of the session like others; the code that calls them belongs to a run of the cell, so
// that an interrupt, a panic and output are those of any cell.

// testFlags are the flags of go test that the magic takes.
var testFlags = []string{"bench", "benchmem", "benchtime", "count", "cpu", "failfast", "list", "parallel", "run", "short",
	"shuffle", "skip", "v"}

const testUsage = "%test -run RE -bench RE -v -count N -short -skip RE -failfast -timeout 10s -benchmem -args …"

// A suite is the functions that one magic runs.
type suite struct {
	kind        map[string]*testKind // by name of a function
	names       []string             // in the order in which they run
	tests       []testing.InternalTest
	benchmarks  []testing.InternalBenchmark
	fuzzTargets []testing.InternalFuzzTarget
	examples    []testing.InternalExample
	testMain    func(*testing.M)
}

// A testKind is what functions with a prefix are for.
type testKind struct {
	prefix string
	param  string // the type of the parameter; empty without a parameter
}

var testKinds = []*testKind{
	{"Test", "*testing.T"}, {"Benchmark", "*testing.B"}, {"Fuzz", "*testing.F"}, {"Example", ""},
}

var testMain = &testKind{"TestMain", "*testing.M"}

// testKindOf returns what a function's name makes it, nil for other functions.
func testKindOf(name string) *testKind {
	if name == "TestMain" {
		return testMain
	}
	for _, k := range testKinds {
		rest, ok := strings.CutPrefix(name, k.prefix)
		if ok && (rest == "" || strings.ToLower(rest[:1]) != rest[:1] || rest[0] < 'A') {
			return k
		}
	}
	return nil
}

// A testRun is one call of the magic.
type testRun struct {
	x       *execution
	s       source.Segment
	suite   *suite
	args    []string // of os.Args, behind the name
	timeout time.Duration
	bench   bool
	mu      sync.Mutex
	failed  []string    // top-level tests, in the order in which they ended
	inside  atomic.Bool // testing runs, so that os.Exit(0) is an error
	code    int
}

// test runs the test functions of the texts of a cell, or all of the session's if the cell has none.
func (x *execution) test(s source.Segment, texts []string) {
	if x.e.mode == backend.Yaegi {
		x.refuse(s, "%test needs the compiler: tests are functions, and the interpreter builds none", "Write %engine auto")
		return
	}
	t := &testRun{x: x, s: s}
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	patched.BeginTests(set, x.present())
	defer patched.EndTests()
	if !t.parse(set) {
		return
	}
	if t.suite = x.suite(s, texts); t.suite == nil || !t.values() {
		return
	}
	t.run()
}

// parse reads the magic's arguments.
func (t *testRun) parse(set *flag.FlagSet) bool {
	words, err := words(t.s.Args)
	if err != nil {
		t.x.refuse(t.s, "%test: "+err.Error(), "Close the quotation mark")
		return false
	}
	if i := slices.IndexFunc(words, func(w string) bool { return w == "-args" || w == "--args" }); i >= 0 {
		words, t.args = words[:i], words[i+1:]
	}
	flags := flag.NewFlagSet("%test", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.DurationVar(&t.timeout, "timeout", 0, "")
	for _, name := range testFlags {
		if f := set.Lookup("test." + name); f != nil {
			flags.Var(f.Value, name, f.Usage)
			flags.Var(f.Value, "test."+name, f.Usage)
		}
	}
	err = flags.Parse(words)
	flags.Visit(func(f *flag.Flag) { t.bench = t.bench || strings.TrimPrefix(f.Name, "test.") == "bench" })
	remedy := "Write " + testUsage
	switch {
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("%s is not a flag", flags.Arg(0))
		remedy = "%test -run " + flags.Arg(0) + " runs the tests whose names match; " + remedy
	case err != nil:
		if _, name, ok := strings.Cut(err.Error(), "not defined: -"); ok {
			err = fmt.Errorf("there is no flag -%s", name)
			switch near := hint.Nearest(name, append([]string{"timeout"}, testFlags...)); {
			case name == "fuzz":
				remedy = "%test runs the seeds of fuzz targets; go test -fuzz searches for more inputs"
			case name == "race":
				remedy = "cells are built without the race detector; go test -race has it"
			case strings.HasPrefix(name, "cover"):
				remedy = "cells are built without counters for coverage; go test -cover has them"
			case near != "":
				remedy = "Did you mean -" + near + "? " + remedy
			}
		}
	}
	if err != nil {
		t.x.refuse(t.s, "%test: "+err.Error(), remedy)
		return false
	}
	return true
}

// present returns the names of cells' files as the user knows them.
func (x *execution) present() func(string) string {
	names := map[string]string{}
	for _, r := range append(x.past, x.run) {
		maps.Copy(names, r.files())
	}
	return func(file string) string { return cmp.Or(names[file], file) }
}

// suite finds the test functions of the texts, or else of the session. It returns nil after it has failed the
// cell.
func (x *execution) suite(s source.Segment, texts []string) *suite {
	view := x.e.scope.View()
	var list []string
	for _, text := range texts {
		for _, name := range source.Functions(text) {
			if testKindOf(name) != nil {
				list = append(list, name)
			}
		}
	}
	if len(list) == 0 {
		for name, n := range view.Names {
			if testKindOf(name) != nil && isFunction(n) {
				list = append(list, name)
			}
		}
		slices.SortFunc(list, func(a, b string) int {
			m, n := view.Names[a], view.Names[b]
			return cmp.Or(cmp.Compare(m.Cell, n.Cell), cmp.Compare(m.From, n.From), cmp.Compare(a, b))
		})
	}
	su := &suite{kind: map[string]*testKind{}}
	for _, name := range list {
		n, ok := view.Names[name]
		if !ok || !isFunction(n) || su.kind[name] != nil {
			continue
		}
		k := testKindOf(name)
		if want, ok := signatureOf(n, k, name); !ok {
			x.refuse(s, fmt.Sprintf("%%test: %s in cell[%d] has a wrong signature", name, n.Cell), "It must be "+want)
			return nil
		}
		su.kind[name] = k
		su.names = append(su.names, name)
	}
	if len(su.names) == 0 {
		x.refuse(s, "%test: there are no tests, neither in this cell nor in the session",
			"Declare func TestName(t *testing.T) in this cell or in an earlier one")
		return nil
	}
	return su
}

// values gets the functions from the session, by an expression that lists them.
func (t *testRun) values() bool {
	su, view := t.suite, t.x.e.scope.View()
	v, ok := t.x.value(strings.Repeat("\n", t.s.Line-1)+"[]interface{}{"+strings.Join(su.names, ", ")+"}", nil)
	list, _ := v.([]any)
	for i, f := range list {
		t.add(su.names[i], f, view)
	}
	return ok
}

// value evaluates an expression of one value, or fails the cell. place corrects the places of errors; it may be nil.
func (x *execution) value(text string, place func(source.Diagnostics)) (v any, ok bool) {
	e := x.e
	p, err := e.check(x.cell.N, text)
	if ds, found := errors.AsType[source.Diagnostics](err); found && place != nil {
		place(ds)
	}
	if err != nil {
		x.failed(diagnosed(err))
		return nil, false
	}
	r := x.next()
	f, _, err := e.load(r, p, text)
	if err != nil {
		x.failed(e.buildFailed(err))
		return nil, false
	}
	if fail, replace := r.execute(f); fail != nil {
		x.done.Replace = replace
		x.failed(fail)
		return nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.values) == 1 {
		v, ok = r.values[0], true
	}
	r.values, r.shown = nil, false
	return v, ok
}

// add adds a function to the suite.
func (t *testRun) add(name string, v any, view *cell.View) {
	su := t.suite
	switch f := v.(type) {
	case func(*testing.T):
		su.tests = append(su.tests, testing.InternalTest{Name: name, F: func(tt *testing.T) {
			t.note(tt)
			f(tt)
		}})
	case func(*testing.B):
		su.benchmarks = append(su.benchmarks, testing.InternalBenchmark{Name: name, F: f})
	case func(*testing.F):
		su.fuzzTargets = append(su.fuzzTargets, testing.InternalFuzzTarget{Name: name, Fn: func(ff *testing.F) {
			t.note(ff)
			f(ff)
		}})
	case func(*testing.M):
		su.testMain = f
	case func():
		n := view.Names[name]
		if out, unordered, ok := source.ExampleOutput(n.Source[n.From:n.To]); ok { // others are compiled only
			su.examples = append(su.examples, testing.InternalExample{Name: name, F: f, Output: out, Unordered: unordered})
		}
	}
}

// note notes the name of a test that fails, at its end: its first cleanup function runs last, after parallel
// subtests.
func (t *testRun) note(tb testing.TB) {
	tb.Cleanup(func() {
		if tb.Failed() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.failed = append(t.failed, tb.Name())
		}
	})
}

// run calls package testing on the cell's goroutine and reports as go test does.
func (t *testRun) run() {
	x, e := t.x, t.x.e
	if len(t.suite.tests)+len(t.suite.examples)+len(t.suite.fuzzTargets) == 0 && !t.bench && t.suite.testMain == nil {
		x.notes([]string{fmt.Sprintf("%s here, and nothing else to test: %%test -bench . runs benchmarks",
			quantity.Plural(len(t.suite.benchmarks), "benchmark"))})
	}
	name := fmt.Sprintf("cell[%d]", x.cell.N)
	r := x.next()
	r.ranBy = backend.Compiled.String()
	m := testing.MainStart(testDeps{name}, t.suite.tests, t.suite.benchmarks, t.suite.fuzzTargets, t.suite.examples)
	argsBefore, procs := os.Args, runtime.GOMAXPROCS(0)
	os.Args = append([]string{programName + ".test"}, t.args...)
	if t.timeout > 0 {
		alarm := time.AfterFunc(t.timeout, func() {
			r.fail(&failure{name: session.FailureTest, value: fmt.Sprintf("the tests took longer than %s", quantity.Duration(t.timeout))})
		})
		defer alarm.Stop()
	}
	if t.bench {
		x.print("engine: %s\n", backend.Compiled)
		if !e.plain {
			x.print("note: %s than with go test -bench\n", gatedCode)
		}
	}
	began := time.Now()
	fail, replace := r.execute(func() { t.main(m) })
	e.reportUnawaited(r)
	took := time.Since(began)
	os.Args = argsBefore
	if runtime.GOMAXPROCS(0) != procs {
		runtime.GOMAXPROCS(procs)
	}
	x.done.Replace, x.done.Engine = replace, r.ranBy
	if fail != nil && fail.frames == nil {
		r.mu.Lock()
		fail.frames = r.stopped
		r.mu.Unlock()
	}
	t.verdict(name, fail, took)
}

// main is what the main function of a test binary does.
func (t *testRun) main(m *testing.M) {
	if !flag.Parsed() {
		flag.Parse()
	}
	t.inside.Store(true)
	if t.suite.testMain != nil {
		t.inside.Store(false) // TestMain may call os.Exit
		t.suite.testMain(m)
		t.code = int(reflect.ValueOf(m).Elem().FieldByName("exitCode").Int())
		return
	}
	t.code = m.Run()
	t.inside.Store(false)
}

// verdict writes the last line of go test, and fails the cell if a test has failed.
func (t *testRun) verdict(name string, fail *failure, took time.Duration) {
	x := t.x
	t.mu.Lock()
	failed := slices.Compact(slices.Clone(t.failed))
	t.mu.Unlock()
	value := "an example or a benchmark failed"
	if len(failed) > 0 {
		value = strings.Join(failed, ", ") + " failed"
	}
	exited := fail != nil && fail.name == session.FailureExit
	switch {
	case exited && fail.exitedZero && t.inside.Load():
		fail = &failure{name: session.FailureTest, value: "os.Exit(0) was called during a test", frames: fail.frames}
	case exited && fail.exitedZero:
		fail = nil
	case exited && len(failed) > 0 && t.suite.testMain != nil, fail == nil && t.code != 0:
		fail = &failure{name: session.FailureTest, value: value, lines: []string{bold + "FAIL: " + value + reset}}
	}
	if fail != nil {
		x.print("FAIL\t%s\t%.3fs\n", name, took.Seconds())
		x.failed(fail)
		return
	}
	x.print("ok  \t%s\t%.3fs\n", name, took.Seconds())
}

// testBelow is the form with two signs: it runs the code below it, then its tests.
func (x *execution) testBelow(s source.Segment) {
	segs := source.Segments(s.Text)
	x.segments(segs)
	if !x.done.OK || x.exited {
		return
	}
	var code []string
	for _, below := range segs {
		if below.Kind == source.GoCode {
			code = append(code, below.Text)
		}
	}
	x.test(s, code)
}
