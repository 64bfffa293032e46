package workers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"interleave/kernel/breaks"
	"interleave/kernel/engine/rt"
	"interleave/kernel/load"
	"interleave/kernel/toolchain"
	"interleave/runtime/host"
)

// A Worker has the code of cells in a worker's process.
type Worker struct {
	tools   *toolchain.Toolchain
	workDir string
	mu      sync.Mutex // of instead, and of loading
	instead map[string]map[string]string
	loader  *load.Loader
	common
}

// Open returns the code of a worker in which no cell is loaded. Its cells are those that a session has built in
// workDir.
func Open(tools *toolchain.Toolchain, workDir string) (*Worker, error) {
	w := &Worker{tools: tools, workDir: workDir, instead: map[string]map[string]string{}}
	l, err := load.Open(load.Config{
		Index:    tools.Index(),
		Archive:  func(path string) (string, error) { return tools.Archive(context.Background(), workDir, path) },
		Packages: func() []string { return tools.ModulePaths(workDir) },
		Instead:  func(path string) map[string]string { return w.instead[path] },
	})
	if err != nil {
		return nil, err
	}
	w.loader = l
	rt.SetHooks(rt.Hooks{
		Poll: func() {},
		Show: func([]any) {},
		At:   func(int, int) {},
		Ctx:  context.Background,
	})
	return w, nil
}

// Load takes in what Session.Needs has returned.
func (w *Worker) Load(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var n needs
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	for _, c := range n.Cells {
		if !strings.HasPrefix(c.Path, load.CellPrefix) {
			return fmt.Errorf("%q is not a cell", c.Path)
		}
		for _, m := range c.Moves {
			rt.Move(m.Name, m.From, m.To)
		}
		w.instead[c.Path] = c.Instead
		file, err := w.tools.Archive(context.Background(), w.workDir, c.Path)
		if err != nil {
			return err
		}
		if err := w.loader.Load(c.Path, file); err != nil {
			return err
		}
		for _, p := range w.loader.TakePending() {
			p.Run()
		}
	}
	for path, given := range n.Given {
		number, err := numberOf(path)
		if err != nil {
			return err
		}
		if c := rt.Lookup(number); c != nil {
			c.Give(given)
		}
	}
	var jumps []breaks.Jump
	for _, j := range n.Jumps {
		from, to := w.loader.Find(j[0]), w.loader.Find(j[1])
		if from == 0 || to == 0 {
			return fmt.Errorf("%s cannot take the place of %s", j[1], j[0])
		}
		jumps = append(jumps, breaks.Jump{From: from, To: to})
	}
	if len(jumps) == 0 {
		return nil
	}
	return breaks.Redirect(jumps)
}

// Call returns the function with a name.
func (w *Worker) Call(name string, t reflect.Type) (reflect.Value, error) {
	return funcOf(w.loader, name, t)
}

// Variable returns a pointer to the variable with a name.
func (w *Worker) Variable(name string) any { return rt.Unite(keysOf(name)) }

// TypeName returns the name of a type.
func (w *Worker) TypeName(t reflect.Type) string { return typeName(w.loader, t) }

// Type returns the type with a name.
func (w *Worker) Type(name string) reflect.Type { return typeOf(w.loader, name) }

// Fixed returns the name of a pointer that the session has.
func (w *Worker) Fixed(p unsafe.Pointer) (name, variable string, ok bool) {
	return w.fixedPointer(w.loader, p)
}

// At returns the pointer with a name.
func (w *Worker) At(name string) (unsafe.Pointer, reflect.Type) { return at(w.loader, name) }

var errWorker = errors.New("a function that runs in another process cannot start processes: start them in a cell, and pass it what they return")

// Command is for sessions.
func (w *Worker) Command() (*exec.Cmd, error) { return nil, errWorker }

// Function is for sessions.
func (w *Worker) Function(reflect.Value) (host.Function, error) { return host.Function{}, errWorker }

// Reads is for sessions.
func (w *Worker) Reads(string, []string) []host.Variable { return nil }

// Needs is for sessions.
func (w *Worker) Needs(string, []string, map[string]bool) []byte { return nil }
