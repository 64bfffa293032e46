package corpustest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"interleave/install/hosttest"
)

const (
	expressionsFile = "../testdata/expressions.txt"
	offendersFile   = "../testdata/expressions-known.txt"

	// leastExpressions is how many of the expressions the interpreter must accept today. Raise it as it accepts more.
	leastExpressions = 144
)

// TestStandardExpressions runs one-line expressions over the standard library in both engines. They show the same, or the
// interpreter refuses the cell with line, construct and remedy. Expressions that do something else stand in offendersFile
// with the message; -update writes that file.
func TestStandardExpressions(t *testing.T) {
	t.Parallel()
	if hosttest.Toolchain(t, hosttest.Host(t)).Strategy() != "memory" {
		t.Skip("cells are plugins here, which take a second each to build")
	}
	data, err := os.ReadFile(expressionsFile)
	if err != nil {
		t.Fatal(err)
	}
	var expressions []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			if slices.Contains(expressions, line) {
				t.Errorf("twice: %s", line)
			}
			expressions = append(expressions, line)
		}
	}
	known, err := readOffenders()
	if err != nil {
		t.Fatal(err)
	}
	engines := []string{"compiled", "yaegi"}
	seen := make([][]Seen, len(engines))
	var wg sync.WaitGroup
	for i, engine := range engines {
		k := Start(t, t.TempDir(), engine, time.Minute)
		seen[i] = make([]Seen, len(expressions))
		wg.Go(func() {
			for n, x := range expressions {
				got, err := k.Try(x, time.Second)
				if err != nil {
					t.Errorf("%s in %s: %v", x, engine, err)
					return // the session is not in a known state
				}
				seen[i][n] = got
			}
		})
	}
	wg.Wait()
	accepted, refused := 0, 0
	var offenders strings.Builder
	for n, x := range expressions {
		compiled, interpreted := seen[0][n], seen[1][n]
		if kind, _, _ := strings.Cut(compiled.Err, ": "); slices.Contains([]string{"TypeError", "SyntaxError", "internal error"}, kind) {
			t.Errorf("%s: the compiler does not accept it: %s", x, compiled.Err)
		}
		why, isRefusal := unlike(compiled, interpreted)
		switch {
		case why == "" && isRefusal:
			refused++
			t.Logf("refused: %s: %s", x, firstLine(interpreted.Err))
		case why == "":
			accepted++
		default:
			fmt.Fprintf(&offenders, "%s\t%s\n", x, why)
		}
		switch message, listed := known[x]; {
		case *update:
		case why != "" && !listed:
			t.Errorf("%s: %s", x, why)
		case why != message:
			t.Errorf("%s: %s lists it with %q, and now it is %q", x, offendersFile, message, cmp.Or(why, "right or refused: strike it"))
		}
	}
	t.Logf("of %d expressions the interpreter accepts %d and refuses %d, and %d are known offenders",
		len(expressions), accepted, refused, len(expressions)-accepted-refused)
	if accepted < leastExpressions {
		t.Errorf("the interpreter accepts %d expressions, less than %d", accepted, leastExpressions)
	}
	if *update {
		head := "# Expressions that the interpreter neither runs as the compiler does nor refuses with line, construct and remedy, each with what it does,\n" +
			"# behind a tab. Written by go test ./kernel/engine/corpustest -run TestStandardExpressions -update.\n"
		if err := os.WriteFile(offendersFile, []byte(head+offenders.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// unlike returns what is wrong with an interpreted cell that must show what the compiled one shows, unless it was refused.
func unlike(compiled, interpreted Seen) (why string, refusal bool) {
	_, reason, isRefusal := Refusal(interpreted.Err)
	first := firstLine(interpreted.Err)
	switch {
	case Broken(first):
		return first, false
	case isRefusal && reason != "" && interpreted.Out == "":
		return "", true
	case isRefusal:
		return "no line, construct or remedy: " + first, true
	case interpreted.Out != compiled.Out:
		return fmt.Sprintf("shows %q, compiled %q", interpreted.Out, compiled.Out), false
	case first != firstLine(compiled.Err):
		return fmt.Sprintf("error %q, compiled %q", first, firstLine(compiled.Err)), false
	case interpreted.Stderr != compiled.Stderr:
		return fmt.Sprintf("standard error %q, compiled %q", interpreted.Stderr, compiled.Stderr), false
	case interpreted.Engine != "yaegi":
		return fmt.Sprintf("ran in engine %q", interpreted.Engine), false
	}
	return "", false
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// readOffenders reads the expressions that are known to be wrong, with what they do.
func readOffenders() (map[string]string, error) {
	known := map[string]string{}
	data, err := os.ReadFile(offendersFile)
	if errors.Is(err, os.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' {
			continue
		}
		x, why, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, fmt.Errorf("%s: no message behind %s", offendersFile, line)
		}
		known[x] = why
	}
	return known, nil
}

// TestTry lets a cell run longer than it may: the interrupt ends it, and the session is as it was.
func TestTry(t *testing.T) {
	t.Parallel()
	k := Start(t, t.TempDir(), "auto", 3*time.Second)
	if got, err := k.Try("x := 1\nx", time.Minute); err != nil || got.Out != "1\n" {
		t.Errorf("a cell that ends: %+v, %v", got, err)
	}
	if got, err := k.Try("for {}", time.Minute); !errors.Is(err, ErrLate) {
		t.Errorf("a cell without an end: %+v, %v", got, err)
	}
	if got, err := k.Try("x + 1", time.Minute); err != nil || got.Out != "2\n" {
		t.Errorf("a cell after it: %+v, %v", got, err)
	}
}

func TestUnlike(t *testing.T) {
	t.Parallel()
	refusal := "refused: cell[1]:1:1: a loop is outside\n 1 | for {}\n     Use %engine auto (or compiled) for this cell"
	for _, c := range []struct {
		compiled, interpreted Seen
		why                   string
		refusal               bool
	}{
		{Seen{Out: "1\n"}, Seen{Out: "1\n", Engine: "yaegi"}, "", false},
		{Seen{Out: "1\n"}, Seen{Out: "2\n", Engine: "yaegi"}, `shows "2\n", compiled "1\n"`, false},
		{Seen{Out: "1\n"}, Seen{Out: "1\n", Engine: "compiled"}, `ran in engine "compiled"`, false},
		{Seen{Out: "1\n"}, Seen{Err: refusal}, "", true},
		{Seen{Out: "1\n"}, Seen{Err: refusal, Out: "0\n"}, "no line, construct or remedy: refused: cell[1]:1:1: a loop is outside", true},
		{Seen{Out: "1\n"}, Seen{Err: "refused: a loop is outside"}, "no line, construct or remedy: refused: a loop is outside", true},
		{Seen{Out: "1\n"}, Seen{Err: "internal error: x\ny"}, "internal error: x", false},
		{Seen{Err: "panic: x\ny"}, Seen{Err: "panic: x\nz", Engine: "yaegi"}, "", false},
		{Seen{Err: "panic: x\ny"}, Seen{Err: "panic: y\nz", Engine: "yaegi"}, `error "panic: y", compiled "panic: x"`, false},
		{Seen{Stderr: "a"}, Seen{Stderr: "b", Engine: "yaegi"}, `standard error "b", compiled "a"`, false},
	} {
		if why, refusal := unlike(c.compiled, c.interpreted); why != c.why || refusal != c.refusal {
			t.Errorf("%+v: %q, %v, not %q, %v", c.interpreted, why, refusal, c.why, c.refusal)
		}
	}
}
