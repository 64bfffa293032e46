package corpustest

import (
	"os"
	"slices"
	"testing"
)

func TestFormatGivesTheFile(t *testing.T) {
	t.Parallel()
	cases, err := Load(corpus)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		data, err := os.ReadFile(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(c.Format()); got != string(data) {
			t.Errorf("%s: reading and writing gives\n%s", c.Name, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no text":         "-- cell --\n1\n",
		"no cells":        "Nothing.\n",
		"unknown header":  "Text.\nengines: fast\n-- cell --\n1\n",
		"no reason":       "Text.\nverify: no\n-- cell --\n1\n",
		"unknown section": "Text.\n-- cell --\n1\n-- stdout --\n1\n",
		"out of order":    "Text.\n-- out --\n1\n-- cell --\n1\n",
	} {
		if _, err := parse("x.txtar", []byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ printed, value, want string }{
		{"", "", ""}, {"a", "", "a\n"}, {"a\n", "", "a\n"}, {"", "v", "v\n"}, {"a", "v", "a\nv\n"}, {"a\n", "v\n", "a\nv\n"}, {"\n", "", "\n"},
	} {
		if got := Shown(c.printed, c.value); got != c.want {
			t.Errorf("Shown(%q, %q) = %q, not %q", c.printed, c.value, got, c.want)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	got := Missing("one\n\n  two\nthree\nthree\n", "a one b\ntwo")
	if !slices.Equal(got, []string{"three"}) {
		t.Errorf("missing %q", got)
	}
}
