package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"interleave/kernel/cell"
	"interleave/kernel/engine/backend"
	"interleave/kernel/engine/interpreted"
)

// A record restores a cell's declarations in a new process.
type record struct {
	N       int
	Package int
	Code    string
	Plugin  string // empty if the interpreter ran the cell
	Mode    backend.Mode
	Plot    bool
	Amends  cell.Amends
	Forget  []string `json:",omitempty"` // instead of Code: names to forget
	Narrow  bool     `json:",omitempty"` // figures for a phone
	Setting bool     `json:",omitempty"` // only the mode changed
	Reset   bool     `json:",omitempty"` // everything before is forgotten
	Lost    bool     `json:",omitempty"` // an earlier process took the variables declared before with it
}

// commit makes a cell without compiled code part of the session, and records it for the next process.
func (e *Engine) commit(p *cell.Plan, text string) {
	p.Commit(false)
	if p.Lasting {
		e.record(p, text, "")
	}
}

func (e *Engine) record(p *cell.Plan, text, plugin string) {
	b, err := json.Marshal(record{N: p.N, Package: p.Package, Code: text, Plugin: plugin, Mode: e.mode, Plot: e.plot,
		Narrow: e.narrow, Forget: p.Forget, Amends: p.Amended})
	if err != nil {
		return
	}
	e.out.Record(e.runningID(), b)
}

func (e *Engine) runningID() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running != nil {
		return e.running.id
	}
	return 0
}

// Restore repeats the declarations of an earlier process. Its variables are lost.
func (e *Engine) Restore(records [][]byte) (lost, failed []string) {
	e.starter.busy()
	defer e.starter.idle(e)
	defer e.look()
	for _, b := range records {
		var rec record
		if err := json.Unmarshal(b, &rec); err != nil {
			failed = append(failed, "a record that cannot be read: "+err.Error())
			continue
		}
		if rec.Lost {
			e.scope.Lose()
			continue
		}
		e.texts.set(rec.N, rec.Code)
		e.mode, e.plot, e.narrow = rec.Mode, rec.Plot, rec.Narrow
		if rec.Reset {
			e.forget()
		}
		if rec.Setting || rec.Reset {
			continue
		}
		e.scope.Next(rec.Package)
		p, err := e.plan(rec)
		if err != nil {
			failed = append(failed, fmt.Sprintf("cell[%d]: %v", rec.N, err))
			continue
		}
		if rec.Plugin != "" && p.Reuse == 0 {
			prog, err := e.compiled.Load(context.Background(), p)
			if err != nil {
				failed = append(failed, fmt.Sprintf("cell[%d]: %v", rec.N, err))
				continue
			}
			if err := e.initialise(); err != nil {
				failed = append(failed, fmt.Sprintf("cell[%d]: %v", rec.N, err))
			}
			if !e.plain {
				prog.Cell.Patch()
			}
			prog.Cell.Over()
		}
		p.Commit(rec.Plugin != "")
		e.keepLiterals(p)
		if rec.Plugin == "" {
			e.interp.Declare(p)
		}
	}
	e.restored = true
	e.scope.LoseResults(e.texts.last())
	return e.scope.Lose(), failed
}

// plan checks the code of a record.
func (e *Engine) plan(rec record) (p *cell.Plan, err error) {
	e.checking.Lock()
	defer e.checking.Unlock()
	if len(rec.Forget) > 0 {
		p, err = e.scope.Forget(rec.N, rec.Forget)
	} else {
		p, err = e.scope.Check(rec.N, rec.Code)
	}
	if err != nil || p.Reuse != 0 {
		return p, err
	}
	if other, err := p.Amend(rec.Amends); other != nil || err != nil {
		return other, err
	}
	return p, nil
}

// forget drops all declarations.
func (e *Engine) forget() {
	e.checking.Lock()
	e.scope = e.scope.Fresh()
	e.checking.Unlock()
	e.literals.Clear()
	e.results = results{}
	e.workers.Forget()
	e.interp = interpreted.New(e.home, e.moduleTable)
}
