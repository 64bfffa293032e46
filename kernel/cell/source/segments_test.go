package source

import (
	"strings"
	"testing"
)

func TestSegments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"x := 1":                      "go1",
		"%who":                        "line:who",
		"x := 7 %\n3":                 "go1",
		"x := 1\n%who\ny := 2":        "go1 line:who go3",
		"!ls -l\nx := 1":              "shell:ls -l go2",
		"%%time\nx := 1":              "cell:time",
		"s := `\n%who\n!ls\n`":        "go1",
		"f(\n!ok)":                    "go1",
		"/*\n%who\n*/":                "go1",
		"\n\n%%bash\nls":              "cell:bash",
		"if !ok {\n}":                 "go1",
		"x := a &&\n!b":               "go1",
		"// it's 100 %\n%engine auto": "go1 line:engine",
		"// a comment\n//| echo: false\n\n%%bash\nls": "cell:bash",
		"func f() {}\n%%\nf()":                        "go1",
		"%main\nf()":                                  "go1",
		"!ls \\\n  -l\nx := 1":                        "shell:ls \\\n  -l go3",
		"!ls \\\\\nx := 1":                            "shell:ls \\\\ go2",
		"x := 1\r\n!ls\r\n":                           "go1 shell:ls",
		"lab.Gather?":                                 "help:lab.Gather?",
		"x := 1\nx.Method??  // all of it\ny := 2":    "go1 help:x.Method?? go3",
		"?x\n ?? %time\n%%time?":                      "help:x? help:%time?? help:%%time?",
		"s := `\nx?\n`\n// x?\n\"x?\"":                "go1",
		"f(\nx?\n)":                                   "go1",
		"%%time?":                                     "help:%%time?",
		"x := a?":                                     "go1",
	} {
		var got []string
		for _, s := range Segments(text) {
			switch s.Kind {
			case GoCode:
				got = append(got, "go"+string(rune('0'+s.Line)))
			case LineMagic:
				got = append(got, "line:"+s.Name)
			case CellMagic:
				got = append(got, "cell:"+s.Name)
			case HelpLine:
				got = append(got, "help:"+s.Name+s.Args)
			case ShellLine:
				got = append(got, "shell:"+s.Args)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestIsComplete(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"x := 1": "complete", "for {": "incomplete", "f(1,\n": "incomplete", "s := `a": "incomplete", "x :=": "incomplete", "/* a": "incomplete",
		"}": "invalid", "x := 'ab'": "invalid", "func f() {\n}": "complete", "%who": "complete", "": "complete", "x +": "incomplete", "if x y z": "invalid",
	} {
		if got, _ := IsComplete(code); got != want {
			t.Errorf("%q: %s, want %s", code, got, want)
		}
	}
	if _, indent := IsComplete("for {\nif x {"); indent != "\t\t" {
		t.Errorf("indent %q", indent)
	}
}

// Segments keep every line where it was.
func FuzzSegments(f *testing.F) {
	for _, s := range []string{"x := 1\n%who\ny", "%%time\nx", "!ls", "`\n%a\n`", "\"%\"\n%b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		for _, s := range Segments(text) {
			if s.Kind != GoCode && s.Kind != CellMagic {
				continue
			}
			for i, l := range strings.Split(s.Text, "\n") {
				if l != "" && (i >= len(lines) || l != lines[i]) {
					t.Errorf("line %d of a segment is %q in %q", i+1, l, text)
				}
			}
		}
		IsComplete(text)
	})
}
