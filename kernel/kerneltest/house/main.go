// Command house measures the source of this module: sizes of files and functions, widths of lines, the
// English of comments, the number of names in lab, and what staticcheck finds. It prints a line for each
// number with its aim, and exits with status 1 when an aim is missed. `make house` runs it at the root of the
// module.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// The aims.
const (
	maxFileLines  = 450 // of a file in kernel/cell and kernel/engine
	maxComplexity = 30  // cyclomatic complexity of a function
	maxColumns    = 120 // characters in a line
	maxWideShare  = 0.5 // per cent of lines that are wider
	maxMarkers    = 5.0 // marker words per 10 000 words; a folder must stay below it
	maxLabNames   = 220 // exported package-level names of runtime/lab: 190 for one process, 30 for several
)

const labFolder = "runtime/lab"

func main() {
	gocyclo := flag.String("gocyclo", "",
		"package and version of gocyclo for go run; without it, functions are not measured")
	staticcheck := flag.String("staticcheck", "",
		"package and version of staticcheck for go run; without it, it is not run")
	verbose := flag.Bool("v", false, "list each finding, not only the numbers")
	flag.Parse()
	r := &report{out: os.Stdout, verbose: *verbose}
	if err := measure(r, *gocyclo, *staticcheck); err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
	if r.missed > 0 {
		os.Exit(1)
	}
}

func measure(r *report, gocyclo, staticcheck string) error {
	files, err := readFiles(os.DirFS("."))
	if err != nil {
		return err
	}
	reportLongest(r, files)
	if gocyclo != "" {
		lines, err := run(gocyclo, "-over", fmt.Sprint(maxComplexity), "-ignore", `_test\.go$|(^|/)testdata/`, ".")
		if err != nil {
			return err
		}
		r.line("functions with a cyclomatic complexity above 30", fmt.Sprint(len(lines)), "0", len(lines) == 0, lines)
	}
	reportWide(r, files)
	if err := reportWords(r, files); err != nil {
		return err
	}
	if err := reportLab(r, labFolder); err != nil {
		return err
	}
	if staticcheck != "" {
		lines, err := run(staticcheck, "./...")
		if err != nil {
			return err
		}
		r.line("findings of staticcheck", fmt.Sprint(len(lines)), "0", len(lines) == 0, lines)
	}
	return nil
}

// run runs a Go command and returns the lines that it prints. Exit status 1 means that it found something.
func run(pkg string, args ...string) ([]string, error) {
	cmd := exec.Command("go", append([]string{"run", pkg}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	lines := strings.FieldsFunc(string(out), func(c rune) bool { return c == '\n' })
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || len(lines) == 0) {
		return nil, fmt.Errorf("run %s: %w\n%s", pkg, err, stderr.String())
	}
	return lines, nil
}

// A report prints the numbers and counts the aims that were missed.
type report struct {
	out     io.Writer
	verbose bool
	missed  int
}

// line prints a number, and the findings behind it when they are wanted.
func (r *report) line(what, figure, aim string, met bool, findings []string) {
	mark := "ok    "
	if !met {
		mark = "MISSED"
		r.missed++
	}
	fmt.Fprintf(r.out, "%s  %-62s %-34s aim: %s\n", mark, what, figure, aim)
	if r.verbose {
		for _, f := range findings {
			fmt.Fprintf(r.out, "            %s\n", f)
		}
	}
}

func reportLongest(r *report, files []file) {
	var list []file
	for _, f := range files {
		if !f.generated && (below(f.name, "kernel/cell") || below(f.name, "kernel/engine")) {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b file) int { return cmp.Compare(b.lines(), a.lines()) })
	var findings []string
	longest, name := 0, "no file"
	for i, f := range list {
		if i == 0 {
			longest, name = f.lines(), f.name
		}
		if f.lines() > maxFileLines {
			findings = append(findings, fmt.Sprintf("%s: %d lines", f.name, f.lines()))
		}
	}
	r.line("lines of the longest file in kernel/cell and kernel/engine", fmt.Sprintf("%d (%s)", longest, name),
		fmt.Sprintf("at most %d", maxFileLines), longest <= maxFileLines, findings)
}

func reportWide(r *report, files []file) {
	lines, wide := 0, []string(nil)
	for _, f := range files {
		if f.generated {
			continue
		}
		n, at := f.wideLines(maxColumns)
		lines += n
		for _, i := range at {
			wide = append(wide, fmt.Sprintf("%s:%d", f.name, i))
		}
	}
	share := 100 * float64(len(wide)) / float64(max(lines, 1))
	r.line("lines over 120 characters, outside tests", fmt.Sprintf("%.2f %% (%d of %d)", share, len(wide), lines),
		fmt.Sprintf("at most %.1f %%", maxWideShare), share <= maxWideShare, wide)
}

// documents are measured as folders are, beside the comments of Go files.
var documents = []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"}

func reportWords(r *report, files []file) error {
	comments, messages := map[string]*words{}, &words{}
	for _, f := range files {
		if f.generated {
			continue
		}
		inComments, inStrings := f.words()
		for _, folder := range f.folders() {
			if comments[folder] == nil {
				comments[folder] = &words{}
			}
			comments[folder].add(inComments)
		}
		messages.add(inStrings)
	}
	folders := make([]string, 0, len(comments))
	for folder := range comments {
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	over, worst, name := 0, -1.0, "no folder"
	for _, folder := range folders {
		rate := comments[folder].rate()
		if rate >= maxMarkers {
			over++
		}
		if rate > worst {
			worst, name = rate, folder
		}
	}
	aim := fmt.Sprintf("below %.0f", maxMarkers)
	r.line("marker words per 10 000 in comments, worst folder",
		fmt.Sprintf("%.1f (%s); %d of %d miss", worst, name, over, len(folders)), aim, over == 0, nil)
	for _, folder := range folders {
		w := comments[folder]
		isTop := strings.HasSuffix(folder, allBelow)
		if isTop || w.rate() >= maxMarkers || r.verbose {
			fmt.Fprintf(r.out, "            %-34s %s\n", folder, w)
		}
		if r.verbose && !isTop { // a package lists its findings
			for _, f := range w.found {
				fmt.Fprintf(r.out, "                %s\n", f)
			}
		}
	}
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		w := &words{}
		w.count(name, 1, string(text))
		r.line("marker words per 10 000 in "+name, w.String(), aim, w.rate() < maxMarkers, w.found)
	}
	r.line("marker words per 10 000 in string literals", messages.String(), aim, messages.rate() < maxMarkers,
		messages.found)
	return nil
}

func reportLab(r *report, dir string) error {
	names, methods, err := exported(dir)
	if err != nil {
		return err
	}
	r.line("exported names of "+dir+" (constants, variables, functions, types)",
		fmt.Sprintf("%d, and %d methods", len(names), methods), fmt.Sprintf("at most %d", maxLabNames),
		len(names) <= maxLabNames, names)
	return nil
}
