// Package notebooks knows how to run a notebook without a front end: its cells in order, through a Jupyter
// kernel, their outputs into the file. It must not know how cells are compiled or how a kernel is started. It
// uses the kernel as any Jupyter client does.
//
// The file format is package ipynb, the web page is package page.
package notebooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"interleave/kernel/client"
	"interleave/kernel/wire"
	"interleave/notebooks/ipynb"
	"interleave/runtime/quantity"
)

// A Kernel is the part of a client that a run needs. *client.Client is one.
type Kernel interface {
	// KernelInfo asks for the kernel's name, version and language.
	KernelInfo(context.Context) (wire.KernelInfoReply, error)
	// Execute runs a cell and returns when all its output has been passed to onIOPub. Calls do not overlap.
	Execute(ctx context.Context, r client.ExecuteRequest, onIOPub func(*wire.Message)) (wire.ExecuteReply, error)
	// Interrupt asks the running cell to end. It is called while Execute runs.
	Interrupt(context.Context) error
}

// Spec is the kernelspec for notebooks without one.
var Spec = ipynb.Kernelspec{Name: "interleave", DisplayName: "Go (Interleave)", Language: "go"}

// Tags that cells may carry, as nbclient knows them.
const (
	tagRaises = "raises-exception" // the cell may fail
	tagSkip   = "skip-execution"   // the cell is not run and keeps its outputs
)

// Options of a run. The zero value runs every cell without a time limit and stops at the first failure.
type Options struct {
	Timeout     time.Duration // of each cell; 0 means no limit
	AllowStdin  bool          // the kernel's client answers what cells ask
	AllowErrors bool          // continue after a cell that failed or took too long
	// bytes of text, and as many of displays, that a cell may leave in the notebook; 0 means no limit
	MaxOutput int64
	// Parameters are the values of variables that the cell with the tag parameters declares
	Parameters []Parameter
	Progress   func(Step) // called before and after each cell, from the calling goroutine; may be nil
	// Grace is how long a cell may take to end once it was interrupted. 0 means 20 s, more than the kernel
	// needs to replace a session that cannot be stopped.
	Grace time.Duration
}

// A Step is a cell that begins or has ended.
type Step struct {
	Number, Total int    // of the cells that are run, from 1
	Heading       string // the last heading above the cell
	Line          string // the first line of code that is not a comment
	Ended         bool
	Took          time.Duration // set when it ended
	Err           error         // a *CellError when it failed, also where that is allowed
	Expected      bool          // the failure is one that the cell's tag announces
	Dropped       int64         // bytes of output so far that are beyond Options.MaxOutput
}

// A Runner runs one notebook. Late and Ran may be called at any time, from any goroutine; nothing else may
// overlap.
type Runner struct {
	nb   *ipynb.Notebook
	outs *outputs
	info wire.LanguageInfo
}

// NewRunner prepares a run of nb.
func NewRunner(nb *ipynb.Notebook) *Runner { return &Runner{nb: nb, outs: newOutputs()} }

// Late takes a message that came after its cell had ended, such as output of a goroutine. It is added to the
// outputs of that cell. Messages without a cell are dropped.
func (r *Runner) Late(in wire.Incoming) {
	if in.Channel == wire.IOPub {
		r.outs.message(nil, in.Message)
	}
}

// Ran reports whether the outputs of a cell are of this run: not those of cells that were skipped.
func (r *Runner) Ran(c *ipynb.Cell) bool { return r.outs.begun(c) }

// GoVersion is the kernel's, such as 1.26.8; empty before Run.
func (r *Runner) GoVersion() string { return strings.TrimPrefix(r.info.Version, "go") }

// Run runs the notebook's code cells in order and stores what they show. When it fails, nb has the outputs up
// to that point. The error of a cell is a *CellError; when ctx ends, the running cell is interrupted first
// and the error has ctx's cause.
func (r *Runner) Run(ctx context.Context, k Kernel, o Options) (err error) {
	if l := r.nb.Language(); l != "" && !strings.EqualFold(l, "go") {
		return fmt.Errorf("%s is a notebook in %s (kernel %q), and this kernel runs Go", r.nb.Name(), l,
			r.nb.Kernelspec().DisplayName)
	}
	r.outs.limit = o.MaxOutput
	if o.Grace == 0 {
		o.Grace = 20 * time.Second
	}
	if r.nb.Kernelspec().Name == "" {
		r.nb.SetKernelspec(Spec)
	}
	r.nb.EnsureIDs()
	info, err := k.KernelInfo(ctx)
	if err != nil {
		return fmt.Errorf("%s: ask the kernel: %w", r.nb.Name(), err)
	}
	r.info = info.LanguageInfo
	language, err := json.Marshal(r.info)
	if err != nil {
		return err
	}
	if err := r.nb.SetLanguageInfo(language); err != nil {
		return err
	}

	in, err := r.inject(o.Parameters)
	if err != nil {
		return err
	}
	plan, err := r.plan()
	if err != nil {
		return err
	}
	defer func() {
		if e := r.outs.store(); err == nil {
			err = e
		}
	}()
	if err := r.pinModules(ctx, k); err != nil {
		return err
	}
	defer r.keepModules(context.WithoutCancel(ctx), k)
	for _, p := range plan {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("%s: stopped before cell %d: %w", r.nb.Name(), p.index+1, err)
		}
		step := p.step
		if o.Progress != nil {
			o.Progress(step)
		}
		begin := time.Now()
		if in != nil && p.cell == in.cell {
			if err := in.write(ctx, k, r.nb); err != nil {
				return err
			}
			step.Line = firstLine(p.cell.Source())
		}
		step.Err = r.cell(ctx, k, p, o)
		step.Ended, step.Took = true, time.Since(begin)
		failed, ok := errors.AsType[*CellError](step.Err)
		step.Expected = ok && failed.Cause == nil && p.cell.HasTag(tagRaises)
		step.Dropped = r.outs.dropped(p.cell)
		if o.Progress != nil {
			o.Progress(step)
		}
		if step.Err != nil && !step.Expected && (!ok || failed.final || !o.AllowErrors) {
			return step.Err
		}
	}
	return nil
}

// A planned cell is one that will be run.
type planned struct {
	index int // among all cells
	cell  *ipynb.Cell
	step  Step
}

// plan lists the cells to run, and clears their outputs, which must not be mistaken for outputs of this run.
func (r *Runner) plan() (plan []planned, err error) {
	heading := ""
	for i, c := range r.nb.Cells() {
		switch {
		case c.Type() == ipynb.Markdown:
			for line := range strings.Lines(c.Source()) {
				if text := strings.TrimLeft(line, "#"); len(text) < len(line) && strings.HasPrefix(text, " ") {
					heading = strings.TrimSpace(text)
				}
			}
		case c.Type() != ipynb.Code || c.HasTag(tagSkip):
		default:
			if err := c.SetOutputs(nil); err != nil {
				return nil, err
			}
			c.SetExecutionCount(0)
			c.SetExecution(nil)
			if strings.TrimSpace(c.Source()) != "" {
				plan = append(plan, planned{i, c, Step{Number: len(plan) + 1, Heading: heading, Line: firstLine(c.Source())}})
			}
		}
	}
	for i := range plan {
		plan[i].step.Total = len(plan)
	}
	return plan, nil
}

// firstLine returns the line that best describes a cell.
func firstLine(source string) string {
	first := ""
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if first == "" {
			first = line
		}
		if line != "" && !strings.HasPrefix(line, "//") {
			return line
		}
	}
	return first
}

// cell runs one cell.
func (r *Runner) cell(ctx context.Context, k Kernel, p planned, o Options) error {
	out := r.outs.begin(p.cell)
	type ending struct {
		reply wire.ExecuteReply
		err   error
	}
	// Execute must outlive ctx, to receive the end of the interrupted cell.
	exec, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan ending, 1) // so that the goroutine below can always end
	go func() {
		reply, err := k.Execute(exec, client.ExecuteRequest{Code: p.cell.Source(), KeepGoing: true, AllowStdin: o.AllowStdin},
			func(m *wire.Message) { r.outs.message(out, m) })
		ended <- ending{reply, err}
	}()
	var e ending
	var waited bool
	wait := func(limit <-chan time.Time, done <-chan struct{}) bool {
		select {
		case e = <-ended:
			waited = true
		case <-limit:
		case <-done:
		}
		return waited
	}
	defer func() {
		cancel()
		if !waited {
			<-ended
		}
	}()

	var limit <-chan time.Time
	if o.Timeout > 0 {
		t := time.NewTimer(o.Timeout)
		defer t.Stop()
		limit = t.C
	}
	var cause error
	if !wait(limit, ctx.Done()) {
		if cause = context.Cause(ctx); cause == nil {
			cause = &TimeoutError{o.Timeout}
		}
		grace := time.NewTimer(o.Grace)
		defer grace.Stop()
		stop, cancel := context.WithTimeout(exec, o.Grace)
		defer cancel()
		refused := k.Interrupt(stop)
		if !wait(grace.C, nil) {
			how := fmt.Sprintf("did not end within %s of the interrupt", quantity.Duration(o.Grace))
			if refused != nil {
				how = fmt.Sprintf("could not be interrupted: %v", refused)
			}
			return r.failed(p, out, &CellError{Cause: cause, Value: how, final: true})
		}
	}
	if e.err != nil {
		return r.failed(p, out, &CellError{Cause: fmt.Errorf("the kernel gave no answer: %w", e.err), final: true})
	}
	out.replied(e.reply.ExecutionCount)
	if e.reply.Status == wire.OK && ctx.Err() == nil {
		// even after the time limit: the cell was done before the interrupt
		return nil
	}
	if e.reply.Status == wire.Aborted {
		e.reply.EName = wire.Aborted
	}
	return r.failed(p, out, &CellError{
		Name: e.reply.EName, Value: e.reply.EValue, Traceback: e.reply.Traceback,
		Cause: cause, final: cause != nil && ctx.Err() != nil,
	})
}

// failed adds the data of the cell to e.
func (r *Runner) failed(p planned, out *cellOutputs, e *CellError) error {
	e.Notebook, e.Index, e.Count = r.nb.Name(), p.index, out.number()
	e.Line = lineOf(e.Traceback, e.Count)
	if lines := strings.Split(p.cell.Source(), "\n"); 0 < e.Line && e.Line <= len(lines) {
		e.Source = strings.TrimRight(lines[e.Line-1], "\r")
	}
	return e
}

// A CellError describes the failure of a cell.
type CellError struct {
	Notebook  string
	Index     int      // of the cell among all cells, from 0
	Count     int      // the number in its prompt, or 0
	Line      int      // the line of the cell that failed, from 1; 0 when unknown
	Source    string   // that line
	Name      string   // what kind of error: "panic", "type error"
	Value     string   // one line
	Traceback []string // with ANSI colours
	// why it was stopped from outside: a *TimeoutError, the end of the context, a lost kernel; nil otherwise
	Cause error

	final bool // no further cells can be run
}

func (e *CellError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: cell %d", e.Notebook, e.Index+1)
	if e.Count > 0 {
		fmt.Fprintf(&b, ", In [%d]", e.Count)
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, ", line %d", e.Line)
	}
	switch {
	case e.Cause != nil:
		fmt.Fprintf(&b, ": %v", e.Cause)
		if e.final && e.Value != "" && e.Name == "" {
			fmt.Fprintf(&b, "; the cell %s", e.Value)
		}
	case e.Name != "" && e.Value != "":
		fmt.Fprintf(&b, ": %s: %s", e.Name, e.Value)
	default:
		fmt.Fprintf(&b, ": %s", e.Name+e.Value)
	}
	return b.String()
}

// Unwrap returns Cause.
func (e *CellError) Unwrap() error { return e.Cause }

// A TimeoutError is the cause of a cell that took longer than Options.Timeout and was interrupted.
type TimeoutError struct{ Limit time.Duration }

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("took longer than %s and was interrupted", quantity.Duration(e.Limit))
}

// lineOf finds the first line of a traceback's own cell, which the kernel writes as cell[5]:3.
func lineOf(traceback []string, count int) int {
	text := ansi.ReplaceAllString(strings.Join(traceback, "\n"), "")
	prefix := fmt.Sprintf("cell[%d]:", count)
	for {
		_, rest, ok := strings.Cut(text, prefix)
		if !ok {
			return 0
		}
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		if n, err := strconv.Atoi(digits); err == nil {
			return n
		}
		text = rest
	}
}

// ansi is one colour sequence.
var ansi = regexp.MustCompile("\x1b\\[[0-9;:]*[A-Za-z]")
