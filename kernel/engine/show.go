package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"reflect"
	"runtime"
	"strings"
	"time"

	"interleave/kernel/cell/names"
	"interleave/kernel/engine/backend"
	"interleave/kernel/session"
	"interleave/plots"
	"interleave/runtime/display"
	"interleave/runtime/host"
	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// result shows the value of the cell's last expression. It leaves out a nil error at the end, as Python
// leaves out None. If only the error of showing it can be shown, the cell fails.
func (x *execution) result(values []any) {
	defer func() {
		if v := recover(); v != nil {
			x.failed(&failure{name: session.FailurePanic, value: "while the result was being displayed: " + panicText(v)})
		}
	}()
	var data, meta session.Bundle
	var err error
	x.showing(func() { data, meta, err = x.bundle(values) })
	if err != nil && len(data) == 1 && x.ctx.Err() == nil {
		x.failed(&failure{name: session.FailureDisplay, value: strings.TrimPrefix(err.Error(), "display: ")})
		return
	}
	if err != nil {
		x.e.out.Output(x.cell.ID, session.Stderr, []byte("show: "+err.Error()+"\n"))
	}
	if data != nil {
		x.e.out.Emit(session.Result{Cell: x.cell.ID, Data: data, Metadata: meta})
	}
}

// bundle returns the representations of values; err reports those that failed.
func (x *execution) bundle(values []any) (data, meta session.Bundle, err error) {
	if k := len(values); k > 1 && values[k-1] == nil && x.run.hideNil {
		values = values[:k-1]
	}
	switch len(values) {
	case 0:
		return nil, nil, nil
	case 1:
		if values[0] == nil && x.run.hideNil {
			return nil, nil, nil
		}
		d, m, err := display.Bundle(values[0])
		return bundle(d), bundle(m), err
	}
	var parts []string
	for _, v := range values {
		parts = append(parts, display.Sprint(v))
	}
	return bundle(map[string]any{"text/plain": strings.Join(parts, " ")}), nil, nil
}

// bundle encodes values for the wire.
func bundle(m map[string]any) session.Bundle {
	if len(m) == 0 {
		return session.Bundle{}
	}
	b := session.Bundle{}
	for k, v := range m {
		if s, ok := v.(string); ok && (strings.HasPrefix(k, "text/") || k == "image/svg+xml") {
			v = names.Clean(s)
		}
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			buf.Reset()
			fmt.Fprintf(&buf, "%q", fmt.Sprintf("cannot be encoded: %v", err))
		}
		b[k] = json.RawMessage(bytes.TrimSpace(buf.Bytes()))
	}
	return b
}

// display receives the output that cells send to package display.
func (e *Engine) display(ev host.Event) {
	id := e.runningID()
	if t := current(); t != nil {
		id = t.run.id
	}
	if ev.Clear {
		e.out.Emit(session.Clear{Cell: id, Wait: ev.Wait})
		return
	}
	e.out.Emit(session.Display{Cell: id, Data: bundle(ev.Data), Metadata: bundle(ev.Metadata), ID: ev.ID,
		Update: ev.Update})
}

// calledByYaegi is the engine of goroutines that an interpreted cell starts: such a cell has no function
// bodies of its own.
const calledByYaegi = "compiled, called by yaegi"

// ranBy returns the engine that runs fn, or the calling goroutine's code, for numbers and figures.
func ranBy(fn any) string {
	if fn == nil {
		if t := current(); t != nil {
			return t.run.ranBy
		}
		return ""
	}
	v := reflect.ValueOf(fn)
	if v.Kind() == reflect.Func && !v.IsNil() && runtime.FuncForPC(v.Pointer()).Name() == "reflect.makeFuncStub" {
		return backend.Yaegi.String() // its functions are made by reflect
	}
	return backend.Compiled.String()
}

// phone is the width of narrow figures in CSS pixels: that of a small phone.
const phone = 360

// figure draws the timeline of the cell's goroutines under the cell.
func (x *execution) figure(exp *timeline.Experiment) {
	defer func() {
		if v := recover(); v != nil {
			x.e.out.Output(x.cell.ID, session.Stderr, []byte(fmt.Sprintf("the figure could not be drawn: %v\n", v)))
		}
	}()
	o := plots.Options{}
	if x.e.narrow {
		o.Width = phone
	}
	fig, err := plots.Timeline(exp, o)
	if err != nil {
		x.e.out.Output(x.cell.ID, session.Stderr, []byte("the figure could not be drawn: "+err.Error()+"\n"))
		return
	}
	png, err := fig.PNG()
	if err != nil {
		x.e.out.Output(x.cell.ID, session.Stderr, []byte("the figure could not be drawn: "+err.Error()+"\n"))
		return
	}
	w, h := fig.Size()
	size := map[string]any{"width": w, "height": h}
	x.e.out.Emit(session.Display{Cell: x.cell.ID,
		Data: bundle(map[string]any{"image/svg+xml": fig.SVG(), "image/png": base64.StdEncoding.EncodeToString(png),
			"text/plain": fig.Alt()}),
		Metadata: bundle(map[string]any{"image/png": size}),
	})
}

// leftBehind lists the goroutines of a run that are still running after it. It gives a moment to those that
// are about to end, because they were running or wait for the cell's context. exp is nil without a recording:
// then measured code started all of them.
func (x *execution) leftBehind(r *run, exp *timeline.Experiment) {
	if exp != nil && len(exp.Left) == 0 {
		return
	}
	r.settle()
	if exp == nil {
		if all := r.living(); len(all) > 0 {
			x.listLeft(len(all), len(busyOnes(all)), r.report(all))
		}
		return
	}
	const most = 5
	const crowd = 5000
	now := map[int64]living{}
	r.each(func(g living) { now[int64(g.id)] = g })
	var lines []string // of the first
	n, burning := 0, 0
	for _, l := range exp.Left {
		g, lives := now[l.ID]
		if !lives {
			continue
		}
		if g.busy {
			burning++
		}
		if n++; n <= most {
			lines = append(lines, l.String())
		}
	}
	if n == 0 {
		return
	}
	// the recording may be incomplete, or miss that some have ended since
	if exp.Cut != "" || len(exp.Gaps) > 0 || n > crowd {
		n = max(len(now), len(lines))
	}
	if n > len(lines) {
		lines = append(lines, fmt.Sprintf("… and %s more", quantity.Count(n-len(lines))))
	}
	x.listLeft(n, burning, lines)
}

// settle waits until no goroutine of the run uses a core or is about to, for a moment at most.
func (r *run) settle() {
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, busy := r.count(); busy == 0 {
			return
		}
	}
}

// listLeft shows that n goroutines are still running, of which burning use a core, with lines that describe
// them.
func (x *execution) listLeft(n, burning int, lines []string) {
	head := quantity.Plural(n, "goroutine is still running after this cell",
		"goroutines are still running after this cell")
	if burning > 0 {
		lines = append(lines,
			"To stop goroutines, restart the kernel. A loop that checks ctx stops with its cell: for ctx.Err() == nil { … }")
	}
	text := head + ":\n  " + strings.Join(lines, "\n  ")
	page := `<details><summary style="opacity:.7">` + html.EscapeString(head) + "</summary><pre>" +
		html.EscapeString(strings.Join(lines, "\n")) + "</pre></details>"
	x.e.out.Emit(session.Display{Cell: x.cell.ID, Data: bundle(map[string]any{"text/plain": text, "text/html": page}),
		Metadata: session.Bundle{}})
}
