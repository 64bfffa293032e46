package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	yaegiCells = 5000 // cells of a session whose memory is measured
	yaegiAim   = 30.0 // MB that they may cost
)

// A growth is what many cells have added to a session's memory.
type growth struct {
	what      string
	heap, rss float64 // MB
	why       string  // why it was not measured
}

// A memory is what a session uses, in MB: its heap after a collection, and what is resident when free memory has gone
// back to the system.
type memory struct{ heap, rss float64 }

// interpretedMemory measures what many cells leave in a session.
func interpretedMemory(of kind, progress func(string)) (all []growth, err error) {
	for _, kindOfCell := range []struct {
		what string
		cell func(i int) string
	}{
		{"straight lines, each another", func(i int) string {
			return fmt.Sprintf("line := %d + len(\"x\")\nline += %[1]d", i)
		}},
		{"a line that declares another variable each time", func(i int) string {
			return fmt.Sprintf("line%d := %[1]d", i)
		}},
		{"one cell of straight lines, run again", func(int) string { return "line := 1 + len(\"x\")\nline += 2" }},
		{"a definition and its first call, each another", func(i int) string {
			defs, call, _ := firstCell(i)
			return defs + "\n_ = " + call
		}},
		{"the same definition and call, run again", func(int) string {
			defs, call, _ := firstCell(1)
			return defs + "\n_ = " + call
		}},
	} {
		g := growth{what: kindOfCell.what}
		if err := g.measure(of, kindOfCell.cell); err != nil {
			return nil, err
		}
		all = append(all, g)
		progress(g.String())
	}
	return all, nil
}

func (g *growth) measure(of kind, cell func(i int) string) error {
	k, _, err := begin(of)
	if err != nil {
		return err
	}
	defer k.end()
	if _, err := k.run("%plot off"); err != nil {
		return err
	}
	if _, err := k.run("%engine yaegi"); err != nil {
		return err
	}
	if _, err := k.run(cell(0)); err != nil { // the interpreter and its tables come with it
		g.why = failed(err).why
		return nil
	}
	before, err := k.memory()
	if err != nil {
		return err
	}
	for i := range yaegiCells {
		r, err := k.run(cell(i + 1))
		if err != nil {
			return err
		}
		if r.engine != "yaegi" {
			return fmt.Errorf("%q ran in engine %q", cell(i+1), r.engine)
		}
	}
	after, err := k.memory()
	g.heap, g.rss = after.heap-before.heap, after.rss-before.rss
	return err
}

// memory asks the session. The cell that asks is compiled, always the same text.
func (k *kernel) memory() (m memory, err error) {
	if _, err := k.run("%engine compiled"); err != nil {
		return m, err
	}
	r, err := k.run("import (\"runtime\"; \"runtime/debug\")\nvar memoryStats runtime.MemStats\n" +
		"for range 2 { debug.FreeOSMemory() }\n" +
		"runtime.ReadMemStats(&memoryStats)\nfmt.Println(memoryStats.HeapAlloc, os.Getpid())")
	if err != nil {
		return m, err
	}
	if _, err := k.run("%engine yaegi"); err != nil {
		return m, err
	}
	fields := strings.Fields(r.stdout)
	if len(fields) != 2 {
		return m, fmt.Errorf("the cell that asks for the memory prints %q", r.stdout)
	}
	if m.heap, err = strconv.ParseFloat(fields[0], 64); err != nil {
		return m, err
	}
	m.heap /= 1e6
	m.rss, err = residentMB(fields[1])
	return m, err
}

// residentMB reads what a process has in memory.
func residentMB(pid string) (float64, error) {
	status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kB * 1024 / 1e6, err
		}
	}
	return 0, errors.New("the process's status has no VmRSS")
}

func (g growth) String() string {
	if g.why != "" {
		return fmt.Sprintf("| %s | %s | | |", g.what, g.why)
	}
	verdict := "yes"
	if max(g.heap, g.rss) > yaegiAim {
		verdict = "no"
	}
	return fmt.Sprintf("| %s | %.1f MB | %.1f MB | %s |", g.what, g.heap, g.rss, verdict)
}

// growthTable writes the growths as Markdown.
func growthTable(all []growth) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %d interpreted cells in one session | heap | resident | at most %.0f MB |\n|---|---:|---:|---|\n",
		yaegiCells, yaegiAim)
	for _, g := range all {
		fmt.Fprintln(&b, g)
	}
	return b.String()
}
