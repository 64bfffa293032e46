package modules_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"interleave/kernel/engine/corpustest"
)

// Modules that many programs use, fetched from a module proxy and called in cells. The versions are pinned, so
// that the test does not depend on the day.
func TestWellKnownModules(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles many packages")
	}
	cmd := exec.Command("go", "list", "-m", "github.com/google/uuid@v1.6.0")
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no module proxy answers: %s", out)
	}
	k := corpustest.Start(t, t.TempDir(), "auto", 10*time.Minute)
	run(t, k, step{"%get -pin " + strings.Join([]string{
		"github.com/rs/zerolog@v1.35.1", "github.com/sourcegraph/conc@v0.3.0", "go.uber.org/ratelimit@v0.3.1",
		"modernc.org/sqlite@v1.62.0", "github.com/spf13/cobra@v1.10.2", "github.com/samber/lo@v1.53.0",
		"github.com/wcharczuk/go-chart/v2@v2.1.2", "github.com/prometheus/client_golang@v1.24.0",
		"github.com/google/uuid@v1.6.0", "github.com/stretchr/testify@v1.12.1", "github.com/expr-lang/expr@v1.17.8",
	}, ", "), ""})
	for _, c := range []struct{ name, code, want string }{
		{"logging", `import "github.com/rs/zerolog"
l := zerolog.New(os.Stdout)
l.Info().Str("a", "b").Int("n", 3).Msg("hello")`, `{"level":"info","a":"b","n":3,"message":"hello"}`},
		{"pool", `import "github.com/sourcegraph/conc/pool"
p := pool.NewWithResults[int]().WithMaxGoroutines(3)
for i := range 5 { p.Go(func() int { return i * i }) }
squares := p.Wait()
slices.Sort(squares)
squares`, "[0 1 4 9 16]"},
		{"rate limiter", `import "go.uber.org/ratelimit"
rl := ratelimit.New(100)
begin := time.Now()
for range 6 { rl.Take() }
time.Since(begin) >= 45*time.Millisecond`, "true"},
		{"database", `import _ "modernc.org/sqlite"
db, err := sql.Open("sqlite", ":memory:")
if err == nil { _, err = db.Exec("create table t (a int); insert into t values (1), (2), (3)") }
var sum int
if err == nil { err = db.QueryRow("select sum(a) from t").Scan(&sum) }
fmt.Println(sum, err)`, "6 <nil>"},
		{"command line", `import "github.com/spf13/cobra"
cmd := &cobra.Command{Use: "hello", Run: func(cmd *cobra.Command, args []string) { fmt.Println("args", args) }}
loud := cmd.Flags().Bool("loud", false, "")
cmd.SetArgs([]string{"x", "--loud", "y"})
fmt.Println(cmd.Execute(), *loud)`, "args [x y]\n<nil> true"},
		{"generics", `import "github.com/samber/lo"
lo.GroupBy(lo.Map([]int{1, 2, 3}, func(x int, _ int) int { return x * 3 }), func(x int) bool { return x%2 == 0 })`, "map[false:[3 9] true:[6]]"},
		{"plotting", `import chart "github.com/wcharczuk/go-chart/v2"
g := chart.Chart{Series: []chart.Series{chart.ContinuousSeries{XValues: []float64{1, 2, 3}, YValues: []float64{1, 4, 9}}}}
var png bytes.Buffer
err = g.Render(chart.PNG, &png)
fmt.Println(err, bytes.HasPrefix(png.Bytes(), []byte("\x89PNG")))`, "<nil> true"},
		{"metrics", `import "github.com/prometheus/client_golang/prometheus"
c := prometheus.NewCounter(prometheus.CounterOpts{Name: "cells_total"})
c.Add(3)
reg := prometheus.NewRegistry()
reg.MustRegister(c)
families, err := reg.Gather()
fmt.Println(families[0].GetName(), families[0].Metric[0].GetCounter().GetValue(), err)`, "cells_total 3 <nil>"},
		{"identifiers", `import "github.com/google/uuid"
uuid.NewSHA1(uuid.NameSpaceDNS, []byte("example.com"))`, "cfbff0d1-9375-5685-968c-48ce8b15ae17"},
		{"assertions", `import "github.com/stretchr/testify/assert"
failing := &testing.T{}
fmt.Println(assert.Equal(failing, []int{1}, []int{1}), assert.ObjectsAreEqual(1, 2))`, "true false"},
		{"assembly", `import "github.com/cespare/xxhash/v2"
xxhash.Sum64String("hello")`, "2794345569481354659"},
		{"expressions", `import "github.com/expr-lang/expr"
value, err := expr.Eval("1 + 2 * a", map[string]any{"a": 4})
fmt.Println(value, err)`, "9 <nil>"},
		{"in another process", `pp, err := lab.NewProcPool(ctx, 2)
hashes, err := lab.Map(ctx, pp, []string{"hello", "a"}, func(_ context.Context, s string) (uint64, error) { return xxhash.Sum64String(s), nil })
fmt.Println(hashes[0] == xxhash.Sum64String("hello"), len(hashes), err)`, "true 2 <nil>"},
	} {
		t.Run(c.name, func(t *testing.T) { run(t, k, step{c.code, c.want}) })
	}
}
