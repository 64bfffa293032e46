package kernel_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"interleave/kernel/client"
	"interleave/kernel/kerneltest"
	"interleave/kernel/wire"
)

// noMatches is the reply that has none.
func noMatches(cursor int) string {
	return fmt.Sprintf(`{"status":"ok","matches":[],"cursor_start":%d,"cursor_end":%[1]d,"metadata":{"_jupyter_types_experimental":[]}}`, cursor)
}

const notFound = `{"status":"ok","found":false,"data":{},"metadata":{}}`

func matches(text string, start, end int) string {
	return fmt.Sprintf(`{"status":"ok","matches":["%[1]s","é"],"cursor_start":%[2]d,"cursor_end":%[3]d,"metadata":{"_jupyter_types_experimental":[`+
		`{"start":%[2]d,"end":%[3]d,"text":"%[1]s","type":"function","signature":"(a int)"},`+
		`{"start":%[2]d,"end":%[3]d,"text":"é","type":"instance","signature":""}]}}`, text, start, end)
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	k := kerneltest.Start(t, newFake())
	for _, ch := range []wire.Channel{wire.Shell, wire.Control} {
		ask(t, k, ch, wire.CompleteRequest{Code: "é.x", CursorPos: 2}, matches("é.x", 1, 2))
		ask(t, k, ch, wire.CompleteRequest{Code: "é.x", CursorPos: 99}, matches("é.x", 2, 3))
		ask(t, k, ch, wire.CompleteRequest{Code: "é.x", CursorPos: -99}, matches("é.x", 0, 0))
		ask(t, k, ch, wire.CompleteRequest{Code: "wild", CursorPos: 1}, matches("wild", 0, 4))
		ask(t, k, ch, wire.CompleteRequest{Code: "", CursorPos: 7}, noMatches(0))
		ask(t, k, ch, wire.InspectRequest{Code: "é.x", CursorPos: 99, DetailLevel: 1},
			`{"status":"ok","found":true,"data":{"text/plain":"é.x at 3, detail 1"},"metadata":{}}`)
		ask(t, k, ch, wire.InspectRequest{Code: ""}, notFound)
		ask(t, k, ch, wire.InspectRequest{Code: "raw"}, notFound) // the session's answer is not JSON
	}
}

// Questions are answered while a cell runs and others wait, each at its own time.
func TestQuestionsBesideCells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		var cells, questions sync.WaitGroup
		for _, code := range []string{"print a\nhang", "print b"} {
			cells.Go(func() { k.Execute(code) })
			synctest.Wait() // it is in the kernel's queue
		}
		began := time.Now()
		for _, ch := range []wire.Channel{wire.Shell, wire.Control} {
			for _, wait := range []time.Duration{0, 3 * time.Second, time.Second} {
				questions.Go(func() {
					code := fmt.Sprint(wait, " x")
					ask(t, k, ch, wire.CompleteRequest{Code: code, CursorPos: 1}, matches(code, 0, 1))
					if d := time.Since(began); d != wait {
						t.Errorf("%q on %s was answered after %v", code, ch, d)
					}
				})
			}
		}
		questions.Wait()
		if err := k.Client.Interrupt(t.Context()); err != nil {
			t.Error(err)
		}
		cells.Wait()
	})
}

// The text of a cell is gathered as before, and a question does not cut it. The cell is busy once more behind it.
func TestQuestionInOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		var texts []string
		busy := 0
		var cell sync.WaitGroup
		cell.Go(func() {
			_, err := k.Client.Execute(t.Context(), client.ExecuteRequest{Code: "print a\nsleep 10ms\nprint b\nsleep 1s"}, func(m *wire.Message) {
				if c, err := wire.As[wire.StreamText](m); err == nil {
					texts = append(texts, c.Text)
				}
				if c, err := wire.As[wire.Status](m); err == nil && c.State == "busy" {
					busy++
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
		time.Sleep(5 * time.Millisecond)
		ask(t, k, wire.Shell, wire.CompleteRequest{Code: "x", CursorPos: 1}, matches("x", 0, 1))
		cell.Wait()
		if busy != 2 {
			t.Errorf("the cell was busy %d times", busy)
		}
		if got := strings.Join(texts, "|"); got != "a\nb\n" {
			t.Errorf("%q", got)
		}
	})
}

// Open questions get an empty reply when the kernel shuts down, and when the session ends for good.
func TestQuestionsAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			k := kerneltest.Start(t, f)
			var questions sync.WaitGroup
			for range 3 {
				questions.Go(func() { ask(t, k, wire.Shell, wire.CompleteRequest{Code: "1h x", CursorPos: 2}, noMatches(2)) })
				questions.Go(func() { ask(t, k, wire.Control, wire.InspectRequest{Code: "1h x"}, notFound) })
			}
			synctest.Wait()
			if gone {
				f.Close()
				questions.Wait()
				ask(t, k, wire.Shell, wire.CompleteRequest{Code: "x", CursorPos: 1}, noMatches(1))
				ask(t, k, wire.Control, wire.InspectRequest{Code: "x"}, notFound)
				return
			}
			if err := k.Client.Shutdown(t.Context(), false); err != nil {
				t.Error(err)
			}
			questions.Wait()
			if err := k.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
