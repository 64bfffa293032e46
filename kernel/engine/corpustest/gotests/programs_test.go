package gotests

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/engine/corpustest"
)

var (
	programEngines = flag.String("programs.engines", "compiled,yaegi", "engines in which TestStressPrograms runs, with commas")
	programRounds  = flag.Int("programs.rounds", 1, "how often TestStressPrograms runs each program, as a cell that is run again")
	programRace    = flag.Bool("programs.race", false, "TestStressPrograms runs the programs with the race detector, as plain Go, instead")
	programOnly    = flag.String("programs.only", "", "TestStressPrograms runs programs with this in their names")
)

// leastInterpreted is how many of the programs of testdata/stress the interpreter must accept today. The aim is all of them: raise
// the number as it accepts more, never lower it.
const leastInterpreted = 0

// programLimit is the time for one run of a program in either engine.
const programLimit = time.Minute

// TestStressPrograms runs programs in which many goroutines share closures, select statements, deferred calls and locks, in each
// engine. In every round each prints what plain Go prints, or the interpreter refuses it.
func TestStressPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("runs some fifty cells")
	}
	programs := loadPrograms(t)
	if *programRace {
		raced(t, programs)
		return
	}
	hosttest.Host(t)
	if err := askGo(t.Context(), t.TempDir(), programs); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	accepted := 0
	t.Run("programs", func(t *testing.T) {
		for _, g := range programs {
			if g.Status != 0 {
				t.Errorf("%s: plain Go ends it with exit status %d", g.name, g.Status)
				continue
			}
			for engine := range strings.SplitSeq(*programEngines, ",") {
				t.Run(strings.TrimSuffix(g.name, ".go")+"/"+engine, func(t *testing.T) {
					t.Parallel()
					if g.again(t, engine) {
						mu.Lock()
						defer mu.Unlock()
						accepted++
					}
				})
			}
		}
	})
	t.Logf("the interpreter accepts %d of %d programs", accepted, len(programs))
	if strings.Contains(*programEngines, "yaegi") && *programOnly == "" && accepted < leastInterpreted {
		t.Errorf("the interpreter accepts %d programs, less than %d", accepted, leastInterpreted)
	}
}

func loadPrograms(t *testing.T) (programs []*goTest) {
	names, err := filepath.Glob("testdata/stress/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(filepath.Base(name), *programOnly) {
			programs = append(programs, &goTest{name: filepath.Base(name), code: code})
		}
	}
	if len(programs) == 0 {
		t.Fatalf("no program of testdata/stress has %q in its name", *programOnly)
	}
	return programs
}

// again runs the program once and again in one session, and reports whether the interpreter ran it.
func (g *goTest) again(t *testing.T, engine string) (interpreted bool) {
	k := corpustest.Start(t, t.TempDir(), engine, programLimit)
	for round := range *programRounds {
		got := k.Run(string(g.code))
		if engine != "yaegi" {
			if why := g.differs(got); why != "" {
				t.Fatalf("round %d: %s", round+1, why)
			}
			continue
		}
		switch v := g.judge(got, nil, nil); v.class {
		case right:
			interpreted = true
		case refused:
			if round > 0 {
				t.Fatalf("round %d: refused after it ran: %s", round+1, v.reason)
			}
			t.Logf("refused at line %d: %s", v.line, v.reason)
			return false
		default:
			t.Fatalf("round %d: %v: %s", round+1, v.class, v.reason)
		}
	}
	return interpreted
}

// raced runs each program with the race detector on one processor and on two: programs that race prove nothing about an engine.
func raced(t *testing.T, programs []*goTest) {
	for _, g := range programs {
		t.Run(strings.TrimSuffix(g.name, ".go"), func(t *testing.T) {
			bin := filepath.Join(t.TempDir(), "program")
			build := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", bin, filepath.Join("testdata", "stress", g.name))
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			first := ""
			for procs := range 2 {
				cmd := exec.CommandContext(t.Context(), bin)
				cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", procs+1))
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if procs == 0 {
					first = string(out)
				} else if string(out) != first {
					t.Errorf("it prints\n%s\non one processor and\n%s\non two", first, out)
				}
			}
		})
	}
}
