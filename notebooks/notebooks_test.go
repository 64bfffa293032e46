package notebooks

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"interleave/kernel/client"
	"interleave/kernel/wire"
	"interleave/notebooks/ipynb"
	"interleave/runtime/quantity"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// leaks runs the tests and then looks for goroutines that nobody owned.
type leaks struct{ m *testing.M }

func (l leaks) Run() int {
	status := l.m.Run()
	if err := goleak.Find(goleak.IgnoreTopFunction("os/signal.loop")); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

func TestMain(m *testing.M) {
	testscript.Main(leaks{m}, map[string]func(){
		"interleave": func() { // interleave run …, over a scripted session
			os.Exit(Command(context.Background(), os.Args[2:], Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, startScripted))
		},
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true})
}

// notebook makes a notebook of code cells. A cell may begin with tags in brackets, and with # it is Markdown.
func notebook(cells ...string) *ipynb.Notebook {
	nb := ipynb.New("test.ipynb", ipynb.Kernelspec{})
	for _, source := range cells {
		if strings.HasPrefix(source, "#") {
			nb.AddCell(ipynb.Markdown, source)
			continue
		}
		tags := ""
		if strings.HasPrefix(source, "[") {
			tags, source, _ = strings.Cut(source[1:], "]")
		}
		c := nb.AddCell(ipynb.Code, source)
		for tag := range strings.FieldsSeq(tags) {
			c.AddTag(tag)
		}
	}
	return nb
}

// run runs a notebook over a scripted session.
func run(t *testing.T, ctx context.Context, nb *ipynb.Notebook, o Options) error {
	t.Helper()
	r := NewRunner(nb)
	k, stop, err := startScripted(ctx, "", client.Config{Unclaimed: r.Late})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Run(ctx, k, o)
	if e := stop(); e != nil {
		t.Error(e)
	}
	return err
}

// summary is what cells show, one line each.
func summary(nb *ipynb.Notebook) string {
	var b strings.Builder
	for _, c := range nb.Cells() {
		if c.Type() != ipynb.Code {
			continue
		}
		n, _ := c.ExecutionCount()
		fmt.Fprintf(&b, "[%d]", n)
		for _, o := range c.Outputs() {
			switch o.Type {
			case ipynb.Stream:
				fmt.Fprintf(&b, " %s:%q", o.Stream, o.Text)
			case ipynb.Error:
				fmt.Fprintf(&b, " error:%s/%s", o.Name, o.Value)
			default:
				s, _ := o.Data.Text("text/plain")
				fmt.Fprintf(&b, " %s:%q", o.Type, s)
				if o.Type == ipynb.ExecuteResult {
					fmt.Fprintf(&b, "/%d", o.Count)
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cells []string
		want  string
	}{
		"streams merge":                  {[]string{"say a\nsay b\nwarn c\nsay d"}, `[1] stdout:"a\nb\n" stderr:"c\n" stdout:"d\n"` + "\n"},
		"a display parts streams":        {[]string{"say a\nshow - x\nsay b"}, `[1] stdout:"a\n" display_data:"x" stdout:"b\n"` + "\n"},
		"result":                         {[]string{"say a", "result 42"}, "[1] stdout:\"a\\n\"\n[2] execute_result:\"42\"/2\n"},
		"clear":                          {[]string{"say a\nclear\nsay b"}, "[1] stdout:\"b\\n\"\n"},
		"clear and nothing after":        {[]string{"say a\nclear"}, "[1]\n"},
		"clear waits":                    {[]string{"say a\nclear-wait"}, "[1] stdout:\"a\\n\"\n"},
		"clear waits for output":         {[]string{"say a\nclear-wait\nsay b"}, "[1] stdout:\"b\\n\"\n"},
		"clear waits for a display":      {[]string{"say a\nclear-wait\nshow - b\nsay c"}, "[1] display_data:\"b\" stdout:\"c\\n\"\n"},
		"clear now undoes the waiting":   {[]string{"say a\nclear-wait\nclear\nsay b\nshow - c"}, "[1] stdout:\"b\\n\" display_data:\"c\"\n"},
		"update":                         {[]string{"show p 1\nupdate p 2\nsay x"}, "[1] display_data:\"2\" stdout:\"x\\n\"\n"},
		"update in every cell":           {[]string{"show p 1\nshow p 2", "show p 3", "update p 4"}, "[1] display_data:\"4\" display_data:\"4\"\n[2] display_data:\"4\"\n[3]\n"},
		"showing again updates":          {[]string{"show p 1", "show p 2"}, "[1] display_data:\"2\"\n[2] display_data:\"2\"\n"},
		"update of nothing":              {[]string{"update p 1\nsay x"}, "[1] stdout:\"x\\n\"\n"},
		"update after clear":             {[]string{"show p 1\nclear\nshow q 5\nupdate p 2"}, "[1] display_data:\"5\"\n"},
		"late output to its own cell":    {[]string{"say a\nlater z", "say b"}, "[1] stdout:\"a\\nz\\n\"\n[2] stdout:\"b\\n\"\n"},
		"empty cells are not run":        {[]string{"", " \n\t", "say a"}, "[0]\n[0]\n[1] stdout:\"a\\n\"\n"},
		"skip-execution":                 {[]string{"[skip-execution]fail 1 panic x", "say a"}, "[0]\n[1] stdout:\"a\\n\"\n"},
		"raises-exception":               {[]string{"[raises-exception]fail 1 panic x", "say a"}, "[1] error:panic/x\n[2] stdout:\"a\\n\"\n"},
		"raises-exception that does not": {[]string{"[raises-exception]say a"}, "[1] stdout:\"a\\n\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nb := notebook(c.cells...)
			if err := run(t, t.Context(), nb, Options{}); err != nil {
				t.Fatal(err)
			}
			if got := summary(nb); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if _, err := ipynb.Read("again", nb.Bytes()); err != nil {
				t.Error(err)
			}
		})
	}
}

// The limit is 8 bytes: a display of x counts its JSON, 3.
func TestMaxOutput(t *testing.T) {
	t.Parallel()
	left := func(n string) string {
		return fmt.Sprintf("stderr:%q", "interleave run: "+n+" more are left out here. A cell's text and its displays are each kept up to --max-output, now 8 B\n")
	}
	for name, c := range map[string]struct {
		cells []string
		want  string
	}{
		"as much as there may be":       {[]string{"say 1234567"}, `[1] stdout:"1234567\n"` + "\n"},
		"lines that fit stay":           {[]string{"say 123\nsay 45678\nsay 9"}, `[1] stdout:"123\n" ` + left("8 B") + "\n"},
		"no text after what is missing": {[]string{"say 12345678\nsay 1"}, "[1] " + left("11 B") + "\n"},
		"no display either":             {[]string{"show - 1234567\nshow - x"}, "[1] " + left("12 B") + "\n"},
		"but one after text":            {[]string{"say 12345678\nshow - x"}, "[1] " + left("9 B") + ` display_data:"x"` + "\n"},
		"text beside the note":          {[]string{"show - 1234567\nwarn x"}, "[1] " + left("9 B") + ` stderr:"x\n"` + "\n"},
		"and text after one":            {[]string{"show - 1234567\nsay 1234567"}, "[1] " + left("9 B") + ` stdout:"1234567\n"` + "\n"},
		"each cell has its own":         {[]string{"say 12345678", "say 1234567"}, "[1] " + left("9 B") + "\n" + `[2] stdout:"1234567\n"` + "\n"},
		"displays":                      {[]string{"show - x\nshow - y\nshow - z"}, `[1] display_data:"x" display_data:"y" ` + left("3 B") + "\n"},
		"a result":                      {[]string{"show - x\nresult 4242"}, `[1] display_data:"x" ` + left("6 B") + "\n"},
		"an error is always there":      {[]string{"[raises-exception]say 12345678\nfail 2 panic x"}, "[1] " + left("9 B") + " error:panic/x\n"},
		"updates cost their growth":     {[]string{"show p 1\nupdate p 23456\nupdate p 34567\nsay"}, `[1] display_data:"34567" stdout:"\n"` + "\n"},
		"an update that is too large":   {[]string{"show p 1\nupdate p 1234567\nsay x"}, `[1] display_data:"1" ` + left("6 B") + ` stdout:"x\n"` + "\n"},
		"a later one that is not":       {[]string{"show p 1\nshow - 12345678\nupdate p 23"}, `[1] display_data:"23" ` + left("10 B") + "\n"},
		"a missing display":             {[]string{"show p 1234567\nupdate p 2"}, "[1] " + left("9 B") + "\n"},
		"clear makes room":              {[]string{"say 12345678\nclear\nsay 1234567"}, `[1] stdout:"1234567\n"` + "\n"},
		"so does one that waits":        {[]string{"say 12345678\nclear-wait\nshow - x"}, `[1] display_data:"x"` + "\n"},
		"late output counts":            {[]string{"say 12345\nlater 678", "say b"}, `[1] stdout:"12345\n" ` + left("4 B") + "\n" + `[2] stdout:"b\n"` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nb := notebook(c.cells...)
			if err := run(t, t.Context(), nb, Options{MaxOutput: 8}); err != nil {
				t.Fatal(err)
			}
			if got := summary(nb); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0 B", "999": "999 B", "1000": "1 kB", "10MB": "10 MB", "10 mb": "10 MB", "47.12M": "47.1 MB", "2g": "2 GB", "999960": "1 MB", "5 b": "5 B",
	} {
		if n, err := parseAmount(in); err != nil || quantity.Bytes(n) != want {
			t.Errorf("%q is %s, %v; want %s", in, quantity.Bytes(n), err, want)
		}
	}
	for _, in := range []string{"", "b", "MB", "-1", "1TB", "NaN", "Inf", "1e99GB", "ten"} {
		if n, err := parseAmount(in); err == nil {
			t.Errorf("%q is %d", in, n)
		}
	}
}

func TestStopsAtFirstError(t *testing.T) {
	t.Parallel()
	nb := notebook("# Title", "say a", "say b\nfail 2 panic no such thing", "say c")
	for _, c := range nb.Cells()[1:] { // what an earlier run left
		c.SetExecutionCount(99)
		if err := c.SetOutputs([]ipynb.Output{{Type: ipynb.Stream, Stream: "stdout", Text: "stale"}}); err != nil {
			t.Fatal(err)
		}
	}
	err := run(t, t.Context(), nb, Options{})
	e, ok := errors.AsType[*CellError](err)
	if !ok {
		t.Fatalf("got %v, want a *CellError", err)
	}
	if e.Index != 2 || e.Count != 2 || e.Line != 2 || e.Source != "fail 2 panic no such thing" || e.Name != "panic" || len(e.Traceback) != 2 {
		t.Errorf("got %+v", e)
	}
	if want := "test.ipynb: cell 3, In [2], line 2: panic: no such thing"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got, want := summary(nb), "[1] stdout:\"a\\n\"\n[2] stdout:\"b\\n\" error:panic/no such thing\n[0]\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	nb = notebook("fail 1 panic x", "say c")
	if err := run(t, t.Context(), nb, Options{AllowErrors: true}); err != nil || !strings.Contains(summary(nb), `"c\n"`) {
		t.Errorf("with AllowErrors: %v, %s", err, summary(nb))
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nb := notebook("say a", "say b\nhang", "say c")
		begin := time.Now()
		err := run(t, t.Context(), nb, Options{Timeout: time.Minute})
		late, ok := errors.AsType[*TimeoutError](err)
		if !ok || late.Limit != time.Minute || err.Error() != "test.ipynb: cell 2, In [2], line 2: took longer than 60 s and was interrupted" {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("stopped after %v", took)
		}
		if got, want := summary(nb), "[1] stdout:\"a\\n\"\n[2] stdout:\"b\\n\" error:interrupted/the cell was interrupted\n[0]\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		nb = notebook("[raises-exception]hang", "say c")
		if err := run(t, t.Context(), nb, Options{Timeout: time.Minute}); err == nil {
			t.Error("raises-exception excuses a timeout")
		}
		nb = notebook("hang", "say c")
		if err := run(t, t.Context(), nb, Options{Timeout: time.Minute, AllowErrors: true}); err != nil || !strings.Contains(summary(nb), `"c\n"`) {
			t.Errorf("with AllowErrors: %v, %s", err, summary(nb))
		}
	})
}

func TestStubbornCell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nb := notebook("say b\nstubborn", "say c")
		begin := time.Now()
		err := run(t, t.Context(), nb, Options{Timeout: time.Minute, Grace: 5 * time.Second, AllowErrors: true})
		if want := "test.ipynb: cell 1, In [1]: took longer than 60 s and was interrupted; the cell did not end within 5 s of the interrupt"; err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %v", err, want)
		}
		if took := time.Since(begin); took != 65*time.Second {
			t.Errorf("gave up after %v", took)
		}
		if got, want := summary(nb), "[1] stdout:\"b\\n\"\n[0]\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("enough")
		time.AfterFunc(time.Hour, func() { cancel(cause) })
		nb := notebook("say a\nhang", "say c")
		err := run(t, ctx, nb, Options{AllowErrors: true})
		if e, ok := errors.AsType[*CellError](err); !ok || e.Cause != cause || e.Name != "interrupted" {
			t.Errorf("got %v", err)
		}
		if got, want := summary(nb), "[1] stdout:\"a\\n\" error:interrupted/the cell was interrupted\n[0]\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		if err := run(t, ctx, notebook("say a"), Options{}); !errors.Is(err, cause) {
			t.Errorf("begun after the end: %v", err)
		}
	})
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	nb := notebook("say a")
	if err := run(t, t.Context(), nb, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"display_name": "Go (Interleave)"`, `"name": "interleave"`, `"language_info": {`, `"file_extension": ".go"`, `"version": "1.26.8"`,
		`"iopub.status.busy": "20`, `"iopub.status.idle": "20`, `"iopub.execute_input": "20`, `"execution_count": 1`,
	} {
		if !bytes.Contains(nb.Bytes(), []byte(want)) {
			t.Errorf("no %s in\n%s", want, nb.Bytes())
		}
	}
	other := ipynb.New("py.ipynb", ipynb.Kernelspec{Name: "python3", DisplayName: "Python 3", Language: "python"})
	other.AddCell(ipynb.Code, "say a")
	before := other.Bytes()
	if err := run(t, t.Context(), other, Options{}); err == nil || !bytes.Equal(before, other.Bytes()) {
		t.Errorf("ran a Python notebook: %v", err)
	}
	gonb := ipynb.New("gonb.ipynb", ipynb.Kernelspec{Name: "gonb", DisplayName: "Go (gonb)", Language: "go"})
	if err := run(t, t.Context(), gonb, Options{}); err != nil || gonb.Kernelspec().Name != "gonb" {
		t.Errorf("a notebook of another Go kernel: %v, %+v", err, gonb.Kernelspec())
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	var steps []string
	nb := notebook("say 0", "# One\ntext\n## Two #2\n#no", "\n// note\n  say 1", "[raises-exception]fail 1 panic x", "")
	err := run(t, t.Context(), nb, Options{Progress: func(s Step) {
		steps = append(steps, fmt.Sprintf("%d/%d %s|%s|%v|%v|%v", s.Number, s.Total, s.Heading, s.Line, s.Ended, s.Err != nil, s.Expected))
	}})
	want := []string{
		"1/3 |say 0|false|false|false", "1/3 |say 0|true|false|false",
		"2/3 Two #2|say 1|false|false|false", "2/3 Two #2|say 1|true|false|false",
		"3/3 Two #2|fail 1 panic x|false|false|false", "3/3 Two #2|fail 1 panic x|true|true|true",
	}
	if err != nil || !slices.Equal(steps, want) {
		t.Errorf("%v\n got %q\nwant %q", err, steps, want)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tell := func(width func() int) string {
			var b bytes.Buffer
			p := newProgress(&b, width)
			p.line("lesson.ipynb")
			p.step(Step{Number: 9, Total: 12, Heading: "Title", Line: "x := 1"})
			time.Sleep(2050 * time.Millisecond) // fake time
			p.step(Step{Number: 9, Total: 12, Heading: "Title", Line: "x := 1", Ended: true, Took: 2050 * time.Millisecond})
			p.step(Step{Number: 10, Total: 12, Line: "y"})
			p.step(Step{Number: 10, Total: 12, Line: "y", Ended: true, Err: errors.New("x")})
			p.stop()
			return b.String()
		}
		if got, want := tell(nil), "lesson.ipynb\n 9/12    2.05 s  Title: x := 1\n10/12       0 s  FAILED  y\n"; got != want {
			t.Errorf("plain:\n%s\nwant\n%s", got, want)
		}
		got := tell(func() int { return 30 })
		if n := strings.Count(got, "⠙"); n != 2 || !strings.Contains(got, " 9/12     1.3 s  ⠸ Title: x …\r") {
			t.Errorf("live line was drawn %d times with one frame: %q", n, got)
		}
		if kept := strings.Count(got, "\n"); kept != 3 || !strings.HasSuffix(got, "FAILED  y\n") {
			t.Errorf("%d lines stay: %q", kept, got)
		}
		for part := range strings.FieldsFuncSeq(got, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if n := len([]rune(strings.TrimPrefix(part, "\x1b[K"))); n > 29 {
				t.Errorf("a line of %d columns on a terminal of 30: %q", n, part)
			}
		}
	})
	for _, c := range []struct {
		s, want string
		width   int
	}{{"abc", "a…", 2}, {"日本語", "日本…", 5}, {"日本語", "日…", 4}, {"日本語", "日本語", 6}, {"a\tb", "a b", 3}, {"a\tb\x1b", "a b ", 9}, {"⠋ x", "⠋ x", 3}, {"", "", 0}, {"ab", "", 0}, {"ab", "…", 1}} {
		if got := fit(c.s, c.width); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

func TestLineOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"": 0, "cell[5]:3": 3, "\x1b[1mcell[5]\x1b[0m:12:4 x": 12, "cell[4]:1\ncell[5]:2\ncell[5]:7": 2, "cell[5]:x cell[5]:8": 8, "cell[55]:1": 0,
	} {
		if got := lineOf(strings.Split(in, "\n"), 5); got != want {
			t.Errorf("%q: line %d, want %d", in, got, want)
		}
	}
}

// A tapped kernel tells of each message.
type tapped struct {
	Kernel
	tap func(*wire.Message)
}

func (k tapped) Execute(ctx context.Context, r client.ExecuteRequest, on func(*wire.Message)) (wire.ExecuteReply, error) {
	return k.Kernel.Execute(ctx, r, func(m *wire.Message) {
		k.tap(m)
		on(m)
	})
}

// Ctrl-C interrupts the running cell, and then what was run is written. Not parallel: the signal is this process's.
func TestCtrlC(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "n.ipynb")
	if err := notebook("say a", "say b\nhang", "say c").WriteFile(file); err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	status := Command(t.Context(), []string{file, file, "--html=none", "-o", dir + "/x.ipynb"}, Stdio{Out: &out, Err: &stderr}, nil)
	if status != exitUsage {
		t.Errorf("one file for two notebooks: %d", status)
	}
	stderr.Reset()
	status = Command(t.Context(), []string{file}, Stdio{Out: &out, Err: &stderr}, func(ctx context.Context, dir string, cfg client.Config) (Kernel, func() error, error) {
		k, stop, err := startScripted(ctx, dir, cfg)
		return tapped{k, func(m *wire.Message) {
			if s, err := wire.As[wire.StreamText](m); err == nil && s.Text == "b\n" {
				self, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = self.Signal(os.Interrupt)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}}, stop, err
	})
	if want := ": cell 2, In [2], line 2: "; status != exitInterrupted || !strings.Contains(stderr.String(), want) || !strings.HasSuffix(stderr.String(), "interleave run: interrupted\n") {
		t.Errorf("status %d, want %d and %q in\n%s", status, exitInterrupted, want, &stderr)
	}
	nb, err := ipynb.ReadFile(filepath.Join(dir, "n.executed.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := summary(nb), "[1] stdout:\"a\\n\"\n[2] stdout:\"b\\n\" error:interrupted/the cell was interrupted\n[0]\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Messages that come while a notebook is stored are not lost halfway.
func TestLateWhileStoring(t *testing.T) {
	t.Parallel()
	s := newOutputs()
	nb := notebook("x")
	c := s.begin(nb.Cells()[0])
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			s.mu.Lock()
			c.stream("stdout", "x")
			s.mu.Unlock()
		}
	}()
	for range 100 {
		if err := s.store(); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	<-done
}
