package engine

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/session"
	"interleave/runtime/remote"
)

// worker returns the command that starts a process for functions of cells: this program, with the cells that
// this session has built.
func (e *Engine) worker() (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.Command(program, "worker", "-toolchain", e.cfg.Toolchain, "-work", e.cfg.WorkDir), nil
}

// expectWorkers has the processes started that a cell will want, so that they start while it is compiled.
func (e *Engine) expectWorkers(p *cell.Plan) {
	lab := names.Alias("interleave/runtime/lab")
	n := strings.Count(p.Code, lab+".Spawn(") + runtime.NumCPU()*strings.Count(p.Code, lab+".NewProcPool(")
	if n > 0 && e.plain {
		go remote.Expect(n)
	}
}

// noWorkers returns why functions of cells cannot run in other processes, or nil.
func (e *Engine) noWorkers() error {
	if !e.plain {
		return errors.New("functions of cells run in other processes only where the code of cells is plain; " +
			"interleave doctor names the way in use")
	}
	return nil
}

// keepLiterals remembers what the function literals of a cell capture, and which functions assign variables.
func (e *Engine) keepLiterals(p *cell.Plan) {
	e.workers.Number(p.Package, p.N)
	if len(p.Literals) > 0 {
		e.literals.Store(p.N, p.Literals)
	}
	if len(p.Assigners) > 0 {
		e.workers.Keep(p.N, p.Assigners)
	}
}

// capturedIn returns the names of the local variables that function literals which begin in a line of cell n
// capture, and of how many of the session's variables each has a pointer, -1 if they differ.
func (e *Engine) capturedIn(n, line int) (names []string, variables int) {
	list, _ := e.literals.Load(n)
	literals, _ := list.([]cell.Literal)
	for _, l := range literals {
		if l.Line != line {
			continue
		}
		names = append(names, l.Captured...)
		if variables != 0 && variables != l.Variables {
			return names, -1
		}
		variables = l.Variables
	}
	return names, variables
}

// noteOnce shows a note under the cell of the calling goroutine, unless that run of the cell has shown it.
func (e *Engine) noteOnce(text string) {
	t := current()
	if t == nil {
		return
	}
	if _, shown := t.run.noted.LoadOrStore(text, true); !shown {
		e.out.Output(t.run.id, session.Stderr, []byte(bold+"note: "+reset+text+"\n"))
	}
}

// writer returns a function that writes output of the calling goroutine's cell, from any goroutine.
func (e *Engine) writer() func(stderr bool, b []byte) {
	t := current()
	if t == nil {
		return nil
	}
	return func(stderr bool, b []byte) {
		stream := session.Stdout
		if stderr {
			stream = session.Stderr
		}
		e.out.Output(t.run.id, stream, b)
	}
}
