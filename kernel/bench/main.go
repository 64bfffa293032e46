// Command bench knows how fast the kernel feels, beside Debian's ipykernel and plain Go, measured through the
// same sockets by the same client in the same run. It must not know how the kernel does it.
//
// Run it from the module's root; it builds the host first. It writes a Markdown table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"interleave/install"
	"interleave/kernel/toolchain"
	"interleave/runtime/quantity"
)

func main() {
	py := flag.String("python", "/usr/bin/python3", "Python with ipykernel; empty measures Interleave alone")
	both := flag.Bool("links", false, "measure cells that are linked into the kernel's memory beside plugins, instead")
	text := flag.Bool("code", false, "measure the code of cells beside go test -bench, instead")
	procs := flag.Bool("processes", false, "measure starts of processes from cells, instead")
	ask := flag.Bool("questions", false, "measure completion and inspection, instead")
	interp := flag.Bool("yaegi", false, "measure the interpreter beside yaegi alone and the compiler, instead")
	only := flag.String("only", "", "with -code: only programs with this in their names")
	flag.Parse()
	measurement := func() error { return run(*py) }
	if *text {
		measurement = func() error { return runCode(*only) }
	}
	if *both {
		measurement = runLinks
	}
	if *procs {
		measurement = func() error { return runProcesses(*py) }
	}
	if *ask {
		measurement = func() error { return runQuestions(*py) }
	}
	if *interp {
		measurement = runYaegi
	}
	if err := measurement(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runLinks measures the two ways of linking.
func runLinks() error {
	var ways [2]kind
	for i, link := range []string{"memory", "plugin"} {
		var err error
		if ways[i], err = host(link); err != nil {
			return err
		}
	}
	pairs, err := links(ways, func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s/%s, %d cores, %s\n\n%s", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), time.Now().Format(time.DateOnly), linksTable(pairs))
	return nil
}

// runCode measures the code of cells.
func runCode(only string) error {
	ours, err := host("")
	if err != nil {
		return err
	}
	rows, err := code(ours, only, func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err != nil {
		return err
	}
	fmt.Print(codeTable(rows))
	return nil
}

// runProcesses measures starts of processes.
func runProcesses(py string) error {
	ours, err := host("")
	if err != nil {
		return err
	}
	script, err := os.CreateTemp("", "starts-*.py")
	if err != nil {
		return err
	}
	defer os.Remove(script.Name())
	_, err = script.WriteString(pythonStarts)
	if err := errors.Join(err, script.Close()); err != nil {
		return err
	}
	rows, err := processes(ours, py, script.Name(), func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, median of %d rounds\n\n%s", runtime.Version(), runtime.NumCPU(), processRounds, processesTable(rows))
	return nil
}

// runQuestions measures completion and inspection.
func runQuestions(py string) error {
	ours, err := host("")
	if err != nil {
		return err
	}
	theirs, version := ipykernel(py)
	rows, err := questions(ours, theirs, func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, %d questions of each kind\n\n%s", runtime.Version(), runtime.NumCPU(), questionTurns, questionsTable(rows, version))
	return nil
}

func run(py string) error {
	ours, err := host("")
	if err != nil {
		return err
	}
	theirs, version := ipykernel(py)
	if theirs == nil {
		fmt.Fprintln(os.Stderr, "bench: no ipykernel, measuring Interleave alone:", version)
	}
	figures, err := measure(ours, theirs, func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s/%s, %d cores, %s, %s\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), version, time.Now().Format(time.DateOnly))
	fmt.Print(table(figures))
	return nil
}

// host builds the product's host, unless it exists, and returns the command with which it serves a connection
// file. link selects how cells are loaded.
func host(link string) (kind, error) {
	if _, err := os.Stat("kernel/host"); err != nil {
		return kind{}, errors.New("run it from the module's root")
	}
	cache, err := install.CacheRoot()
	if err != nil {
		return kind{}, err
	}
	path, err := install.Host(
		context.Background(),
		os.DirFS("."),
		cache,
		install.Build{Link: link, Progress: func(s toolchain.Step) {
			fmt.Fprintf(os.Stderr, "build the host: %d/%d %s\n", s.N, s.Of, s.What)
		}},
	)
	return kind{"interleave", []string{toolchain.KernelPath(toolchain.DirOf(path)), "kernel"}, golang}, err
}

// ipykernel returns how ipykernel is started, and its version; or nil, and the reason.
func ipykernel(py string) (*kind, string) {
	if py == "" {
		return nil, "not asked for"
	}
	out, err := exec.Command(
		py,
		"-c",
		"import ipykernel, sys; print('ipykernel', ipykernel.__version__, 'on Python', sys.version.split()[0])",
	).CombinedOutput()
	if err != nil {
		return nil, fmt.Sprintf("%v %s", err, out)
	}
	return &kind{"ipykernel", []string{py, "-m", "ipykernel_launcher", "-f"}, python}, strings.TrimSpace(string(out))
}

// ratio compares the two sides.
func (f figure) ratio() string {
	switch {
	case f.theirs == 0:
		return ""
	case f.native:
		return fmt.Sprintf("%.2f ×", f.ours/f.theirs)
	case f.unit == "MB/s":
		return times(f.ours / f.theirs)
	}
	return times(f.theirs / f.ours)
}

func times(speed float64) string {
	if speed < 1 {
		return fmt.Sprintf("%.1f × slower", 1/speed)
	}
	return fmt.Sprintf("%.1f × faster", speed)
}

func (f figure) value(v float64) string {
	if v == 0 {
		return "–"
	}
	return quantity.Number(v) + " " + f.unit
}

func (f figure) String() string {
	return fmt.Sprintf("%s: %s, %s %s %s", f.what, f.value(f.ours), f.value(f.theirs), f.ratio(), f.note)
}

// table writes the figures as Markdown.
func table(figures []figure) string {
	var b strings.Builder
	b.WriteString("| what | Interleave | ipykernel or go build | ratio | aim | note |\n|---|---:|---:|---:|---|---|\n")
	for _, f := range figures {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", f.what, f.value(f.ours), f.value(f.theirs),
			f.ratio(), f.aim, f.note)
	}
	return b.String()
}
