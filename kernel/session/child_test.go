package session

//lint:file-ignore SA5002 it must spin
//lint:file-ignore SA4010 it must use memory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is also the child: with this argument it serves the evaluator below.
const childArg = "session-child"

// With this one it only sleeps.
const sleepArg = "session-sleep"

// With this one it fails.
const failArg = "session-fails"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		if err := Serve(context.Background(), &evaluator{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == sleepArg {
		time.Sleep(1000 * time.Second)
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == failArg {
		fmt.Fprintln(os.Stderr, "cannot")
		os.Exit(5)
	}
	goleak.VerifyTestMain(m)
}

// An evaluator runs scripts, one command a line, each of which does one thing that user code may do.
type evaluator struct {
	vars       map[string]string
	declared   []string
	comms      []string // data of all messages
	interrupts atomic.Int32
}

func (ev *evaluator) Restore(records [][]byte) (lost, failed []string) {
	for _, r := range records {
		verb, arg, _ := strings.Cut(string(r), " ")
		switch verb {
		case "crash":
			panic("a record that crashes: " + arg)
		case "hang":
			select {}
		case "later": // crashes soon after it was brought back
			go func() { os.Exit(7) }()
		case "stale":
			failed = append(failed, arg+": cannot come back")
		case "var":
			lost = append(lost, arg)
		default:
			ev.declared = append(ev.declared, string(r))
		}
	}
	return lost, failed
}

// Complete does what the code says, beside any cell.
func (ev *evaluator) Complete(code string, cursor int) Completion {
	verb, arg, _ := strings.Cut(code, " ")
	switch verb {
	case "nothing":
		return Completion{}
	case "panic":
		panic(arg)
	case "hang":
		select {}
	case "exit":
		os.Exit(mustAtoi(arg))
	}
	return Completion{Start: cursor - 1, End: cursor, Matches: []Match{{Text: code, Type: "function", Signature: "()"}}}
}

func (ev *evaluator) Inspect(code string, cursor, detail int) Inspection {
	ev.Complete(code, cursor)
	return Inspection{Found: true, Data: Bundle{"text/plain": json.RawMessage(strconv.Quote(fmt.Sprint(code, cursor, detail)))}}
}

// Comm answers a message with the message, and keeps its data for the cells.
func (ev *evaluator) Comm(m Comm, out *Out) {
	if m.Target == "panic" {
		panic("evaluator bug")
	}
	ev.comms = append(ev.comms, string(m.Data))
	m.Op = CommMessage
	out.Emit(m)
}

func (ev *evaluator) Interrupt() { ev.interrupts.Add(1) }

func (ev *evaluator) Variables(path string) []Variable {
	ev.Complete(path, 0)
	return []Variable{{Name: "in " + path, Type: "int", Value: "1", Path: path + "/0"}}
}

func mustAtoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func (ev *evaluator) Eval(ctx context.Context, c Cell, out *Out) Done {
	done := Done{OK: true, Engine: "script"}
	for line := range strings.Lines(c.Code) {
		*out.Line()++
		verb, arg, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if err := ev.do(ctx, c, out, verb, arg, &done); err != nil {
			out.Emit(Failed{Cell: c.ID, Name: "error", Value: err.Error()})
			done.OK = false
			done.Interrupted = errors.Is(err, ErrInterrupted)
			return done
		}
	}
	return done
}

// write is what the patched standard library makes of a write.
func write(out *Out, s Stream, text string) {
	if _, _, ok := out.Write(s, []byte(text), 0); !ok {
		f := os.Stdout
		if s == Stderr {
			f = os.Stderr
		}
		f.WriteString(text)
	}
}

func (ev *evaluator) do(ctx context.Context, c Cell, out *Out, verb, arg string, done *Done) error {
	text, _ := strconv.Unquote(`"` + arg + `"`)
	n, _ := strconv.Atoi(arg)
	switch verb {
	case "print":
		write(out, Stdout, text)
	case "eprint": // as the runtime and C code do, beside Out.Write
		out.Fence()
		os.Stderr.WriteString(text)
	case "log":
		write(out, Stderr, text)
	case "wait":
		<-ctx.Done()
		return context.Cause(ctx)
	case "display":
		out.Emit(Display{Cell: c.ID, Data: Bundle{"text/plain": json.RawMessage(strconv.Quote(arg))}})
	case "huge": // a display that no frame holds
		out.Emit(Display{Cell: c.ID, Data: Bundle{"text/plain": make(json.RawMessage, maxFrame+1)}})
	case "set":
		if ev.vars == nil {
			ev.vars = map[string]string{}
		}
		name, value, _ := strings.Cut(arg, " ")
		ev.vars[name] = value
	case "get":
		fmt.Printf("%s=%s\n", arg, ev.vars[arg])
	case "comms":
		fmt.Println(strings.Join(ev.comms, ","))
	case "interrupts":
		for ev.interrupts.Load() < int32(n) {
			runtime.Gosched()
		}
	case "declared":
		fmt.Println(strings.Join(ev.declared, ","))
	case "record":
		out.Record(c.ID, []byte(arg))
	case "forget":
		out.Forget()
	case "many": // lines
		for i := range n {
			fmt.Println("line", i)
		}
	case "clears":
		for range n {
			out.Emit(Clear{Cell: c.ID})
		}
	case "alternate":
		for i := range n {
			write(out, Stdout, fmt.Sprintf("o%d ", i))
			write(out, Stderr, fmt.Sprintf("e%d ", i))
		}
	case "flood": // MB
		block := []byte(strings.Repeat("the quick brown fox jumps over the lazy dog, and over it\n", 1<<10))
		for left := n << 20; left > 0; left -= len(block) {
			os.Stdout.Write(block[:min(left, len(block))])
		}
	case "gush": // until the interrupt and 4 MB more, and then last words
		line := []byte(strings.Repeat("x", 999) + "\n")
		for more := 4000; more > 0; {
			out.Write(Stdout, line, 0)
			if ctx.Err() != nil {
				more--
			}
		}
		write(out, Stdout, "last words\n")
		return context.Cause(ctx)
	case "writers": // several goroutines, both streams and displays at once
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range n {
					write(out, Stdout, fmt.Sprintf("%d.%d o\n", g, i))
					write(out, Stderr, fmt.Sprintf("%d.%d e\n", g, i))
					if i%10 == 0 {
						out.Emit(Display{Cell: c.ID, Data: Bundle{"n": json.RawMessage(fmt.Sprintf(`"%d.%d"`, g, i))}})
					}
				}
			})
		}
		wg.Wait()
	case "runes": // written one byte at a time, with displays between
		for i := range len(text) {
			os.Stdout.Write([]byte{text[i]})
			out.Emit(Clear{Cell: c.ID})
		}
	case "marker": // what a marker looks like, with another nonce, a wrong number, and cut
		m := newMarker(newNonce())
		os.Stdout.Write(m.bytes(1, true))
		os.Stdout.Write([]byte{0xFF})
		os.Stdout.Write(out.marker.bytes(1<<40, true)) // the real nonce, which only this test can know
		os.Stdout.Write(out.marker.bytes(1, false)[:nonceLen])
	case "close":
		os.Stdout.Close()
		os.Stderr.Close()
		f, err := os.CreateTemp("", "session") // takes fd 1
		if err != nil {
			return err
		}
		os.Remove(f.Name())
		out.Emit(Display{Cell: c.ID, Data: Bundle{"fd": json.RawMessage(fmt.Sprint(f.Fd()))}})
		out.Emit(Clear{Cell: c.ID})
		st, err := f.Stat()
		if err != nil {
			return err
		}
		if st.Size() != 0 {
			return fmt.Errorf("%d bytes in the user's own file", st.Size())
		}
	case "again": // user code that starts the same command
		b, err := exec.Command(os.Args[0], childArg).CombinedOutput()
		fmt.Printf("%s%v\n", b, err)
	case "serve":
		return Serve(ctx, ev)
	case "child": // a process of user code that lives on and holds the streams open
		p := exec.Command(os.Args[0], sleepArg)
		p.Stdout, p.Stderr = os.Stdout, os.Stderr
		if arg == "setsid" {
			leave(p)
		}
		if err := p.Start(); err != nil {
			return err
		}
		out.Emit(Display{Cell: c.ID, Data: Bundle{"pid": json.RawMessage(fmt.Sprint(p.Process.Pid))}})
	case "input":
		s, err := out.Input(ctx, arg, false)
		if err != nil {
			return err
		}
		fmt.Printf("got %q\n", s)
	case "block":
		out.Emit(Clear{Cell: c.ID}) // tells the test that it begins
		<-ctx.Done()
		return context.Cause(ctx)
	case "deaf":
		out.Emit(Clear{Cell: c.ID})
		for {
			time.Sleep(time.Hour)
		}
	case "burn":
		out.Emit(Clear{Cell: c.ID})
		for range runtime.GOMAXPROCS(0) {
			go func() {
				for {
				}
			}()
		}
		for {
		}
	case "outlive": // a goroutine that writes after its cell's end, as the engine's hook has it
		go func() {
			out.running.Load()
			for range n {
				out.Output(c.ID, Stdout, []byte("late\n"))
			}
		}()
	case "replace":
		done.OK = false
		done.Replace = arg
	case "bug":
		panic("evaluator bug")
	case "exit":
		os.Exit(n)
	case "gopanic":
		go func() { panic("in a goroutine") }()
		select {}
	case "mapwrites":
		runtime.GOMAXPROCS(4) // on one core nobody notices
		m := map[int]int{}
		for range 8 {
			go func() {
				for i := 0; ; i++ {
					m[i&0xff] = i
				}
			}()
		}
		select {}
	case "unlock":
		new(sync.Mutex).Unlock()
	case "overflow":
		debug.SetMaxStack(64e6)
		fmt.Println(overflow(0))
	default:
		return system(verb, c, out)
	}
	return nil
}

func overflow(n int) int {
	if n < 0 {
		return 0
	}
	return overflow(n+1) + 1
}
