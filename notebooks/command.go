package notebooks

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"go/token"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"interleave/kernel/client"
	"interleave/notebooks/ipynb"
	"interleave/notebooks/page"
	"interleave/runtime/quantity"
)

// A Stdio is the streams of a command. Progress is drawn on Err when that is a terminal's *os.File. In is read when the
// command's arguments ask for it.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// A Start starts a kernel that runs its cells in the folder dir, and returns a client of it with a function that ends
// both and waits for their end. By cfg the client passes on what no request waits for, such as the output of goroutines
// that outlived their cell, and answers what cells ask. The kernel must keep running when ctx ends, until close is
// called: a stopped run still gets the end of its last cell.
type Start func(ctx context.Context, dir string, cfg client.Config) (k Kernel, close func() error, err error)

// Exit codes of Command.
const (
	exitOK          = 0
	exitFailed      = 1   // a cell failed, or a notebook could not be read, run or written
	exitUsage       = 2   // the arguments are wrong; nothing was run
	exitInterrupted = 130 // Ctrl-C, as shells report it
)

const help = `Usage: interleave run [flags] NOTEBOOK.ipynb…

Runs the cells of each notebook in order, in a kernel of its own, and writes the executed notebook and a web page
of it. The notebook itself is not changed, unless -o names it or its name already ends in .executed.ipynb.

Flags, before or after the notebooks:
  -o FILE          where to write the executed notebook; a folder for several. Default: beside the notebook,
                   as NOTEBOOK.executed.ipynb. "none" writes none
  --html FILE      where to write the web page, one file that opens without a network. Default: beside the
                   notebook, as NOTEBOOK.executed.html. "none" writes none
  --timeout TIME   interrupt a cell that runs longer, such as 90s or 5m; a plain number is seconds. Default: no limit
  --max-output SIZE
                   how much to keep of what a cell prints, and as much of what it displays, such as 500kB or 1GB;
                   what comes after is left out, and a line in its place shows how much. 0 keeps all. Default: 10MB
  -p NAME=VALUE    the value of a variable that the cell with the tag parameters declares: as text, a number, true, 90s,
                   or JSON for lists and maps; once for each. The value goes into a cell of its own behind that cell
  --parameters-file FILE
                   the same from a JSON object, or from lines of YAML such as name: value; -p goes before it
  --stdin FILE     answer what cells ask for, by fmt.Scan or display.Input, with the lines of the file, each notebook
                   from its beginning; "-" is the standard input. Default: a cell that asks for input fails
  --allow-errors   continue after a cell that failed

The run stops at the first cell that fails. What was run so far is written all the same. A cell with the tag
raises-exception may fail; one with the tag skip-execution is not run and keeps the outputs it has. The web page
shows what the cells of this run displayed as it is; from Markdown, and from HTML outputs that were in the notebook
before, it leaves out scripts, styles and whatever else is not text, tables and pictures.

Ctrl-C interrupts the running cell and then stops. A second one ends everything at once.

Exit status: 0 all cells ran, 1 a cell failed or a file could not be read or written, 2 wrong arguments, 130 Ctrl-C.
`

// A request is a command line.
type request struct {
	notebooks []string
	out, html string
	stdin     string // file with the input of cells; empty: none
	options   Options
}

// Command is the subcommand run: it runs notebooks in kernels from start, and returns the exit status. It
// handles interrupt and termination signals while it runs.
func Command(ctx context.Context, args []string, stdio Stdio, start Start) int {
	req, err := parseArgs(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdio.Out, help)
		return exitOK
	case err != nil:
		fmt.Fprintf(stdio.Err, "interleave run: %v\nSee: interleave run --help\n", err)
		return exitUsage
	}
	jobs, err := plan(req)
	if err != nil {
		fmt.Fprintf(stdio.Err, "interleave run: %v\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal has its default effect

	status := exitOK
	for _, j := range jobs {
		err := j.run(ctx, stdio, req, start)
		if err == nil {
			continue
		}
		status = exitFailed
		report(stdio.Err, err)
		if ctx.Err() != nil {
			fmt.Fprintln(stdio.Err, "interleave run: interrupted")
			return exitInterrupted
		}
	}
	return status
}

// parseArgs reads flags and notebooks in any order.
func parseArgs(args []string) (request, error) {
	var r request
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&r.out, "o", "", "")
	flags.StringVar(&r.html, "html", "", "")
	flags.StringVar(&r.stdin, "stdin", "", "")
	r.options.MaxOutput = 10_000_000
	flags.Func("max-output", "", func(s string) (err error) {
		r.options.MaxOutput, err = parseAmount(s)
		return err
	})
	var fromFiles []Parameter
	flags.Func("p", "", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok || !token.IsIdentifier(name) {
			return errors.New("want NAME=VALUE")
		}
		r.options.Parameters = append(r.options.Parameters, Parameter{name, value})
		return nil
	})
	flags.Func("parameters-file", "", func(name string) error {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		list, err := readParameters(name, b)
		fromFiles = append(fromFiles, list...)
		return err
	})
	flags.BoolVar(&r.options.AllowErrors, "allow-errors", false, "")
	flags.Func("timeout", "", func(s string) error {
		d, err := time.ParseDuration(s)
		if n, e := strconv.ParseFloat(s, 64); e == nil {
			d, err = time.Duration(n*float64(time.Second)), nil
		}
		if err != nil || d < 0 {
			return errors.New("want a time such as 90s or 5m")
		}
		r.options.Timeout = d
		return nil
	})
	for {
		if err := flags.Parse(args); err != nil {
			return r, err
		}
		rest := flags.Args()
		if used := len(args) - len(rest); used > 0 && args[used-1] == "--" {
			r.notebooks = append(r.notebooks, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		r.notebooks, args = append(r.notebooks, rest[0]), rest[1:]
	}
	r.options.Parameters = append(fromFiles, r.options.Parameters...)
	if len(r.notebooks) == 0 {
		return r, errors.New("no notebook given")
	}
	return r, nil
}

// A job is one notebook and where its results go; an empty path means nowhere.
type job struct {
	source, out, html string
}

// plan determines where all results are written, and refuses to write one result over another.
func plan(r request) ([]job, error) {
	var jobs []job
	taken := map[string]string{}
	for _, source := range r.notebooks {
		base := strings.TrimSuffix(strings.TrimSuffix(source, ".ipynb"), ".executed")
		j := job{source: source}
		for _, to := range []struct {
			path       *string
			flag, file string
			suffix     string
		}{{&j.out, "-o", r.out, ".executed.ipynb"}, {&j.html, "--html", r.html, ".executed.html"}} {
			dir := isDir(to.file)
			switch {
			case to.file == "none":
				continue
			case to.file == "":
				*to.path = base + to.suffix
			case dir:
				*to.path = filepath.Join(to.file, filepath.Base(base)+to.suffix)
			case len(r.notebooks) > 1:
				return nil, fmt.Errorf(
					"%s %s: one file for %d notebooks; name a folder that exists, or end it with /", to.flag,
					to.file, len(r.notebooks))
			default:
				*to.path = to.file
			}
			if other := taken[filepath.Clean(*to.path)]; other != "" {
				return nil, fmt.Errorf("%s would be written twice, for %s and for %s", *to.path, other, source)
			}
			taken[filepath.Clean(*to.path)] = source
			if _, err := os.Stat(source); err != nil && to.file == "" {
				continue // reading it will report the error
			}
			if err := makeDir(*to.path, dir); err != nil {
				return nil, fmt.Errorf("%w; %s names another place", err, to.flag)
			}
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func isDir(path string) bool {
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) {
		return true
	}
	info, err := os.Stat(path)
	return path != "" && err == nil && info.IsDir()
}

// makeDir checks that a file can be written before hours of work depend on it. It makes a folder only if the
// path was given as a folder.
func makeDir(file string, make bool) error {
	dir := filepath.Dir(file)
	if make {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("folder for %s: %w", file, err)
	}
	f, err := os.CreateTemp(dir, ".~") // permissions do not show read-only file systems
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", file, errors.Unwrap(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// run runs one notebook and writes its results, even if it failed. It returns the errors of both.
func (j job) run(ctx context.Context, stdio Stdio, req request, start Start) (err error) {
	nb, err := ipynb.ReadFile(j.source)
	if err != nil {
		return err
	}
	var cfg client.Config
	if req.stdin != "" {
		in, closeInput, err := openInput(req.stdin, stdio)
		if err != nil {
			return err
		}
		defer closeInput()
		cfg.Input, req.options.AllowStdin = in.answer, true
	}
	begin := time.Now()
	p := newProgress(stdio.Err, terminal(stdio.Err))
	p.line("%s", j.source)
	r := NewRunner(nb)
	cfg.Unclaimed = r.Late
	cells, err := execute(ctx, r, filepath.Dir(j.source), req.options, p, cfg, start)
	p.stop()
	if cells == 0 && err != nil {
		return err // nothing was run: there is nothing to write
	}
	var footer strings.Builder
	fmt.Fprintf(&footer, "Run with Interleave and Go %s on %s: %s in %s", r.GoVersion(),
		begin.Format("2 January 2006"), quantity.Plural(cells, "cell"), quantity.Duration(time.Since(begin)))
	if err != nil {
		footer.WriteString("; stopped by an error")
	}
	return errors.Join(err, j.write(r, footer.String(), stdio.Out))
}

// execute starts a kernel and runs r's notebook in it. It returns how many cells were begun.
func execute(ctx context.Context, r *Runner, dir string, o Options, p *progress, cfg client.Config,
	start Start) (cells int, err error) {
	p.show("", "starting the kernel")
	k, stop, err := start(ctx, dir, cfg)
	p.hide()
	if err != nil {
		return 0, fmt.Errorf("%s: start a kernel: %w", r.nb.Name(), err)
	}
	defer func() {
		if e := stop(); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: end the kernel: %w", r.nb.Name(), e))
		}
	}()
	o.Progress = func(s Step) {
		cells = s.Number
		p.step(s)
	}
	err = r.Run(ctx, k, o)
	return cells, err
}

// write writes the executed notebook and the page, and prints their names.
func (j job) write(r *Runner, footer string, out io.Writer) error {
	var errs []error
	wrote := func(path string, err error) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		fmt.Fprintln(out, "wrote", path)
	}
	if j.out != "" {
		wrote(j.out, r.nb.WriteFile(j.out))
	}
	if j.html != "" {
		html, err := page.Render(r.nb, page.Options{Dir: filepath.Dir(j.source), Footer: footer, Ran: r.Ran})
		if err == nil {
			err = ipynb.WriteFile(j.html, html)
		}
		wrote(j.html, err)
	}
	return errors.Join(errs...)
}

// report prints an error; a cell's error has its traceback and the line that failed.
func report(w io.Writer, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			report(w, e)
		}
		return
	}
	if cell, ok := errors.AsType[*CellError](err); ok {
		for _, text := range cell.Traceback {
			if terminal(w) == nil {
				text = ansi.ReplaceAllString(text, "")
			}
			fmt.Fprintln(w, strings.TrimRight(text, "\n"))
		}
		fmt.Fprintf(w, "interleave run: %v\n", err)
		if cell.Source != "" {
			fmt.Fprintf(w, "\t%s\n", strings.TrimSpace(cell.Source))
		}
		return
	}
	fmt.Fprintf(w, "interleave run: %v\n", err)
}
