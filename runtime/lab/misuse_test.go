package lab_test

import (
	"context"
	"go/ast"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"interleave/runtime/lab"
)

// limited are types of parameters that no function can take every value of: a nil or a negative one is a mistake.
func limited(typ string) bool {
	return typ == "context.Context" || strings.HasPrefix(typ, "func(") || slices.Contains([]string{"time.Duration", "int", "int64", "float64", "[]func(context.Context) (T, error)"}, strings.TrimPrefix(typ, "..."))
}

// unlimited are exported names with such a parameter and no mistake to make.
var unlimited = map[string]string{
	"NewLocal":                "a nil function means the zero value",
	"Stats.EachTiming":        "called by figures",
	"Stats.EachSample":        "called by figures",
	"Scaling.EachTiming":      "called by figures",
	"Scaling.EachPoint":       "called by figures",
	"Comparison.EachTiming":   "called by figures",
	"LitmusTable.EachOutcome": "called by figures",
	"Stats.EachWarning":       "called by figures",
	"Comparison.EachWarning":  "called by figures",
	"Scaling.EachWarning":     "called by figures",
	"LitmusTable.EachWarning": "called by figures",
	"Stats.EachFloor":         "called by figures",
	"Comparison.EachFloor":    "called by figures",
	"Scaling.EachFloor":       "called by figures",
	"Lock.EachHold":           "called by figures",
	"RLock.EachHold":          "called by figures",
	"RWLock.EachHold":         "called by figures",
	"Semaphore.EachHold":      "called by figures",
}

// Every exported function with a parameter that has limits has a test which names its mistake: text of the form lab.Name: what is wrong.
func TestEveryMisuseIsTested(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	mistake := regexp.MustCompile(`"lab\.([A-Za-z.]+): `)
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mistake.FindAllSubmatch(b, -1) {
			tested[string(m[1])] = true
		}
	}
	pkg, _ := exported(t)
	checked := 0
	check := func(name string, f *ast.FuncType) {
		if strings.HasSuffix(name, "Any") || unlimited[name] != "" || !slices.ContainsFunc(f.Params.List, func(p *ast.Field) bool { return limited(types.ExprString(p.Type)) }) {
			return
		}
		if checked++; !tested[name] {
			t.Errorf("no test expects a mistake of lab.%s", name)
		}
	}
	for _, f := range pkg.Funcs {
		check(f.Name, f.Decl.Type)
	}
	for _, typ := range pkg.Types {
		for _, f := range typ.Funcs {
			check(f.Name, f.Decl.Type)
		}
		for _, m := range typ.Methods {
			check(typ.Name+"."+m.Name, m.Decl.Type)
		}
	}
	if checked < 80 {
		t.Errorf("only %d functions were checked", checked)
	}
}

// Mistakes that belong to no other test.
func TestMisuse(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var none context.Context
	second := func(_ any, err error) error { return err }
	one := func(context.Context) (int, error) { return 1, nil }
	server, err := lab.NewTestServer(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	rlock := lab.NewRLock()
	if err := rlock.Lock(ctx, "me"); err != nil {
		t.Fatal(err)
	}
	flight := lab.NewFlight(func(context.Context, any) (any, error) { return 1, nil })
	for want, err := range map[string]error{
		"lab.Subscription.Next: nil context: pass ctx, or context.Background()":           second(lab.NewBroadcast[int](lab.Block).Subscribe(1).Next(none)),
		"lab.RWLock.Lock: nil context: pass ctx, or context.Background()":                 lab.NewRWLock(lab.PreferReaders).Lock(none),
		"lab.TestServer.Warm: nil context: pass ctx, or context.Background()":             server.Warm(none),
		"lab.RLock.Lock: owner of type []int: need one that can be compared":              rlock.Lock(ctx, []int{1}),
		"lab.Flight.Get: key of type []int: need one that can be compared":                second(flight.Get(ctx, []int{1})),
		"lab.Flight.Get: the flight was never made: lab.NewFlight makes one":              second(new(lab.Flight[int, int]).Get(ctx, 1)),
		"lab.Task.Await: the task was never made: lab.Go makes one":                       second(new(lab.Task[int]).Await(ctx)),
		"lab.Map: the pool was never made: lab.NewPool makes one":                         second(lab.Map(ctx, new(lab.Pool), []int{1}, func(context.Context, int) (int, error) { return 1, nil })),
		"lab.Pool.Shutdown: the pool was never made: lab.NewPool makes one":               new(lab.Pool).Close(),
		"lab.Group.Wait: the group was never made: lab.NewGroup makes one":                new(lab.Group).Wait(),
		"lab.Barrier.Wait: the barrier was never made: lab.NewBarrier makes one":          second(new(lab.Barrier).Wait(ctx)),
		"lab.Cond.Wait: the condition was never made: lab.NewCond makes one":              new(lab.Cond).Wait(ctx),
		"lab.Limiter.Wait: the limiter was never made: lab.NewLimiter makes one":          new(lab.Limiter).Wait(ctx),
		"lab.Semaphore.Acquire: the semaphore was never made: lab.NewSemaphore makes one": new(lab.Semaphore).Acquire(ctx, 1),
	} {
		wantUsage(t, err, want)
	}
	for want, f := range map[string]func(){
		"lab.Exponential: mean -1 ns: need zero or more":                          func() { lab.Exponential(-1) },
		"lab.Queue.All: nil context: pass ctx, or context.Background()":           func() { lab.NewQueue[int](0).All(none) },
		"lab.Queue.Put: the queue was never made: lab.NewQueue makes one":         func() { new(lab.Queue[int]).Put(ctx, 1) },
		"lab.Queue.Get: the queue was never made: lab.NewQueue makes one":         func() { new(lab.Queue[int]).Get(ctx) },
		"lab.Local.With: nil context: pass ctx, or context.Background()":          func() { lab.NewLocal[int](nil).With(none, 1) },
		"lab.Bar.Add: -1: only 0 are done":                                        func() { lab.NewProgress("", 1).Add(-1) },
		"lab.TestServer.URLs: -1: need zero or more":                              func() { server.URLs(-1) },
		"lab.RLock.TryLock: owner of type []int: need one that can be compared":   func() { rlock.TryLock([]int{1}) },
		"lab.RLock.Unlock: owner of type []int: need one that can be compared":    func() { rlock.Unlock([]int{1}) },
		"lab.Flight.Forget: key of type []int: need one that can be compared":     func() { flight.Forget([]int{1}) },
		"lab.Submit: the pool was never made: lab.NewPool makes one":              func() { lab.Submit(ctx, new(lab.Pool), one) },
		"lab.Group.Go: the group was never made: lab.NewGroup makes one":          func() { new(lab.Group).Go(func(context.Context) error { return nil }) },
		"lab.Limiter.Allow: the limiter was never made: lab.NewLimiter makes one": func() { new(lab.Limiter).Allow() },
	} {
		wantMisuse(t, f, want)
	}
	rlock.Unlock("me") // the refused owners did it no harm
	if v, err := flight.Get(ctx, "k"); v != 1 || err != nil {
		t.Errorf("after a refused key: %v, %v", v, err)
	}
}
