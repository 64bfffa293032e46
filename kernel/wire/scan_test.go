package wire

import (
	"encoding/json"
	"strings"
	"testing"
)

var jsons = []string{
	``, ` `, `{}`, `[]`, `{"a":1}`, `{"a":}`, `{"a"}`, `{a:1}`, `{,}`, `[,]`, `[1,]`, `[1 2]`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":[{"b":null}]}`,
	`"`, `"a`, `"\`, `"\"`, `"\\"`, `"\u00e9"`, `"\u00G9"`, `"\u00@9"`, `"\u00e"`, `"\x"`, "\"\\u\x10000\"", "\"\n\"", "\"\x1f\"", "\"\x7f\xff\"", "\"é\"",
	`true`, `tru`, `truee`, `false`, `null`, `nul`, `-`, `-0`, `01`, `0`, `1.`, `1.5`, `.5`, `1e`, `1e+`, `1E-5`, `1e5.`, `+1`, `1a`, `--1`, `-a`,
	"\t\r\n {} \t", `{}{}`, "\v1", `"12345678`, `"1234567\"8"`, `"12345678\u12345678"`,
	strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
	strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
	strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), strings.Repeat("[", 100),
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, s := range jsons {
		if got, want := valid([]byte(s)), json.Valid([]byte(s)); got != want {
			t.Errorf("valid(%.60q) = %t, json.Valid says %t", s, got, want)
		}
	}
}

// FuzzValid compares valid with the standard library.
func FuzzValid(f *testing.F) {
	for _, s := range jsons {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := valid(b), json.Valid(b); got != want {
			t.Errorf("valid(%q) = %t, json.Valid says %t", b, got, want)
		}
	})
}

// Each byte is found at each distance from the start of an eight-byte step.
func TestSpecial(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		want := c < 0x20 || c == '"' || c == '\\'
		for at := range 20 {
			for _, around := range []string{"a", "\x7f", "\x80", "\xff", " ", "#", "]"} {
				s := strings.Repeat(around, at) + string([]byte{byte(c)}) + strings.Repeat(around, 11) + "\""
				n := special(s, 0)
				if want && n != at || !want && n != len(s)-1 || special([]byte(s), 0) != n {
					t.Fatalf("special(%q) = %d", s, n)
				}
			}
		}
	}
}
