package hint

import (
	"regexp"
	"strings"
	"sync"
)

// A habit is a mistake of people who know Python, or Jupyter with Python, with a hint to the Go equivalent.
type habit struct {
	line    string // pattern of the line at fault; for an undefined name, of the rest of the line from that name
	message string // pattern of the message; empty matches all
	hint    string // ${1} is what the first group of message matched
	wrong   string // a cell that gets the hint
	right   string // a correct cell that follows the hint
}

var habits = []habit{
	{`^\s*for\s+[\pL\d_,\s]+\s+in\s`, `expected`,
		"Go loops over a range: for i := range 3 { … }, for i, x := range list { … }",
		"for i in range(3):\n    fmt.Println(i)", "for i := range 3 {\n\tfmt.Println(i)\n}"},
	{`^\s*while\b`, `expected`, "Go has no while; use for: for n < 3 { … }, or for { … } for an endless loop",
		"while true { break }", "for {\n\tbreak\n}"},
	{`^\s*(async\s+)?def\s`, `expected`, "A function in Go: func double(n int) int { return 2 * n }",
		"def double(n):\n    return 2 * n", "func double(n int) int { return 2 * n }"},
	{`^\s*async\s+func\b`, `expected`,
		"Any function can run concurrently: start it with go f(), or with lab.Go to get its result",
		"async func f() {}", "func f() {}\ngo f()"},
	{`\bawait\s`, `expected|undefined`,
		"Go has no await: a call waits for its result. lab.Go starts a task with Await(ctx); lab.Gather waits for several",
		"await f()", "func f() {}\nf()"},
	{`^\s*import\s+(asyncio|threading|multiprocessing|concurrent|queue)\b`,
		``, "Package lab has counterparts of Python's concurrency and needs no import: see %help",
		"import asyncio", "go func() {}()"},
	{`^\s*(import|from)\s+[\pL_]`, `import path|expected`,
		"Quote import paths: import \"os/exec\". In a cell the standard library needs no import",
		"from time import sleep", "time.Sleep(0)"},
	{`\blambda\b`, `expected`, "Write a function literal: func(n int) int { return 2 * n }",
		"y := lambda a: a", "y := func(a int) int { return a }\ny(1)"},
	{`\?\s*$|^\s*\?|^\s*help\(`, `'\?'|undefined: help`,
		"Write ? behind a name, on a line of its own: fmt.Println? shows the documentation, fmt.Println?? the source",
		"fmt.Println?", "fmt.Println()"},
	{`\?.*:`, `'\?'`, "Go has no ?: operator; use if … { … } else { … }",
		"x := 1\nx = x > 0 ? 1 : 2", "x := 1\nif x > 0 {\n\tx = 1\n} else {\n\tx = 2\n}"},
	{`^\s*(if|elif|else|for|try|with|class|switch|func)\b.*:\s*$`, ``, "Put a block in braces: if n > 0 { … } else { … }",
		"if 1 > 0:\n    fmt.Println()", "if 1 > 0 {\n\tfmt.Println()\n}"},
	{`^\s*(for|if|switch|func)\b[^{]*$`, `expected '\{', found newline|unexpected newline`,
		"Put the opening brace of a block at the end of the line",
		"for i := 0; i < 3; i++\n{\n}", "for i := 0; i < 3; i++ {\n}"},
	{`'`, `rune literal`,
		"Put a string in double quotes, \"hello\", or in backquotes; single quotes are for one character",
		"'hello'", "\"hello\""},
	{`=\s*\[`, `unexpected comma; expecting \]|expected operand`,
		"Write the type before the elements of a slice: []int{1, 2, 3}",
		"a := [1, 2, 3]", "a := []int{1, 2, 3}\na[0]"},
	{`=\s*\{`, `expected operand, found '\{'`,
		"Write the type before the elements of a map or slice: map[string]int{\"a\": 1}",
		"m := {\"a\": 1}", "m := map[string]int{\"a\": 1}\nm[\"a\"]"},
	{`struct\s*\{[^}]*,`, `found ','`, "Separate fields with newlines or semicolons: struct { a int; b int }",
		"type T struct { a int, b int }", "type T struct { a int; b int }"},
	{`\b(go|defer)\s+func\b`, `must be function call`, "Call the function: go func() { … }()",
		"go func() { fmt.Println() }", "go func() { fmt.Println() }()"},
	{`^\s*(go|defer)\s`, `must be function call`, "go and defer need a function call: go f()",
		"func f() {}\ngo f", "func f() {}\ngo f()"},
	{``, `^undefined: (None|null|NULL|nullptr)$`, "Go uses nil",
		"None", "var p *int = nil\np == nil"},
	{``, `^undefined: (self|this)$`, "A method names its receiver: func (p point) sum() int { return p.x + p.y }",
		"self", "type point struct{ x, y int }\nfunc (p point) sum() int { return p.x + p.y }"},
	{`\+\+|--`, `expected|unexpected newline`, "++ and -- are statements, not values: n++ on a line of its own",
		"n := 1\nm := n++", "n := 1\nn++\nm := n\nm"},
	{`\.(append|extend)\(`, `^undefined|undefined \(`, "Append to a slice with s = append(s, 3)",
		"list := []int{}\nlist.append(3)", "list := []int{}\nlist = append(list, 3)"},
	{`^\s*#`, ``, "A comment begins with //",
		"# a comment", "// a comment"},
	{`^\s*(\}\s*)?elif\b`, ``, "Go has no elif; use else if: } else if n > 0 {",
		"if true {\n} elif false {\n}", "if true {\n} else if false {\n}"},
	{`\b(and|or|not)\b`, `expected|undefined: (and|or|not)$`, "Go writes and, or and not as &&, || and !",
		"a := true and false", "a := true && !false\na"},
	{`\*\*`, `invalid operation|expected|indirect`, "Go has no power operator: use n * n, or math.Pow(2, 0.5)",
		"a := 2 ** 3", "a := 2 * 2 * 2\na"},
	{`\bf["']`, `expected|rune literal`, "Format a string with fmt.Sprintf(\"%v of %d\", name, 3)",
		"a := f\"{1}\"", "a := fmt.Sprintf(\"%v of %d\", \"x\", 3)\na"},
	{`^\s*(raise|try|except)\b`, ``, "Errors are values that functions return: v, err := f(); if err != nil { … }",
		"raise ValueError(\"no\")",
		"f := func() (int, error) { return 1, nil }\nv, err := f(); if err != nil { panic(err) }\nv"},
	{`^\s*with\b`, ``, "Defer what must run at the end of a function: mu.Lock(); defer mu.Unlock()",
		"with lock { }", "func() { defer fmt.Println() }()"},
	{`^\s*del\s`, ``, "Remove a key from a map with delete(m, key)",
		"del m[1]", "m := map[int]int{}\ndelete(m, 1)"},
	{`^\s*(class|pass|yield)\b`, ``,
		"Go has no such keyword: use a type with methods for a class, an empty block for pass, an iter.Seq for yield",
		"class point { }", "type point struct{ x, y int }"},
	{`\bstr\(`, `^undefined: str$`, "Convert to a string with fmt.Sprint(5)",
		"str(5)", "fmt.Sprint(5)"},
	{`\b(asyncio|threading|multiprocessing|concurrent|queue)\.`, `^undefined`,
		"Package lab has counterparts of Python's concurrency: lab.Go, lab.Gather, lab.NewPool, lab.NewQueue",
		"asyncio.run(1)", "go func() {}()"},
	{`^\s*%%`, `expected`, "Statements need no %% line before them: delete it. %help lists the magics",
		"%% -n 3\nfmt.Println()", "fmt.Println()"},
	{``, `^undefined: lab\.[\pL\d_]+$`,
		"The README of package lab lists Python's names and their counterparts: lab.Go, lab.Gather, lab.NewPool, lab.NewQueue …",
		"", ""},
	{``, `(?s)have \(context.*want \(context\.Context, lab\.Executor`,
		"The pool is the second argument: lab.NewPool(4), or nil for a pool of this call", "", ""},
	{``, `(as|match) func\(context\.Context\)`,
		"lab runs functions that take a context: func(ctx context.Context) (int, error) { … }, " +
			"or in a group func(ctx context.Context) error { … }",
		"func gather(fn func(context.Context) error) {}\ngather(func() {})",
		"func gather(fn func(context.Context) error) {}\ngather(func(ctx context.Context) error { return nil })"},
	{``, `in call to ([\pL\d_.]+).*cannot infer [A-Z]`,
		"The arguments do not determine the type; write it in brackets, such as ${1}[int](…)",
		"func make3[T any](n int) (t T) { return t }\nmake3(3)",
		"func make3[T any](n int) (t T) { return t }\nmake3[int](3)"},
	{``, `^undefined: (input|raw_input)$`, "Ask for input with display.Input(ctx, \"Name? \")",
		"input(\"name?\")", "fmt.Println()"},
	{``, `as context\.Context value in argument|(?s)have \((\)|[^c]).*want \(context\.Context`,
		"Functions that may wait take a context as first argument; in a cell, pass ctx",
		"func wait(c context.Context) {}\nwait(1)", "func wait(c context.Context) {}\nwait(ctx)"},
	{``, `truncated to time\.Duration|as time\.Duration value`, "Give a duration a unit: 1500*time.Millisecond",
		"time.Sleep(1.5)", "time.Sleep(15*time.Microsecond)"},
	{`^\s*[\pL_][\pL\d_]*(\s*,\s*[\pL_][\pL\d_]*)*\s*=[^=]`, `^undefined: [\pL\d_]+$`, "Declare a new variable with :=",
		"fresh = 5", "fresh := 5\nfresh"},
	{`^[^=]+,[^=]+$`, `expected 1 expression`, "A cell shows one value; print several with fmt.Println(a, b)",
		"a, b := 1, 2\na, b", "a, b := 1, 2\nfmt.Println(a, b)"},
	{`:=`, `no new variables`, "Assign to an existing variable with =",
		"x := 5\nx := 6", "x := 5\nx = 6"},
}

// Habit returns the hint for an error that is a known habit, empty for other errors. line is the line of the
// error, column its column in bytes, from 1.
func Habit(message, line string, column int) string {
	if strings.HasPrefix(message, "undefined: ") { // the text before the name is irrelevant
		line = line[min(column-1, len(line)):]
	}
	for i, re := range compiled() {
		if re.line.MatchString(line) && re.message.MatchString(message) {
			return string(re.message.ExpandString(nil, habits[i].hint, message, re.message.FindStringSubmatchIndex(message)))
		}
	}
	return ""
}

// compiled are the patterns of habits, compiled for the first error of the process.
var compiled = sync.OnceValue(func() (list []struct{ line, message *regexp.Regexp }) {
	for _, h := range habits {
		list = append(list, struct{ line, message *regexp.Regexp }{regexp.MustCompile(h.line), regexp.MustCompile(h.message)})
	}
	return list
})

// An Example is a cell with a habit, its hint, in which ${1} stands for a name of the cell, and a correct
// cell that follows the hint.
type Example struct{ Wrong, Hint, Right string }

// Examples returns one for each habit that a cell without package lab can show.
func Examples() (list []Example) {
	for _, h := range habits {
		if h.wrong != "" {
			list = append(list, Example{h.wrong, h.hint, h.right})
		}
	}
	return list
}
