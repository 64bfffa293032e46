package notebooks

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/kerneltest"
	"interleave/kernel/session"
	"interleave/kernel/toolchain"
	"interleave/notebooks/ipynb"
)

const parametersCell = `[parameters]type level int
n, name := 3, "x"
var (
	wait    = 2 * time.Second
	ratio   float32
	on      bool
	list    []float64
	grid    [2][]int
	table   map[string][]int
	times   map[string]time.Duration
	counts  map[int]string
	grade   level = 1
	small   uint8
	pair    struct{ A, B int }
	anyhow  any
)`

// realKernel starts a kernel with a session of the real host.
func realKernel(t *testing.T) Kernel {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the host")
	}
	host := hosttest.Host(t)
	s, err := session.Start(context.Background(), session.Config{
		Command: func() *exec.Cmd {
			return hosttest.Command(host, append([]string{"session", "-toolchain", toolchain.DirOf(host), "-work", t.TempDir()},
				hosttest.Session()...)...)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return kerneltest.Start(t, s).Client
}

// Values of each kind come to the variables, in a cell as papermill has it, which a second run replaces.
func TestParameters(t *testing.T) {
	nb := notebook(parametersCell, `fmt.Printf("%v %q %v %v %v %v %v %v %v %v %v %v %v %v", n, name, wait, ratio, on, list, grid, table, times, counts, grade, small, pair, anyhow)`)
	for _, run := range []struct {
		values, code []string
		out          string
	}{
		{[]string{"n=-0x10", `name=a "b" 5`, "wait=90s", "ratio=1.5e-3", "on=true", "list=[1, 2.5]", "grid=[[1], []]", `table={"b": [1], "a": []}`,
			`times={"x": "5ms"}`, `counts={"2": "two"}`, "grade=4", "small=200", "pair=struct{ A, B int }{1, 2}", "anyhow=len(name)", "n=7"},
			[]string{"n = 7", `name = "a \"b\" 5"`, "wait = 90 * time.Second", "list = []float64{1, 2.5}", "grid = [2][]int{[]int{1}, []int{}}",
				`times = map[string]time.Duration{"x": 5 * time.Millisecond}`, `counts = map[int]string{2: "two"}`},
			`7 "a \"b\" 5" 1m30s 0.0015 true [1 2.5] [[1] []] map[a:[] b:[1]] map[x:5ms] map[2:two] 4 200 {1 2} 7`},
		{[]string{"n=8", "list=nil"}, []string{"// Parameters\nn = 8\nlist = nil"}, `8 "x" 2s 0 false [] [[] []] map[] map[] map[] 1 0 {0 0} <nil>`},
	} {
		if err := NewRunner(nb).Run(t.Context(), realKernel(t), Options{Parameters: parameters(run.values...), Timeout: time.Minute}); err != nil {
			t.Fatal(err)
		}
		cells := nb.Cells()
		if len(cells) != 3 || !cells[1].HasTag("injected-parameters") {
			t.Fatalf("the cells are\n%s", nb.Bytes())
		}
		for _, line := range run.code {
			if !strings.Contains(cells[1].Source(), line) {
				t.Errorf("the cell has no line %s:\n%s", line, cells[1].Source())
			}
		}
		if out := string(nb.Bytes()); !strings.Contains(out, strings.ReplaceAll(strings.ReplaceAll(run.out, `\`, `\\`), `"`, `\"`)) {
			t.Errorf("the output is not %s:\n%s", run.out, out)
		}
	}
	if !strings.Contains(string(nb.Bytes()), `"papermill": {
   "parameters": {
    "list": "nil",
    "n": 8
   }
  }`) {
		t.Errorf("the metadata is not papermill's:\n%s", nb.Bytes())
	}
}

func parameters(values ...string) (list []Parameter) {
	for _, v := range values {
		name, value, _ := strings.Cut(v, "=")
		list = append(list, Parameter{name, value})
	}
	return list
}

// A value that does not fit is an error with the type and the line of the variable.
func TestParametersThatDoNotFit(t *testing.T) {
	k := realKernel(t)
	for value, want := range map[string]string{
		"n=abc":                  "parameter n=abc: the variable is of type int (line 2 of the cell with the tag parameters): write a whole number",
		"n=99999999999999999999": "of type int (line 2 of the cell with the tag parameters): the number is out of its range",
		"small=-1":               "type uint8 (line 13 of the cell with the tag parameters): write a whole number that is not negative",
		"small=300":              "the number is out of its range",
		"on=1":                   "write true or false",
		"wait=5":                 "write a duration such as 90s or 1.5h",
		"ratio=x":                "write a number",
		"list=1":                 "write JSON, such as [1, 2]",
		`list=[1, "a"]`:          `the text "a" in it does not fit float64`,
		`list={"a": 1}`:          "an object in it does not fit []float64",
		`table={"a": 1}`:         "1 in it does not fit []int",
		`times={"a": "x"}`:       "write a duration",
		`counts={"a": "x"}`:      `the key "a" does not fit int`,
		"pair={1":                "write a Go expression of that type",
		"pair=7":                 "cannot use 7 (untyped int constant) as struct{A int; B int} value",
		"grade=a":                "write a whole number",
	} {
		err := NewRunner(notebook(parametersCell)).Run(t.Context(), k, Options{Parameters: parameters(value), Timeout: time.Minute})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", value, err, want)
		}
	}
}

// What is wrong with the cells is found before anything runs: there is no kernel.
func TestParametersWithoutTheirCell(t *testing.T) {
	t.Parallel()
	above := notebook("x := 1", parametersCell)
	above.Cells()[0].AddTag("injected-parameters")
	for want, nb := range map[string]*ipynb.Notebook{
		"parameter nam: no cell has the tag parameters: give the tag to the cell that declares the variables": notebook("nam := 1"),
		"cell 1, which has the tag parameters, declares no such variable: did you mean name?":                 notebook("[parameters] name := 1\nother := 2"),
		"declares no such variable: it declares zzzzz":                                                        notebook("[parameters] var zzzzz = 1"),
		"declares no such variable: it declares none":                                                         notebook("[parameters] func nam() {}"),
		"cell 1 with the tag injected-parameters stands above cell 2 with the tag parameters: delete it":      above,
	} {
		before := string(nb.Bytes())
		_, err := NewRunner(nb).inject([]Parameter{{"nam", "1"}})
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if string(nb.Bytes()) != before {
			t.Errorf("%s: the notebook has changed", want)
		}
	}
}

func TestReadParameters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"p.json", `{"n": 1e3, "s": "t", "l": [1, {"a": true}]}`, `l=[1,{"a":true}] n=1e3 s=t`},
		{"p.yaml", "---\n# a comment\nn: 5 # more\ns: \"a\\tb\"\nq: 'it''s'\nl: [1, 2]\nu: http://x/#y\n", "n=5 s=a\tb q=it's l=[1, 2] u=http://x/#y"},
		{"p.yml", "n: 1\n  deeper: 2\n", "p.yml:2: want name: value on one line"},
		{"p.yml", "n:\n- 1\n", "p.yml:1: want name: value on one line"},
		{"p.yml", "n: \"open\n", "p.yml:1: the text in quotation marks is not complete"},
		{"p.json", "[1]", "p.json: want a JSON object of names and values"},
		{"p.json", "{", "p.json: want a JSON object of names and values"},
	} {
		list, err := readParameters(c.name, []byte(c.text))
		var got []string
		for _, p := range list {
			got = append(got, p.Name+"="+p.Value)
		}
		seen := strings.Join(got, " ")
		if err != nil {
			seen = err.Error()
		}
		if seen != c.want && !(err != nil && strings.HasPrefix(seen, c.want)) {
			t.Errorf("%s %q: %q, want %q", c.name, c.text, seen, c.want)
		}
	}
	if _, err := parseArgs([]string{"--parameters-file", filepath.Join(t.TempDir(), "none.json"), "a.ipynb"}); err == nil {
		t.Error("a file that does not exist is accepted")
	}
	r, err := parseArgs([]string{"a.ipynb", "-p", "n=1=2", "-p", "m="})
	if err != nil || len(r.options.Parameters) != 2 || r.options.Parameters[0] != (Parameter{"n", "1=2"}) || r.options.Parameters[1] != (Parameter{"m", ""}) {
		t.Errorf("%+v, %v", r.options.Parameters, err)
	}
	for _, bad := range []string{"n", "1=2", "=2"} {
		if _, err := parseArgs([]string{"a.ipynb", "-p", bad}); err == nil {
			t.Errorf("-p %s is accepted", bad)
		}
	}
}
