// Command rawyaegi runs Go with yaegi alone, for kernel/bench: it reads definitions and a call from standard input, as
// JSON, and writes how long the definitions took with their first call, and the fastest of several calls. It must not
// know Interleave.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "rawyaegi:", err)
		os.Exit(1)
	}
}

func run() error {
	var work struct {
		Imports []string
		Cells   []struct{ Defs, Call string } // one after another in one interpreter
		Rounds  int                           // calls of each
	}
	if err := json.NewDecoder(os.Stdin).Decode(&work); err != nil {
		return err
	}
	i := interp.New(interp.Options{})
	if err := i.Use(stdlib.Symbols); err != nil {
		return err
	}
	for _, path := range work.Imports {
		if _, err := i.Eval(fmt.Sprintf("import %q", path)); err != nil {
			return err
		}
	}
	type result struct {
		First, Best time.Duration
		Value       string
	}
	var results []result
	for _, c := range work.Cells {
		var r result
		began := time.Now()
		if _, err := i.Eval(c.Defs); err != nil {
			return fmt.Errorf("%s: %w", c.Defs, err)
		}
		for round := range work.Rounds {
			t0 := time.Now()
			v, err := i.Eval(c.Call)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Call, err)
			}
			took := time.Since(t0)
			if round == 0 {
				r.First, r.Best, r.Value = time.Since(began), took, fmt.Sprint(v)
			}
			r.Best = min(r.Best, took)
			if now := fmt.Sprint(v); now != r.Value {
				r.Value = fmt.Sprintf("%s and %s", r.Value, now)
			}
		}
		results = append(results, r)
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}
