//go:build unix

package unbroken

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"interleave/kernel/wire"
)

// A shown value is one whose methods never let go. Each prints "ready" when it is about to, and then the cell is interrupted.
var shown = []struct {
	name, code string
	says       string // a pattern of what else the cell says
}{
	{"HTML loops", "func (shy) HTML() string {\n\t" + ready + "\tfor {\n\t}\n}\nshy{1}", `main\.shy\d+\.HTML: interrupted`},
	{"String loops", "func (shy) String() string {\n\t" + ready + "\tfor {\n\t}\n}\nshy{1}", ``},
	{"String loops in a list", "func (shy) String() string {\n\t" + ready + "\tfor {\n\t}\n}\n[]shy{{1}, {2}}", ``},
	{"Error waits", "func (shy) Error() string {\n\t" + ready + "\tselect {}\n}\nshy{1}", `could not be stopped`},
	{"PNG burns in a library", "func (shy) PNG() []byte {\n\t" + ready + "\treturn new(big.Int).MulRange(1, 1<<40).Bytes()\n}\nshy{1}", `main\.shy\d+\.PNG: interrupted`},
	{"Format writes without end", "func (shy) Format(s fmt.State, _ rune) {\n\t" + ready + "\tfor {\n\t\tfmt.Fprint(io.Discard, s)\n\t}\n}\nshy{1}", ``},
	{"a method prints without end", "func (shy) Markdown() string {\n\t" + ready + "\tfor {\n\t\tfmt.Println(\"and so on\")\n\t}\n}\nshy{1}", `main\.shy\d+\.Markdown: interrupted`},
	{"two values", "func (shy) String() string {\n\t" + ready + "\tfor {\n\t}\n}\nfunc both() (int, shy) { return 1, shy{2} }\nboth()", ``},
	{"display.Show", "func (shy) HTML() string {\n\t" + ready + "\tfor {\n\t}\n}\ndisplay.Show(shy{1})", ``},
	{"display.JSON", "func (shy) MarshalJSON() ([]byte, error) {\n\t" + ready + "\tfor {\n\t}\n}\ndisplay.JSON(shy{1})", ``},
	{"Size loops", "func (shy) Size() (int, int) {\n\t" + ready + "\tfor {\n\t}\n}\nfunc (shy) PNG() []byte {\n\tvar b bytes.Buffer\n\tpng.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1)))\n\treturn b.Bytes()\n}\nshy{1}", `main\.shy\d+\.Size: interrupted`},
	{"a library's loop that calls nothing", "func (shy) String() string {\n\t" + ready + "\ta := ring.New(1)\n\tb := *a\n\tb.Len()\n\treturn \"\"\n}\nshy{1}", `could not be stopped and still runs`},
}

// shy is a cell with a type of its own: one that is defined again would keep its methods.
func shy(i int, code string) string {
	return strings.ReplaceAll("type shy struct{ n int }\n"+code, "shy", fmt.Sprint("shy", i))
}

// Showing a value can be interrupted at any time, and costs nothing.
func TestShownValuesAreInterrupted(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for i, c := range shown {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			s := k.runUntil(shy(i, c.code), k.interrupt)
			if s.status != wire.Error || !strings.HasPrefix(s.err, "interrupted: the cell was interrupted") {
				t.Error(s.said())
			}
			if !regexp.MustCompile(c.says).MatchString(s.said()) {
				t.Errorf("no %s in\n%s", c.says, s.said())
			}
			k.whole(s, false)
		})
	}
}

// Methods that end badly while their value is shown cost the text that they would have given.
func TestShownValuesThatFail(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for i, c := range []struct{ name, code, result, err, stderr string }{
		{"String calls itself", "func (s shy) String() string { return fmt.Sprint(s) }\nshy{1}", `^%!v\(PANIC=String method: it calls itself without end\)$`, `^$`, `^$`},
		{"HTML calls itself", "func (s shy) HTML() string { return s.HTML() }\nshy{1}", `^$`, `^display: main\.shy\d+\.HTML: it calls itself without end$`, `^$`},
		{"String ends its goroutine", "func (s shy) String() string { runtime.Goexit(); return \"\" }\nshy{1}", `^%!v\(PANIC=String method: it ended its goroutine\)$`, `^$`, `^$`},
		{"String calls os.Exit", "func (s shy) String() string { os.Exit(3); return \"\" }\nshy{1}", `^%!v\(PANIC=String method: it called os\.Exit\)$`, `^$`, `^$`},
		{"String panics", "func (s shy) String() string { panic(s.n) }\nshy{1}", `^%!v\(PANIC=String method: 1\)$`, `^$`, `^$`},
		{"String panics with itself", "func (s shy) String() string { panic(s) }\nshy{1}", `^%!v\(PANIC=String method: `, `^$`, `^$`},
		{"SVG panics beside HTML", "func (s shy) SVG() string { panic(1) }\nfunc (s shy) HTML() string { return \"<b>\" }\nshy{1}", `^<main\.shy\d+>$`, `^$`, `main\.shy\d+\.SVG: panic: 1`},
		{"too much HTML", "func (s shy) HTML() string { return strings.Repeat(\"x\", 300<<20) }\nshy{1}", `^$`, `^$`, `more than 256 MiB cannot be shown`},
		{"more text than is shown", "func (s shy) String() string { return strings.Repeat(\"x\", 5_000_000) }\nshy{1}", `(?s)^x+\n… .* more bytes; fmt\.Println shows all …\nx+$`, `^$`, `^$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			s := k.run(shy(i, c.code))
			err := s.err
			if !regexp.MustCompile(c.result).MatchString(s.result) || !regexp.MustCompile(c.err).MatchString(err) || !regexp.MustCompile(c.stderr).MatchString(s.stderr) {
				t.Errorf("want result %s, error %s, stderr %s\n%.2000s", c.result, c.err, c.stderr, s.said())
			}
			k.whole(seen{}, false)
		})
	}
}
