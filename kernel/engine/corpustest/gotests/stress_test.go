package gotests

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"interleave/kernel/engine/corpustest"
)

var (
	stress     = flag.Int("stress", 0, "how many cells TestOneSession runs")
	stressSeed = flag.Uint64("stress.seed", 1, "what TestOneSession begins its random choices with")
	stressLeft = flag.Bool("stress.left", false, "TestOneSession logs which pieces leave most memory in use")
)

// A piece is a sequence of cells for a session in which much has run before.
type piece struct {
	name  string
	cells []corpustest.Cell
}

// Cases of the corpus that say something of the session's beginning, or of the process as a whole.
var notAgain = map[string]string{
	"prog-os-args": "sets os.Args",
	"many-cells":   "takes long",
	"out-large":    "takes long",
}

var numberRE = regexp.MustCompile(`cell\[\d+\]`)

// pieces are the cases of the corpus and the programs of the distribution that go well.
func pieces(t *testing.T) (all []piece) {
	cases, err := corpustest.Load(filepath.Join("..", "..", "testdata", "corpus"))
	if err != nil {
		t.Fatal(err)
	}
next:
	for _, c := range cases {
		if notAgain[c.Name] != "" || strings.HasPrefix(c.Name, "descriptors-") || strings.HasPrefix(c.Name, "magic-") || strings.HasPrefix(c.Name, "lost-") || strings.HasPrefix(c.Name, "session-") {
			continue
		}
		for _, cell := range c.Cells {
			if strings.Contains(cell.Code, "cell[") { // it knows its number
				continue next
			}
			if cell.WantErr || cell.Note != "" || strings.HasPrefix(cell.Code, "%") || strings.HasPrefix(cell.Code, "!") {
				continue next
			}
		}
		all = append(all, piece{c.Name, c.Cells})
	}
	tests := loadGoTests(t, *goTestDirs)
	if err := askGo(t.Context(), t.TempDir(), tests); err != nil {
		t.Fatal(err)
	}
	known, err := readKnown(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range tests {
		if g.Status == 0 && g.Stderr == "" && known[g.name] == "" {
			all = append(all, piece{g.name, []corpustest.Cell{{Code: forms[1].cell(string(g.code)), Out: corpustest.Shown(g.Stdout, "")}}})
		}
	}
	return all
}

// TestOneSession runs cells of the corpus and of the distribution's programs, chosen at random, in one session whose garbage collector is
// always at work, and compares what each prints. The table that it logs has what the session costs on the way.
func TestOneSession(t *testing.T) {
	if *stress == 0 {
		t.Skip("-stress says how many cells: make loaderstress")
	}
	all := pieces(t)
	t.Setenv("GOGC", "5")
	t.Setenv("GODEBUG", "clobberfree=1,invalidptr=1")
	k := corpustest.Start(t, t.TempDir(), "auto", goTestLimit)
	rng := rand.New(rand.NewPCG(*stressSeed, 0))
	pid := strings.TrimSpace(k.Run("os.Getpid()").Out)
	began, cells, wrong, mark := time.Now(), 0, 0, 0
	var took time.Duration
	t.Logf("%d cases and programs", len(all))
	left, before := map[string]int64{}, int64(0) // bytes in use after each piece
	kept, last := 0, ""                          // how often %reset kept memory, and the piece before
	for cells < *stress && wrong < 20 {
		p := all[rng.IntN(len(all))]
		if got := k.Run("%reset"); got.Err != "" {
			t.Fatalf("%%reset: %s", got.Err)
		} else if strings.Contains(got.Out, "still running") {
			if kept++; kept <= 10 {
				t.Logf("%6d cells, after %s: %s", cells, last, strings.TrimSpace(got.Out))
			}
		}
		last = p.name
		for i, cell := range p.cells {
			start := time.Now()
			got := k.Run(cell.Code)
			took += time.Since(start)
			cells++
			want, out := numberRE.ReplaceAllString(cell.Out, "cell[N]"), numberRE.ReplaceAllString(got.Out, "cell[N]")
			if got.Err != "" || temporaryRE.ReplaceAllString(out, "/tmp/N") != temporaryRE.ReplaceAllString(want, "/tmp/N") {
				wrong++
				t.Errorf("%s, cell %d, behind %d others: error %q, prints\n%s\nnot\n%s", p.name, i+1, cells-1, got.Err, out, want)
				break
			}
		}
		if *stressLeft {
			used := inUse(t, k)
			if left[p.name] += used - before; used-before > 1<<20 {
				t.Logf("%6d cells, %s left %d kB", cells, p.name, (used-before)/1024)
			}
			before = used
		}
		if cells/1000 > mark {
			mark = cells / 1000
			now := strings.TrimSpace(k.Run("os.Getpid()").Out)
			if now != pid {
				t.Fatalf("the session was process %s and is %s", pid, now)
			}
			t.Logf("%6d cells, %v, %.1f ms a cell lately, resident %s", cells, time.Since(began).Round(time.Second), float64(took.Microseconds())/1e3/1000, rss(pid))
			took = 0
			for _, name := range mostLeft(left) {
				t.Logf("%s left %d kB in all", name, left[name]/1024)
			}
		}
	}
	t.Logf("%d cells, %d wrong, seed %d; %d times %%reset kept the memory of variables", cells, wrong, *stressSeed, kept)
}

// inUse returns the bytes of the heap and of stacks that a collection leaves.
func inUse(t *testing.T, k *corpustest.Kernel) int64 {
	got := k.Run("import \"runtime\"\nvar stats runtime.MemStats\nfor range 2 { runtime.GC() }\n" +
		"runtime.ReadMemStats(&stats)\nfmt.Println(stats.HeapAlloc + stats.StackInuse)")
	n, err := strconv.ParseInt(strings.TrimSpace(got.Out), 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", got.Err, err)
	}
	return n
}

// mostLeft returns the names of the ten pieces that left most.
func mostLeft(left map[string]int64) []string {
	names := slices.SortedFunc(maps.Keys(left), func(a, b string) int { return cmp.Compare(left[b], left[a]) })
	return names[:min(10, len(names))]
}

func rss(pid string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%s/status", pid))
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}
