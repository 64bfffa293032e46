package lab

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"interleave/runtime/host"
	"interleave/runtime/remote"
)

// workerName is the first argument of a program that is a worker.
const workerName = "interleave-worker"

// WorkerMain makes an ordinary program its own worker: it returns at once, unless [NewProcPool] or [Spawn] has
// started the program. Then it calls functions for that program, and does not return. Call it first in main, or
// in TestMain. In a notebook it is not needed.
//
// Workers have all functions and types of the program. Package-level variables are not copied: a worker has
// them as the program's initialisation sets them. It needs Linux.
func WorkerMain() {
	if len(os.Args) == 0 || os.Args[0] != workerName {
		workerMainCalled = true
		return
	}
	inWorker = true
	if err := remote.Serve(&ordinary, exitWorker); err != nil {
		fmt.Fprintln(os.Stderr, err)
		exitWorker(2)
	}
}

var (
	exitWorker       = os.Exit
	workerMainCalled bool
	inWorker         bool
)

var errWithin = errors.New("a function that runs in another process cannot start processes: start them in the program, and pass it what they return")

// ordinary is the code of an ordinary program. Names are offsets in the program's file, which workers run, too.
var ordinary program

type program struct {
	once   sync.Once
	ranges [][2]uintptr // where the program's file is in memory
	err    error
}

// load finds where the program is.
func (p *program) load() error {
	p.once.Do(func() {
		p.ranges, p.err = mapped()
		if p.err != nil {
			p.err = fmt.Errorf("other processes cannot be given functions on %s: %w", runtime.GOOS, p.err)
		}
	})
	return p.err
}

// mapped returns the parts of memory that hold the program's file.
func mapped() (ranges [][2]uintptr, err error) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// from-to permissions offset device inode file
		line := lines.Text()
		if !strings.HasSuffix(line, " "+exe) {
			continue
		}
		span, _, _ := strings.Cut(line, " ")
		from, to, _ := strings.Cut(span, "-")
		a, err := strconv.ParseUint(from, 16, 64)
		b, err2 := strconv.ParseUint(to, 16, 64)
		if err == nil && err2 == nil {
			ranges = append(ranges, [2]uintptr{uintptr(a), uintptr(b)})
		}
	}
	if len(ranges) == 0 {
		return nil, errors.New("the program is not in the list of its memory")
	}
	return ranges, nil
}

// has reports whether an address is in the program's file.
func (p *program) has(at uintptr) bool {
	if p.load() != nil {
		return false
	}
	for _, r := range p.ranges {
		if r[0] <= at && at < r[1] {
			return true
		}
	}
	return false
}

func (p *program) name(at uintptr) string { return strconv.FormatUint(uint64(at-p.ranges[0][0]), 16) }

func (p *program) address(name string) uintptr {
	n, err := strconv.ParseUint(name, 16, 63)
	if err != nil || p.load() != nil || !p.has(p.ranges[0][0]+uintptr(n)) {
		return 0
	}
	return p.ranges[0][0] + uintptr(n)
}

// Command starts this program again.
func (p *program) Command() (*exec.Cmd, error) {
	if inWorker {
		return nil, errWithin
	}
	if !workerMainCalled {
		return nil, errors.New("this program is not its own worker: call lab.WorkerMain first in main, or in TestMain")
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Args = []string{workerName}
	return cmd, nil
}

func (p *program) Function(fn reflect.Value) (host.Function, error) {
	if err := p.load(); err != nil {
		return host.Function{}, err
	}
	f := runtime.FuncForPC(fn.Pointer())
	if f == nil {
		return host.Function{}, errMadeFunction
	}
	label, _, _ := strings.Cut(f.Name(), "[...]")
	label = label[strings.LastIndexByte(label, '/')+1:]
	file, line := f.FileLine(fn.Pointer())
	place := fmt.Sprintf("%s:%d", file[strings.LastIndexByte(file, '/')+1:], line)
	if last := label[strings.LastIndexByte(label, '.')+1:]; isLiteral(last) {
		label = "the function literal at " + place
	}
	switch method, bound := strings.CutSuffix(label, "-fm"); {
	case strings.HasPrefix(f.Name(), "reflect."):
		return host.Function{}, errMadeFunction
	case p.has(remote.ClosureOf(fn)):
		return host.Function{Name: p.name(fn.Pointer()), Label: label}, nil
	case bound:
		_, expression, _ := strings.Cut(method, ".")
		return host.Function{}, fmt.Errorf("%s is bound to a value: use the method expression %s and pass the value as the first argument", method, expression)
	}
	return host.Function{}, fmt.Errorf("the function literal at %s captures variables, which another process does not have: pass them as arguments", place)
}

var errMadeFunction = errors.New("the function was made at run time by package reflect, and another process does not have it: write it as a function")

// isLiteral reports whether a function without its package is called as the compiler calls literals.
func isLiteral(name string) bool {
	n, ok := strings.CutPrefix(name, "func")
	_, err := strconv.Atoi(n)
	return ok && err == nil
}

func (p *program) Reads(string, []string) []host.Variable { return nil }

func (p *program) Needs(string, []string, map[string]bool) []byte { return nil }

func (p *program) TypeName(t reflect.Type) string {
	at := remote.AddressOf(t)
	if !p.has(at) {
		return ""
	}
	return fmt.Sprintf("%s:%x", p.name(at), remote.HashAt(at))
}

func (p *program) Type(name string) reflect.Type {
	name, hash, _ := strings.Cut(name, ":")
	at := p.address(name)
	if at == 0 || fmt.Sprintf("%x", remote.HashAt(at)) != hash {
		return nil
	}
	return remote.TypeAt(at)
}

func (p *program) Call(name string, t reflect.Type) (reflect.Value, error) {
	at := p.address(name)
	if f := runtime.FuncForPC(at); at == 0 || f == nil || f.Entry() != at {
		return reflect.Value{}, errors.New("the worker does not have the function")
	}
	return remote.FuncAt(at, t), nil
}

func (p *program) Load([]byte) error { return errors.New("there is nothing to load") }

func (p *program) Fixed(at unsafe.Pointer) (name, variable string, ok bool) {
	for name, err := range knownErrors {
		if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.UnsafePointer() == at {
			return name, "", true
		}
	}
	return "", "", false
}

func (p *program) At(name string) (unsafe.Pointer, reflect.Type) {
	v := reflect.ValueOf(knownErrors[name])
	if !v.IsValid() || v.Kind() != reflect.Pointer {
		return nil, nil
	}
	return v.UnsafePointer(), v.Type().Elem()
}

func (p *program) Variable(string) any { return nil }
