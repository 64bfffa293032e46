package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// messages is one of each kind, with every field set.
var messages = []any{
	Output{1, Stderr, "text\xff"},
	Display{2, Bundle{"a/b": json.RawMessage(`"x"`), "c": json.RawMessage("{}")}, Bundle{"m": json.RawMessage("1")}, "id", true},
	Result{3, Bundle{"text/plain": json.RawMessage(`"5"`)}, Bundle{"z": json.RawMessage("null")}},
	Clear{4, true},
	Input{5, "name?", true},
	Failed{6, "panic", "boom", []string{"a", "", "b"}},
	Restarted{7, "why", []string{"x"}, []string{"T: gone"}},
	Done{8, true, true, map[string]Expression{
		"good": {Bundle{"text/plain": json.RawMessage(`"1"`)}, Bundle{"k": json.RawMessage("2")}, nil},
		"bad":  {Failed: &Failed{8, "type error", "no", []string{"line"}}},
	}, "compiled", "// text", true, Bundle{"text/plain": json.RawMessage(`"page"`)}, "burns"},
	Recorded{9, []byte{0, 1, 2, 255}},
	ready{10}, begin{11}, fence{}, forget{}, restored{[]string{"x", "y"}, []string{"z"}},
	answered{Answered{
		15, Completion{3, 5, []Match{{"Println", "function", "(a ...any)"}, {"x", "", ""}}},
		Inspection{true, Bundle{"text/plain": json.RawMessage(`"x"`)}},
		[]Variable{{"list", "[]int", "[1]", "list"}, {Name: "n"}},
	}, "a bug"},
	answered{Answered: Answered{ID: 16}},
	hello{protocolVersion, newNonce()},
	Cell{12, 3, "x := 1 // \xff", true, true, true, []string{"jupyter.widget"}, map[string]string{"a": "1", "b": ""}},
	interrupt{13}, answer{14, "yes"}, restore{[]string{"one", ""}}, shutdown{},
	Question{17, true, false, "x \xff", 2, 1},
	Question{ID: 18, Variables: true, Code: "list/3"},
	Comm{18, 19, "id", CommOpen, "target", json.RawMessage("{}"), json.RawMessage(`{"version":"2.1.0"}`), [][]byte{{0, 255}, {}}},
	toComm{Comm{Re: 20, ID: "id", Op: CommClose}},
}

func TestFrames(t *testing.T) {
	t.Parallel()
	var stream []byte
	for i, m := range messages {
		var err error
		if stream, err = appendFrame(stream, frame{uint8(i % 4), uint64(i), m}); err != nil {
			t.Fatal(err)
		}
	}
	// However the pipe cuts it.
	for _, r := range []io.Reader{bytes.NewReader(stream), oneByte{bytes.NewReader(stream)}} {
		fr := &frameReader{r: r}
		for i, m := range messages {
			f, err := fr.next()
			if err != nil {
				t.Fatalf("%T: %v", m, err)
			}
			if !reflect.DeepEqual(f, frame{uint8(i % 4), uint64(i), m}) {
				t.Errorf("got %#v, want %#v", f, m)
			}
		}
		if _, err := fr.next(); err != io.EOF {
			t.Error(err)
		}
	}
	for cut := 1; cut < 40; cut++ {
		fr := &frameReader{r: bytes.NewReader(stream[:cut])}
		for {
			_, err := fr.next()
			if err == nil {
				continue
			}
			if err != io.ErrUnexpectedEOF && !(err == io.EOF && len(stream[:cut]) == cut && isBoundary(stream, cut)) {
				t.Errorf("cut at %d: %v", cut, err)
			}
			break
		}
	}
}

// isBoundary reports whether a frame ends at cut.
func isBoundary(stream []byte, cut int) bool {
	for at := 0; at < len(stream); {
		at += sizeLen + int(stream[at])<<24 + int(stream[at+1])<<16 + int(stream[at+2])<<8 + int(stream[at+3])
		if at == cut {
			return true
		}
	}
	return false
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

func TestRawOutputIsOutput(t *testing.T) {
	t.Parallel()
	a, _ := appendFrame(nil, frame{msg: rawOutput{1, Stdout, []byte("x")}})
	b, _ := appendFrame(nil, frame{msg: Output{1, Stdout, "x"}})
	if !bytes.Equal(a, b) {
		t.Errorf("% x\n% x", a, b)
	}
}

func TestFrameErrors(t *testing.T) {
	t.Parallel()
	if _, err := appendFrame(nil, frame{msg: "a string"}); err == nil {
		t.Error("a string was sent")
	}
	if b, err := appendFrame([]byte("before"), frame{msg: Output{Text: strings.Repeat("x", maxFrame)}}); !errors.Is(err, errFrameSize) || string(b) != "before" {
		t.Error(err, len(b))
	}
	for name, b := range map[string][]byte{
		"no size":       {0, 0, 0, 0},
		"giant":         {0xFF, 0xFF, 0xFF, 0xFF},
		"unknown kind":  {0, 0, 0, 10, 200, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"unknown marks": {0, 0, 0, 10, byte(kindFence), 4, 0, 0, 0, 0, 0, 0, 0, 0},
		"rest":          {0, 0, 0, 11, byte(kindFence), 0, 0, 0, 0, 0, 0, 0, 0, 0, 7},
	} {
		if _, err := (&frameReader{r: bytes.NewReader(b)}).next(); err == nil || err == io.EOF {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever decodes encodes to the same bytes, and nothing makes the decoder panic or allocate more than it was given.
func FuzzFrame(f *testing.F) {
	for i, m := range messages {
		b, err := appendFrame(nil, frame{uint8(i % 4), uint64(i), m})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[sizeLen:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := decodeFrame(b)
		if err != nil {
			return
		}
		again, err := appendFrame(nil, fr)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again[sizeLen:], b) {
			t.Fatalf("decoded % x\nencoded % x", b, again[sizeLen:])
		}
	})
}
