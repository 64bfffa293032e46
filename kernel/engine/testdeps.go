package engine

import (
	"errors"
	"fmt"
	"go/types"
	"io"
	"reflect"
	"regexp"
	"runtime/pprof"
	"time"

	"interleave/kernel/cell"
)

// testDeps is what package testing asks of the program that runs tests. The path of the package is the name
// of the cell.
type testDeps struct{ path string }

// A corpusEntry is one input of a fuzz target, as package testing has it.
type corpusEntry = struct {
	Parent     string
	Path       string
	Data       []byte
	Values     []any
	Generation int
	IsSeed     bool
}

func (d testDeps) ImportPath() string { return d.path }
func (testDeps) ModulePath() string   { return "" }

func (testDeps) MatchString(pattern, text string) (bool, error) {
	return regexp.MatchString(pattern, text)
}

func (testDeps) SetPanicOnExit0(bool)              {}
func (testDeps) StartCPUProfile(w io.Writer) error { return pprof.StartCPUProfile(w) }
func (testDeps) StopCPUProfile()                   { pprof.StopCPUProfile() }
func (testDeps) StartTestLog(io.Writer)            {}
func (testDeps) StopTestLog() error                { return nil }
func (testDeps) ResetCoverage()                    {}
func (testDeps) SnapshotCoverage()                 {}

func (testDeps) WriteProfileTo(name string, w io.Writer, debug int) error {
	return pprof.Lookup(name).WriteTo(w, debug)
}

var errFuzzing = errors.New("cells run the seeds of fuzz targets; go test -fuzz searches for more inputs")

func (testDeps) CoordinateFuzzing(time.Duration, int64, time.Duration, int64, int, []corpusEntry, []reflect.Type,
	string, string) error {
	return errFuzzing
}

func (testDeps) RunFuzzWorker(func(corpusEntry) error) error { return errFuzzing }

// ReadCorpus returns no files: the seeds of a cell are those that it adds.
func (testDeps) ReadCorpus(string, []reflect.Type) ([]corpusEntry, error) { return nil, nil }

// CheckCorpus compares the arguments of Add with the parameters of the fuzz function.
func (testDeps) CheckCorpus(values []any, want []reflect.Type) error {
	if len(values) != len(want) {
		return fmt.Errorf("wrong number of values in corpus entry: %d, want %d", len(values), len(want))
	}
	for i, v := range values {
		if reflect.TypeOf(v) != want[i] {
			return fmt.Errorf("mismatched types in corpus entry: %v, want %v", reflect.TypeOf(v), want[i])
		}
	}
	return nil
}

func (testDeps) InitRuntimeCoverage() (mode string, tearDown func(string, string) (string, error), snapshot func() float64) {
	return "", nil, nil
}

func isFunction(n cell.Name) bool {
	_, ok := n.Object.(*types.Func)
	return ok
}

// signatureOf returns how a test function must be declared, and whether it is.
func signatureOf(n cell.Name, k *testKind, name string) (want string, ok bool) {
	sig := n.Object.(*types.Func).Signature()
	ok = sig.Results().Len() == 0 && sig.TypeParams().Len() == 0
	if k.param == "" {
		return "func " + name + "()", ok && sig.Params().Len() == 0
	}
	ok = ok && sig.Params().Len() == 1 && !sig.Variadic() && types.TypeString(sig.Params().At(0).Type(), nil) == k.param
	letter := map[string]string{"*testing.T": "t", "*testing.B": "b", "*testing.F": "f", "*testing.M": "m"}[k.param]
	return fmt.Sprintf("func %s(%s %s)", name, letter, k.param), ok
}
