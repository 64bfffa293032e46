package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"interleave/kernel/serve"
	"interleave/kernel/session"
	"interleave/runtime/quantity"
)

// runCells runs the cells of a text file, which lines of three dashes separate, and prints their output: the
// shortest way to try a change of the front end. A cell below a line "--- interrupt" is interrupted when it
// has printed something, or after three seconds.
func runCells(ctx context.Context, args []string) error {
	plain := len(args) > 0 && args[0] == "-plain" // only the output of the cells, and the first words of errors
	if plain {
		args = args[1:]
	}
	if len(args) != 1 || strings.HasPrefix(args[0], "-") {
		return errors.New("cells: give one file, after -plain if only the output is of interest; lines of three dashes separate its cells")
	}
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	s, cleanup, err := serve.Session(ctx, "", serve.Logger(false))
	if err != nil {
		return err
	}
	defer cleanup()
	defer s.Close()
	for i, code := range strings.Split("\n"+string(b), "\n---") {
		how, code, _ := strings.Cut(code, "\n")
		how = strings.TrimSpace(how)
		if how != "" && how != "interrupt" {
			return fmt.Errorf("cells: cell %d begins with ---%s; a line of three dashes may be followed by interrupt", i+1, how)
		}
		began := time.Now()
		if err := s.Run(session.Cell{ID: uint64(i + 1), N: i + 1, Code: code, StoreHistory: true}); err != nil {
			return err
		}
		if !plain {
			fmt.Printf("── [%d]\n", i+1)
		}
		var late *time.Timer
		if how == "interrupt" {
			late = time.AfterFunc(interruptAfter, s.Interrupt)
		}
		for ev := range s.Events() {
			done := false
			switch ev := ev.(type) {
			case session.Output:
				fmt.Print(ev.Text)
				if late != nil && late.Stop() {
					s.Interrupt()
				}
			case session.Display:
				if plain {
					break
				}
				fmt.Printf("%s display %d types, %d bytes of svg\n", string(ev.Data["text/plain"]), len(ev.Data), len(ev.Data["image/svg+xml"]))
			case session.Result:
				var text string
				json.Unmarshal(ev.Data["text/plain"], &text)
				fmt.Println("⇒", text)
			case session.Failed:
				if plain {
					fmt.Println(ev.Name + ": " + ev.Value)
					break
				}
				fmt.Println(strings.Join(ev.Traceback, "\n"))
			case session.Restarted:
				fmt.Printf("restarted: %s lost %v failed %v\n", ev.Reason, ev.Lost, ev.Failed)
			case session.Done:
				done = true
				if plain {
					break
				}
				fmt.Printf("   %s %s ok=%v\n", ev.Engine, quantity.Duration(time.Since(began)), ev.OK)
			}
			if done {
				break
			}
		}
		if late != nil {
			late.Stop()
		}
	}
	return nil
}

// interruptAfter is how long a cell that is to be interrupted may take to print something.
const interruptAfter = 3 * time.Second
