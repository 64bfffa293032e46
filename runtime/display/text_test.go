package display_test

//lint:file-ignore U1000 what is shown or skipped by way of reflection

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"pgregory.net/rapid"

	"interleave/runtime/display"
	"interleave/runtime/host"
)

type (
	named    int
	speaker  struct{ n int }
	pspeaker struct{ n int }
	failing  struct{}
	formatty struct{ a, b any }
	errorer  struct{ s string }
	outer    struct {
		A int
		b string
		C any
		d any
		e *int
		F named
		g speaker
		H speaker
		i error
		J error
		k []speaker
		L map[speaker]any
		m [2]bool
		N *speaker
		o func()
		P chan int
		q fmt.Stringer
		R reflect.Value
		embedded
	}
	embedded struct{ X, y float32 }
)

func (n named) String() string     { return fmt.Sprintf("<%d>", int(n)) }
func (s speaker) String() string   { return fmt.Sprint("speaker ", s.n) }
func (s *pspeaker) String() string { return fmt.Sprint("pointer ", s.n) }
func (failing) Error() string      { panic("failed") }
func (e errorer) Error() string    { return e.s }
func (f formatty) Format(s fmt.State, verb rune) {
	w, ok := s.Width()
	fmt.Fprintf(s, "%c %d %t %t %v/%v", verb, w, ok, s.Flag('+'), f.a, f.b)
}

// Texts are fmt's where neither is a value too large nor does it contain itself.
func TestSprintIsFmt(t *testing.T) {
	t.Parallel()
	n, any1 := 7, any(7)
	ch := make(chan int)
	var nilSpeaker *speaker
	var nilPSpeaker *pspeaker
	for _, v := range []any{
		nil, true, 1, int8(-1), uint8(200), uintptr(9), 'x', 1.5, float32(0.1), 1e21, 1e6, 1e-7, math.NaN(), math.Inf(-1), math.Copysign(0, -1), 2 + 3i, complex64(1),
		"text", "", "a\x80b", []byte("bytes"), [3]byte{1, 2, 3}, named(4), []named{1, 2}, map[named]named{2: 1, 1: 2},
		speaker{1}, &speaker{2}, nilSpeaker, nilPSpeaker, &pspeaker{3}, pspeaker{4}, []pspeaker{{5}}, []*pspeaker{nil}, failing{}, []error{failing{}, nil, errorer{"e"}},
		formatty{1, "x"}, []any{formatty{nil, speaker{6}}, &formatty{}}, errorer{"broken"}, io.EOF, fmt.Errorf("a: %w", errorer{"b"}),
		[]int(nil), []int{}, []any{nil, 1, "a", []any{}}, [0]int{}, [][]int{{1}, nil, {2, 3}}, map[string]int(nil), map[string]int{}, map[string][]int{"b": {1}, "a": nil},
		map[any]any{1: "a", "b": 2, 2.5: nil, nil: 3}, map[[2]int]bool{{2, 1}: true, {1, 2}: false}, map[struct{ a, b string }]int{{"b", "a"}: 1, {"a", "c"}: 2, {"a", "b"}: 3},
		map[float64]int{math.NaN(): 1, math.Inf(-1): 2, 0: 3}, map[bool]int{true: 1, false: 0}, map[complex128]int{1i: 1, 1: 2},
		&n, &any1, ch, (chan int)(nil), unsafe.Pointer(&n), (func())(nil), (*int)(nil), &[]int{1}, &map[string]int{"a": 1}, &[2]int{1, 2}, &struct{ p *int }{&n},
		struct{}{}, &struct{}{}, struct {
			a any
			b *[]int
		}{&n, &[]int{1}},
		outer{}, &outer{A: 1, b: "b", C: speaker{1}, d: speaker{2}, e: &n, F: 3, g: speaker{4}, H: speaker{5}, i: io.EOF, J: io.EOF, k: []speaker{{6}}, L: map[speaker]any{{7}: speaker{8}},
			N: &speaker{9}, P: ch, q: speaker{10}, R: reflect.ValueOf(11), embedded: embedded{1.5, 2.5}},
		reflect.ValueOf(speaker{1}), reflect.ValueOf([]int{1}), reflect.Value{}, reflect.TypeFor[speaker](), []reflect.Value{reflect.ValueOf(1)},
		time.Second, time.Unix(0, 0).UTC(), time.March, netip.MustParseAddr("::1"), big.NewInt(12), []*big.Int{big.NewInt(1), nil}, (*big.Int)(nil), *big.NewRat(1, 2), big.NewFloat(1.5),
		errors.Join(io.EOF, errorer{"x"}), struct{ error }{io.EOF}, struct{ fmt.Stringer }{speaker{3}},
	} {
		want := strings.ToValidUTF8(fmt.Sprint(v), "\uFFFD")
		got, _, _ := strings.Cut(display.Sprint(v), "\n(wraps ")
		if got != want {
			t.Errorf("%T:\n got %s\nwant %s", v, got, want)
		}
	}
}

// The same for values of random types.
func TestSprintIsFmtRandom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var value func(depth int) any
		value = func(depth int) any {
			if depth == 0 {
				return rapid.OneOf(rapid.Int().AsAny(), rapid.String().AsAny(), rapid.Float64().AsAny(), rapid.Float32().AsAny(), rapid.Bool().AsAny(), rapid.Byte().AsAny(),
					rapid.Just(any(nil)), rapid.Map(rapid.Int(), func(i int) any { return named(i) }), rapid.Map(rapid.Int(), func(i int) any { return &speaker{i} })).Draw(t, "leaf")
			}
			n := rapid.IntRange(0, 4).Draw(t, "n")
			switch rapid.IntRange(0, 7).Draw(t, "kind") {
			case 0:
				list := make([]any, n)
				for i := range list {
					list[i] = value(depth - 1)
				}
				return list
			case 1:
				m := map[string]any{}
				for i := range n {
					m[fmt.Sprint(i*7%5)] = value(depth - 1)
				}
				return m
			case 2:
				m := map[any]any{}
				for range n {
					m[value(0)] = value(depth - 1)
				}
				return m
			case 3:
				return struct {
					A, b any
				}{value(depth - 1), value(depth - 1)}
			case 4:
				v := value(depth - 1)
				return &v
			case 5:
				return [2]any{value(depth - 1), value(depth - 1)}
			case 6:
				return &[]any{value(depth - 1)}
			default:
				return outer{C: value(depth - 1), d: value(depth - 1)}
			}
		}
		v := value(rapid.IntRange(0, 4).Draw(t, "depth"))
		want := strings.ToValidUTF8(fmt.Sprint(v), "\uFFFD")
		if got := display.Sprint(v); got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	})
}

type (
	selfMap   map[string]selfMap
	selfSlice []selfSlice
	node      struct {
		Name     string
		Children []any
		Parent   map[string]any
	}
)

func TestCyclesAreCut(t *testing.T) {
	t.Parallel()
	tree := map[string]any{"name": "root"}
	tree["parent"] = tree
	list := []any{1, nil}
	list[1] = list
	var self any = &list
	m := selfMap{}
	m["m"] = m
	s := selfSlice{nil}
	s[0] = s
	n := node{Name: "n", Parent: map[string]any{}}
	n.Children, n.Parent["n"] = []any{n.Parent}, &n
	inner := []any{nil}
	both := map[int]any{1: inner}
	inner[0] = both
	var loop any
	loop = &loop
	for _, c := range []struct {
		v    any
		want string
	}{
		{tree, "map[name:root parent:map[...]]"},
		{list, "[1 [...]]"},
		{&list, "&[1 [...]]"},
		{m, "map[m:map[...]]"},
		{s, "[[...]]"},
		{n, fmt.Sprintf("{n [map[n:%p]] map[n:%p]}", &n, &n)},
		{both, "map[1:[map[...]]]"},
		{[]any{tree, tree}, "[map[name:root parent:map[...]] map[name:root parent:map[...]]]"},
		{loop, fmt.Sprint(loop)},
		{self, "&[1 [...]]"},
	} {
		if got := display.Sprint(c.v); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestDeepValuesAreCut(t *testing.T) {
	t.Parallel()
	var v any = 1
	for range 900 {
		v = []any{v}
	}
	if got := display.Sprint(v); got != fmt.Sprint(v) {
		t.Errorf("900 deep: %d bytes", len(got))
	}
	for range 100_000 {
		v = struct{ v any }{v}
	}
	if got, want := display.Sprint(v), strings.Repeat("{", 10_001)+"…"+strings.Repeat("}", 10_001); got != want {
		t.Errorf("%.20q … %d bytes, want %d", got, len(got), len(want))
	}
}

type endless struct{ bytes *int }

func (e endless) Format(s fmt.State, _ rune) {
	for {
		n, _ := io.WriteString(s, strings.Repeat("x", 1000))
		*e.bytes += n
	}
}

// A text ends at 100 kB, and not much more is formatted.
func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	written := 0
	numbers := map[int]int{}
	for i := range 300_000 {
		numbers[i] = i
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 100_000_000)
	for _, c := range []struct {
		name string
		v    any
		want string // a pattern
	}{
		{"bytes", make([]byte, 5_000_000), `^\[0 0 (0 )+0\n… 4.950.00\d more elements; fmt\.Println shows all …\n(0 )+0\]$`},
		{"long elements", []any{strings.Repeat("a", 90_000), 1, 2, strings.Repeat("b", 30_000), 4}, `^\[a+\n… 3 more elements; fmt\.Println shows all …\n4\]$`},
		{"array", [60_000]int{}, `more elements; fmt\.Println shows all …\n(0 )+0\]$`},
		{"pointer", &[]string{strings.Repeat("x", 200_000)}, `^&\[x+\n… there is more, which was not formatted; fmt\.Println shows all …$`},
		{"map", map[string]string{"a": strings.Repeat("x", 60_000), "b": strings.Repeat("y", 60_000)}, `^map\[a:x+ b:y+\n… there is more`},
		{"very large map", numbers, `(?s)^map\[\d+:\d+ .*there is more`},
		{"format", endless{&written}, `^x+\n… there is more`},
		{"in a list", []any{1, endless{&written}, 3}, `(?s)^\[1\n… 1 more elements.*\n3\]$`},
		{"big number", huge, `^<\*big\.Int of 100.000.001 bits, about 30.103.000 decimal digits>$`},
		{"big numbers", []*big.Int{huge}, `^\[<\*big\.Int of `},
		{"wide", make([]struct{ a, b, c, d, e, f, g, h int }, 30_000), `(?s)^\[\{0 0 0 0 0 0 0 0\} .*more elements`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := display.Sprint(c.v)
			if !regexp.MustCompile(c.want).MatchString(got) {
				t.Errorf("%d bytes: %.100q … %.200q, want %s", len(got), got, got[max(0, len(got)-200):], c.want)
			}
			if len(got) > 112_000 || !utf8.ValidString(got) {
				t.Errorf("%d bytes, valid %t", len(got), utf8.ValidString(got))
			}
		})
	}
	if written > 300_000 {
		t.Errorf("a Format method wrote %d bytes for nothing", written)
	}
}

// A long string is shown from both ends, and it says how much is missing.
func TestLongStrings(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "x", strings.Repeat("x", 100_000), strings.Repeat("€", 33_333)} {
		if got := display.Sprint(s); got != s {
			t.Errorf("of %d bytes %d are shown", len(s), len(got))
		}
	}
	for _, s := range []string{strings.Repeat("x", 100_001), strings.Repeat("x", 5_000_000), strings.Repeat("€", 1_000_000), "x" + strings.Repeat("€", 1_000_000)} {
		for _, v := range []any{s, errorer{s}} {
			got := display.Sprint(v)
			m := regexp.MustCompile(`(?s)^(.*)\n… ([\d ]+) more bytes; fmt.Println shows all …\n(.*)$`).FindStringSubmatch(strings.ReplaceAll(got, "\u2009", " "))
			if len(got) > 100_200 || m == nil {
				t.Errorf("of %d bytes %d are shown: %.40q", len(s), len(got), got)
				continue
			}
			var missing int
			fmt.Sscan(strings.ReplaceAll(m[2], " ", ""), &missing)
			if len(m[1])+missing+len(m[3]) != len(s) || !strings.HasPrefix(s, m[1]) || !strings.HasSuffix(s, m[3]) {
				t.Errorf("of %d bytes %d and %d are shown, %s are missing", len(s), len(m[1]), len(m[3]), m[2])
			}
		}
	}
}

func double(n int) int { return 2 * n }

type handler func(string) error

func (h handler) Serve() {}

func handle(string) error { return nil }

func TestFunctions(t *testing.T) {
	t.Parallel()
	made := reflect.MakeFunc(reflect.TypeFor[func(int) string](), nil).Interface()
	literal := func(a, b int) (int, error) { return a, nil }
	for _, c := range []struct {
		v    any
		want string
	}{
		{double, `^func display_test\.double\(int\) int, at text_test\.go:\d+$`},
		{strings.ToUpper, `^func strings\.ToUpper\(string\) string, at strings\.go:\d+$`},
		{literal, `^func\(int, int\) \(int, error\), a function literal at text_test\.go:\d+$`},
		{handler(handle), `^display_test\.handler\(display_test\.handle\), at text_test\.go:\d+$`},
		{speaker{1}.String, `^func\(\) string, the method speaker\.String$`},
		{(*speaker).String, `\(\*speaker\)\.String`},
		{made, `^func\(int\) string$`},
		{(func())(nil), `^<nil>$`},
	} {
		if got := display.Sprint(c.v); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%T: %s, want %s", c.v, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	_, err := os.Open("/nonexistent")
	for _, c := range []struct {
		err  error
		want string
	}{
		{io.EOF, "EOF"},
		{fmt.Errorf("read: %w", io.EOF), "read: EOF"},
		{err, "open /nonexistent: no such file or directory\n(*fs.PathError, which wraps syscall.Errno)"},
		{fmt.Errorf("start: %w", err), "start: open /nonexistent: no such file or directory\n(wraps *fs.PathError, syscall.Errno)"},
		{errors.Join(io.EOF, syscall.ENOENT, &fs.PathError{Op: "a", Path: "b", Err: io.EOF}), "EOF\nno such file or directory\na b: EOF\n(wraps syscall.Errno, *fs.PathError)"},
	} {
		if got := display.Sprint(c.err); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

type recursive struct{ text string }

func (r recursive) String() string { runtime.Goexit(); return r.text }

type recursiveHTML struct{ recursive }

func (recursiveHTML) HTML() string { runtime.Goexit(); return "" }

// A host can survive methods that do not return; what is shown reports it, and everything else is shown.
func TestCall(t *testing.T) { // not parallel: there is one host
	ended := errors.New("did not return")
	turn.Lock()
	defer turn.Unlock()
	defer host.Set(host.Host{Call: func(f func()) error {
		err := ended
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
			err = nil
		}()
		<-done
		return err
	}})()
	for _, c := range []struct {
		v    any
		want string
	}{
		{recursive{}, "%!v(PANIC=String method: did not return)"},
		{[]any{1, recursive{}, speaker{2}, recursive{}, 3}, "[1 %!v(PANIC=String method: did not return) speaker 2 %!v(PANIC=String method: did not return) 3]"},
		{make([]recursive, 6), "[" + strings.Repeat("%!v(PANIC=String method: did not return) ", 4) + "<display_test.recursive> <display_test.recursive>]"},
		{map[string]recursive{"a": {}}, "map[a:%!v(PANIC=String method: did not return)]"},
		{speaker{1}, "speaker 1"},
	} {
		if got := display.Sprint(c.v); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	data, _, err := display.Bundle(recursiveHTML{})
	if err == nil || !strings.Contains(err.Error(), "recursiveHTML.HTML: did not return") || data["text/plain"] != "%!v(PANIC=String method: did not return)" || len(data) != 1 {
		t.Errorf("%v, %v", data, err)
	}
	defer host.Set(host.Host{Call: func(func()) error { return fmt.Errorf("interrupted: %w", host.ErrRunning) }})()
	if got := display.Sprint(speaker{1}); got != "<display_test.speaker> (interrupted: it could not be stopped and still runs)" {
		t.Errorf("got %q", got)
	}
}

func BenchmarkSprint(b *testing.B) {
	numbers := make([]int, 10_000)
	for name, f := range map[string]func(any) string{"display": display.Sprint, "fmt": func(v any) string { return fmt.Sprint(v) }} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f(numbers)
			}
		})
	}
}
