package ipynb

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func testdata(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in testdata: %v", pattern, err)
	}
	return files
}

func mustRead(t testing.TB, data []byte) *Notebook {
	t.Helper()
	nb, err := Read("test.ipynb", data)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

// A notebook that is read and written is the same file, whoever wrote it.
func TestUntouched(t *testing.T) {
	t.Parallel()
	for _, file := range testdata(t, "*.ipynb") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustRead(t, data).Bytes(); !bytes.Equal(got, data) {
			t.Errorf("%s: changed by reading and writing:\n%s", file, got)
		}
	}
}

// What Jupyter wrote, we would lay out in the same way, were it all changed.
func TestLayoutIsJupyters(t *testing.T) {
	t.Parallel()
	for _, file := range append(testdata(t, "jupyter-*.ipynb"), testdata(t, "../../lessons/*.ipynb")...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".executed.ipynb") {
			continue
		}
		nb := mustRead(t, data)
		nb.root.canonical()
		for _, c := range nb.cells { // texts and outputs spelled anew
			c.v.set("source", newLines(c.Source()))
			if c.Type() == Code {
				if err := c.SetOutputs(c.Outputs()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := nb.Bytes(); !bytes.Equal(got, data) {
			t.Errorf("%s: laid out differently:\n%s", file, got)
		}
	}
}

// A change leaves everything else as it was.
func TestChangeIsLocal(t *testing.T) {
	t.Parallel()
	for _, file := range testdata(t, "*.ipynb") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		nb := mustRead(t, data)
		for i, c := range nb.Cells() {
			if c.Type() != Code {
				continue
			}
			if err := c.SetOutputs([]Output{{Type: Stream, Stream: "stdout", Text: "new\n"}}); err != nil {
				t.Fatal(err)
			}
			c.SetExecutionCount(i + 7)
		}
		changed := nb.Bytes()
		again := mustRead(t, changed)
		old := mustRead(t, data)
		for i, c := range again.Cells() {
			if c.Type() == Code {
				if n, ok := c.ExecutionCount(); n != i+7 || !ok {
					t.Errorf("%s: cell %d has count %d", file, i, n)
				}
				if o := c.Outputs(); len(o) != 1 || o[0].Text != "new\n" {
					t.Errorf("%s: cell %d has outputs %+v", file, i, o)
				}
			}
			for _, it := range c.v.items {
				if it.key == "outputs" || it.key == "execution_count" {
					continue
				}
				if was := old.cells[i].v.get(it.key); !bytes.Equal(it.value.raw, was.raw) {
					t.Errorf("%s: cells[%d].%s changed from %s to %s", file, i, it.key, was.raw, it.value.raw)
				}
			}
		}
		for _, it := range again.root.items {
			if was := old.root.get(it.key); it.key != "cells" && !bytes.Equal(it.value.raw, was.raw) {
				t.Errorf("%s: %s changed from %s to %s", file, it.key, was.raw, it.value.raw)
			}
		}
		if l := layoutOf(again.root); l != old.layout {
			t.Errorf("%s: layout %+v became %+v", file, old.layout, l)
		}
	}
}

// What we write, nbformat accepts without a repair and would write with the same bytes. The texts hold every line end that
// Python knows, quotes, controls and other scripts.
func TestNbformatAgrees(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var texts []string
	for range 300 {
		texts = append(texts, string(randomNotebook(t, rng).Bytes()))
	}
	for _, file := range testdata(t, "jupyter-*.ipynb") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		nb := mustRead(t, data)
		for _, c := range nb.Cells() {
			c.SetSource(c.Source() + "\n// more")
		}
		nb.SetKernelspec(Kernelspec{"interleave", "Go (Interleave)", "go"})
		if err := nb.SetLanguageInfo(json.RawMessage(`{"version":"go1.26.8","name":"go","mimetype":"text/x-go"}`)); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(nb.Bytes()))
	}
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python(t), "testdata/check.py")
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nbformat: %v\n%s", err, &stderr)
	}
	var results []struct{ Text, Error string }
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(texts) {
		t.Fatalf("nbformat answered %d of %d: %v", len(results), len(texts), err)
	}
	for i, r := range results {
		if r.Error != "" {
			t.Errorf("nbformat refuses: %s\n%s", r.Error, texts[i])
		} else if r.Text != texts[i] {
			t.Errorf("nbformat would write\n%s\nnot\n%s", r.Text, texts[i])
		}
	}
}

// python finds an interpreter with nbformat. Where CI is set its absence fails.
func python(t *testing.T) string {
	t.Helper()
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(p, "-c", "import nbformat").Run() == nil {
			return p
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no python3 with nbformat")
	}
	t.Skip("no python3 with nbformat")
	return ""
}

func randomNotebook(t *testing.T, rng *rand.Rand) *Notebook {
	pieces := []string{"x := 1", "\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\u0085", "\u2028", "\u2029", "\t", `"`, `\`, "\b", "\x00",
		"é", "日本語", "😀", "<&>", "/", "\x7f", "\u00a0", "\ufeff", "\x1b[1;31m", "{", "]", "\ufffd"}
	words := func() string {
		var b strings.Builder
		for range rng.IntN(8) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		return b.String()
	}
	raw := func(s string) json.RawMessage { b, _ := json.Marshal(s); return b } // escapes < and >, so canonical has work
	bundle := func() Bundle {
		b := Bundle{"text/plain": raw(words())}
		if rng.IntN(2) == 0 {
			b["image/svg+xml"] = raw(words())
			b["image/png"] = raw("aGVs\nbG8=")
		}
		if rng.IntN(2) == 0 {
			b["application/json"] = json.RawMessage(fmt.Sprintf(`{"z":[1,2.5,{}],"a":%s,"n":null, "e":[] }`, raw(words())))
			b["application/vnd.plotly.v1+json"] = raw(words())
		}
		return b
	}
	nb := New("random.ipynb", Kernelspec{"interleave", "Go (Interleave)", "go"})
	for range rng.IntN(5) {
		c := nb.AddCell([]CellType{Code, Markdown, Raw}[rng.IntN(3)], words())
		if c.Type() != Code {
			continue
		}
		var outs []Output
		for range rng.IntN(4) {
			switch rng.IntN(4) {
			case 0:
				outs = append(outs, Output{Type: Stream, Stream: "stdout", Text: words()})
			case 1:
				outs = append(outs, Output{Type: DisplayData, Data: bundle(), Metadata: Bundle{"image/png": json.RawMessage(`{"width":3}`)}})
			case 2:
				outs = append(outs, Output{Type: ExecuteResult, Data: bundle(), Count: rng.IntN(3)})
			case 3:
				outs = append(outs, Output{Type: Error, Name: "panic", Value: words(), Traceback: []string{words(), words()}})
			}
		}
		if err := c.SetOutputs(outs); err != nil {
			t.Fatal(err)
		}
		c.SetExecutionCount(rng.IntN(4))
		if rng.IntN(3) == 0 {
			c.AddTag("raises-exception")
			c.SetExecution(map[string]string{"iopub.status.busy": "2026-01-02T03:04:05.000000Z", "shell.execute_reply": "2026-01-02T03:04:06.000000Z"})
		}
	}
	return nb
}

func TestOutputsSurvive(t *testing.T) {
	t.Parallel()
	nb := New("t.ipynb", Kernelspec{})
	c := nb.AddCell(Code, "x")
	want := []Output{
		{Type: Stream, Stream: "stderr", Text: "a\nb"},
		{Type: DisplayData, Data: Bundle{"text/html": json.RawMessage(`"<b>"`), "application/json": json.RawMessage(`[1,"\u003c"]`)}},
		{Type: ExecuteResult, Count: 4, Data: Bundle{"text/plain": json.RawMessage(`["4","2"]`)}},
		{Type: Error, Name: "panic", Value: "v", Traceback: []string{"l1", "l2"}},
	}
	if err := c.SetOutputs(want); err != nil {
		t.Fatal(err)
	}
	got := mustRead(t, nb.Bytes()).Cells()[0].Outputs()
	if len(got) != 4 || got[0].Text != "a\nb" || got[0].Stream != "stderr" || got[2].Count != 4 ||
		got[3].Name != "panic" || !slices.Equal(got[3].Traceback, []string{"l1", "l2"}) {
		t.Errorf("outputs became %+v", got)
	}
	if s, ok := got[2].Data.Text("text/plain"); s != "42" || !ok {
		t.Errorf("text/plain became %q", s)
	}
	if s, ok := got[1].Data.Pretty("application/json"); s != "[\n  1,\n  \"<\"\n]" || !ok {
		t.Errorf("JSON became %s", s)
	}
	if err := c.SetOutputs([]Output{{Type: DisplayData, Data: Bundle{"text/plain": json.RawMessage(`{`)}}}); err == nil {
		t.Error("broken JSON was stored")
	}
	if len(c.Outputs()) != 4 {
		t.Error("a refused change left a trace")
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	const cells = `{"nbformat":4,"nbformat_minor":%d,"metadata":{},"cells":[
{"cell_type":"raw","metadata":{},"source":"a","id":"keep-me"},
{"cell_type":"raw","metadata":{},"source":"b"},
{"cell_type":"raw","metadata":{},"source":"c","id":"keep-me"},
{"cell_type":"raw","metadata":{},"source":"d","id":"not allowed"},
{"cell_type":"raw","metadata":{},"source":"d","id":5}]}`
	nb := mustRead(t, fmt.Appendf(nil, cells, 5))
	if made := nb.EnsureIDs(); made != 4 {
		t.Errorf("made %d ids, want 4", made)
	}
	seen := map[string]bool{}
	for _, c := range nb.Cells() {
		if seen[c.ID()] || !idForm().MatchString(c.ID()) {
			t.Errorf("bad or repeated id %q", c.ID())
		}
		seen[c.ID()] = true
	}
	if nb.Cells()[0].ID() != "keep-me" {
		t.Error("a good id was replaced")
	}
	if nb.EnsureIDs() != 0 {
		t.Error("ids were made twice")
	}
	again := mustRead(t, fmt.Appendf(nil, cells, 5))
	again.EnsureIDs()
	if !bytes.Equal(nb.Bytes(), again.Bytes()) {
		t.Error("the same notebook got other ids")
	}
	old := mustRead(t, fmt.Appendf(nil, cells, 4))
	before := old.Bytes()
	if old.EnsureIDs() != 0 || !bytes.Equal(before, old.Bytes()) {
		t.Error("nbformat 4.4 has no ids, but some were made")
	}
}

// Each broken file gives one sentence with the file, the place and the remedy.
func TestBroken(t *testing.T) {
	t.Parallel()
	wrap := func(cell string) string {
		return "{\n \"nbformat\": 4,\n \"nbformat_minor\": 5,\n \"metadata\": {},\n \"cells\": [\n  " + cell + "\n ]\n}"
	}
	files := []string{
		"", "  \n", "\xef\xbb\xbf{}", "hello", "{\"a\": 1,}", "{\"a\": 1", "{\"a\" 1}", "{'a': 1}", "[1 2]", "{\"a\": \"b\nc\"}", "{\"a\": \"\\q\"}", "{\"a\": \"\\u12x4\"}",
		"{\"a\": \"b", "{\"é\": 01}", "{\"a\": -}", "{\"a\": 1.}", "{\"a\": 1e}", "{} {}", "{\"a\": \"\xff\"}", strings.Repeat("[", 2000),
		"version https://git-lfs.github.com/spec/v1\noid x", "<!DOCTYPE html>", "{\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> b\n}",
		"[]", "{}", `{"nbformat": "4"}`, `{"nbformat": 3, "worksheets": []}`, `{"nbformat": 5}`, `{"nbformat": 4}`, `{"nbformat": 4, "nbformat_minor": 1.5}`,
		`{"nbformat": 4, "nbformat_minor": 5}`, `{"nbformat": 4, "nbformat_minor": 5, "metadata": []}`, `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}`,
		`{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {}}`,
		wrap("1"), wrap("{}"), wrap(`{"cell_type": "code"}`), wrap(`{"cell_type": "code", "metadata": {}}`), wrap(`{"cell_type": "code", "metadata": {}, "source": 5}`),
		wrap(`{"cell_type": "code", "metadata": {}, "source": ["a", null]}`), wrap(`{"cell_type": "code", "metadata": {}, "source": "a"}`),
		wrap(`{"cell_type": "code", "metadata": {}, "source": "a", "execution_count": "1"}`), wrap(`{"cell_type": "code", "metadata": {}, "source": "a", "outputs": [1]}`),
		wrap(`{"cell_type": "code", "metadata": {}, "source": "a", "outputs": [{}]}`), wrap(`{"cell_type": "code", "metadata": {}, "source": "a", "outputs": [{"output_type": "stream"}]}`),
		wrap(`{"cell_type": "code", "metadata": {}, "source": "a", "outputs": [{"output_type": "stream", "text": ["a", 1]}]}`),
		wrap(`{"cell_type": "code", "metadata": {}, "source": "a", "outputs": [{"output_type": "stream", "text": "a"}]}`),
		wrap(`{"cell_type": "code", "metadata": {}, "source": "a", "outputs": [{"output_type": "display_data"}]}`),
		wrap(`{"cell_type": "code", "metadata": {}, "source": "a", "outputs": [{"output_type": "error", "ename": "e", "evalue": "v", "traceback": [{}]}]}`),
		wrap(`{"cell_type": "markdown", "metadata": {}, "source": "a", "attachments": {"a.png": "x"}}`),
	}
	var got strings.Builder
	for _, data := range files {
		_, err := Read("lesson.ipynb", []byte(data))
		if err == nil {
			t.Fatalf("accepted %q", data)
		}
		if e, ok := errors.AsType[*FileError](err); !ok || e.Line < 1 || e.Column < 1 {
			t.Errorf("%q: %#v has no place", data, err)
		}
		if len(data) > 200 {
			data = data[len(data)-110:]
		}
		fmt.Fprintf(&got, "%q\n\t%v\n", data, err)
	}
	golden(t, "testdata/broken.golden", got.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", file, got)
	}
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	nb := New("n", Kernelspec{"interleave", "Go (Interleave)", "go"})
	path := filepath.Join(dir, "a.ipynb")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.ipynb")
	if err := os.Symlink("a.ipynb", link); err != nil {
		t.Fatal(err)
	}
	if err := nb.WriteFile(link); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, nb.Bytes()) {
		t.Errorf("the file behind the link holds %q, %v", got, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode became %v", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".~*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if err := nb.WriteFile(filepath.Join(dir, "no", "such")); err == nil {
		t.Error("wrote into a folder that does not exist")
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range testdata(f, "*.ipynb") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := Read("f.ipynb", data)
		if err != nil {
			return
		}
		if !bytes.Equal(nb.Bytes(), data) {
			t.Fatalf("%q became %q", data, nb.Bytes())
		}
		nb.EnsureIDs()
		nb.SetKernelspec(Kernelspec{"a", "b", "c"})
		var sources []string
		for _, c := range nb.Cells() {
			outs := c.Outputs()
			for _, o := range outs {
				for mime := range o.Data {
					o.Data.Text(mime)
					o.Data.Pretty(mime)
				}
			}
			c.SetOutputs(outs) // refused when an output is of a later format
			c.SetSource(c.Source() + "\nmore")
			c.Tags()
			sources = append(sources, c.Source())
		}
		again, err := Read("f.ipynb", nb.Bytes())
		if err != nil {
			t.Fatalf("after changes: %v\n%q", err, nb.Bytes())
		}
		for i, c := range again.Cells() {
			if c.Source() != sources[i] {
				t.Fatalf("source %q became %q", sources[i], c.Source())
			}
		}
		// Every valid document that Go's reader knows means the same to both.
		var want, got any
		if json.Unmarshal(data, &want) == nil {
			v, _, _, err := parse(data)
			if err != nil || json.Unmarshal(v.canonical().append(nil, 0, jupyter), &got) != nil {
				t.Fatalf("%q is JSON, but not to us: %v", data, err)
			}
			a, _ := json.Marshal(want)
			b, _ := json.Marshal(got)
			if !bytes.Equal(a, b) {
				t.Fatalf("canonical form means %s, not %s", b, a)
			}
		}
	})
}

// BenchmarkOutput stores and writes 16 MB of short lines.
func BenchmarkOutput(b *testing.B) {
	text := strings.Repeat("a line of output\n", 1<<20)
	nb := New("b", Kernelspec{})
	c := nb.AddCell(Code, "x")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.SetOutputs([]Output{{Type: Stream, Stream: "stdout", Text: text}}); err != nil {
			b.Fatal(err)
		}
		nb.Bytes()
	}
}

func BenchmarkRead(b *testing.B) {
	data, err := os.ReadFile("testdata/jupyter-4.5.ipynb")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		nb, err := Read("b", data)
		if err != nil {
			b.Fatal(err)
		}
		nb.Bytes()
	}
}
