package source

import (
	"regexp"
	"strings"
	"testing"
)

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestCaretsStandUnderWideCharacters(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{"fmt.Println(\"日本語\", x)": 22, "e\u0301 x": 2, "ab x": 3, "🙂 x": 3} {
		got := ansi.ReplaceAllString(caret(line, strings.Index(line, "x")+1), "")
		if got != strings.Repeat(" ", want)+"^" {
			t.Errorf("%q: %q, want %d columns", line, got, want)
		}
	}
}
