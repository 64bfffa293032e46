//go:build unix

package unbroken

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/wire"
)

// session finds the process that runs the cells, among the kernel's children.
func (k *kernel) session() int {
	k.t.Helper()
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", k.cmd.Process.Pid)) // where there are such, ps need not be
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(children)) {
			if args, _ := os.ReadFile("/proc/" + child + "/cmdline"); strings.Contains(string(args), "\x00session\x00") {
				pid, err := strconv.Atoi(child)
				if err != nil {
					k.t.Fatal(err)
				}
				return pid
			}
		}
	}
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,args=").Output()
	if err != nil {
		k.t.Errorf("ps: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) > 3 && f[1] == strconv.Itoa(k.cmd.Process.Pid) && f[3] == "session" {
			pid, err := strconv.Atoi(f[0])
			if err != nil {
				k.t.Fatal(err)
			}
			return pid
		}
	}
	k.t.Fatalf("the kernel %d has no session among\n%s", k.cmd.Process.Pid, out)
	return 0
}

func TestKill(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	kill := func(sig syscall.Signal) {
		if err := syscall.Kill(k.session(), sig); err != nil {
			k.t.Error(err)
		}
	}
	for _, c := range []struct {
		name, code string
		sig        syscall.Signal
		err        string
	}{ // what runs stands on the line of the word that it waits for
		{"while it computes", `fmt.Println("ready"); for { }`, syscall.SIGKILL, `^session died: the session process was killed by signal 9 \(killed\)`},
		{"while it waits", `fmt.Println("ready"); <-ctx.Done()`, syscall.SIGKILL, `^session died: the session process was killed by signal 9 \(killed\)`},
		{"while goroutines run", "for range 4 { go func() { for { } }() }; fmt.Println(\"ready\"); select {}", syscall.SIGKILL, `^session died: the session process was killed by signal 9 \(killed\)`},
		{"SIGSEGV", `fmt.Println("ready"); for { }`, syscall.SIGSEGV, `^session died: .*(SIGSEGV|signal 11)`},
		{"SIGTERM", `fmt.Println("ready"); for { }`, syscall.SIGTERM, `^session died: the session process was killed by signal 15 \(terminated\)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			s := k.runUntil("x := 1\n"+c.code, func(context.Context) { kill(c.sig) })
			if s.status != wire.Error || !regexp.MustCompile(c.err).MatchString(s.err) {
				t.Errorf("error %q, want %s\n%s", s.err, c.err, s.said())
			}
			k.at(s, 2)
			k.whole(s, true)
		})
	}
	t.Run("between cells", func(t *testing.T) {
		defer k.on(t)()
		was := k.session()
		kill(syscall.SIGKILL)
		// The process may die before the next cell begins, which then tells of it, or under it.
		s := k.run(`fmt.Println(os.Getpid())`)
		if s.status == wire.OK && strings.TrimSpace(s.stdout) == strconv.Itoa(was) {
			t.Fatalf("the process lives: %s", s.said())
		}
		k.whole(s, true)
	})
	t.Run("twice", func(t *testing.T) {
		defer k.on(t)()
		for range 2 {
			s := k.run("p, err := os.FindProcess(os.Getpid())\np.Kill()\nselect {}")
			if !strings.HasPrefix(s.err, "session died: ") {
				t.Error(s.said())
			}
		}
		k.alive()
		k.keep()
		k.whole(seen{}, false)
	})
}

// os.Exit(0) is a program's good end, and so a cell's.
func TestExitZero(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, c := range []struct{ name, code, stdout string }{
		{"statement", "fmt.Println(1)\nos.Exit(0)\nfmt.Println(2)", "1\n"},
		{"interpreted", "os.Exit(0)", ""},
		{"in a function", "func leave() {\n\tdefer fmt.Println(\"deferred\")\n\tos.Exit(0)\n}\nleave()\nfmt.Println(3)", ""},
		{"in a goroutine", "go func() {\n\tfmt.Println(4)\n\tos.Exit(0)\n}()\nfor {\n}", "4\n"},
		{"ends the pieces behind", "fmt.Println(5)\nos.Exit(0)\n%who\nfmt.Println(6)", "5\n"},
		{"shows no result", "func() int {\n\tos.Exit(0)\n\treturn 7\n}()", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			s := k.run(c.code)
			if s.status != wire.OK || s.stdout != c.stdout || s.stderr != "" || s.err != "" || s.result != "" {
				t.Errorf("want only %q: %s", c.stdout, s.said())
			}
			k.whole(s, false)
		})
	}
}

// What goroutines do after their cell has ended is told in that cell's output, and harms no other.
func TestLateCrashes(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, c := range []struct{ name, end, want string }{
		{"panic", "panic(\"late\")", "panic: late\nin a goroutine started at cell[N]:2\ncell[N]:4 in func1\n"},
		{"task", "lab.Go(ctx, func(context.Context) (int, error) { panic(\"late\") }, lab.Named(\"daemon\"))", "panic: late\nin daemon, started at cell[N]:4; not awaited\ncell[N]:4 in func1.1\n"},
		{"timer", "lab.After(context.Background(), 0, func(context.Context) (int, error) { panic(\"late\") }, lab.Named(\"timer\"))", "panic: late\nin timer, started at cell[N]:4; not awaited\ncell[N]:4 in func1.1\n"},
		{"os.Exit", "os.Exit(3)", "exit: os.Exit(3)\ncell[N]:4 in func1\n"},
		{"log.Fatal", "log.SetFlags(0)\n\tlog.Fatal(\"late\")", "late\nexit: os.Exit(1)\ncell[N]:5 in func1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer k.on(t)()
			first := k.run("hold := make(chan bool)\ngo func() {\n\t<-hold\n\t" + c.end + "\n}()")
			if first.status != wire.OK {
				t.Fatal(first.said())
			}
			// The goroutine ends while this cell waits for its words.
			s := k.run("close(hold)")
			k.whole(s, false)
			if s.status != wire.OK || s.stderr != "" {
				t.Errorf("the cell that ran meanwhile: %s", s.said())
			}
			// It said something before these cells were over: they go through the same stream, but it may be slower than they.
			want := regexp.MustCompile(strings.ReplaceAll(place(c.want, first.n), "\n", "\n(.*\\|.*\n)?"))
			for i := 0; !want.MatchString(k.latest()); i++ {
				if i == 1000 {
					t.Fatalf("said late: %q, want %s", k.latest(), want)
				}
				k.run("runtime.Gosched()")
			}
		})
	}
}

// What a goroutine that outlived its cell prints is that cell's output, on whichever way it goes.
func TestLatePrints(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, c := range []struct{ code, want string }{
		{"println(\"by println\", 1)", "by println 1\n"},
		{"print(\"by print\\n\")", "by print\n"},
		{"fmt.Println(\"by fmt\")", "by fmt\n"},
		{"log.New(os.Stderr, \"\", 0).Print(\"by log\")", "by log\n"},
		{"syscall.Write(1, []byte(\"by syscall 1\\n\"))", "by syscall 1\n"},
		{"syscall.Write(2, []byte(\"by syscall 2\\n\"))", "by syscall 2\n"},
	} {
		t.Run(c.code, func(t *testing.T) {
			defer k.on(t)()
			first := k.run("hold, told := make(chan bool), make(chan bool)\ngo func() {\n\t<-hold\n\t" + c.code + "\n\tclose(told)\n}()")
			if first.status != wire.OK {
				t.Fatal(first.said())
			}
			s := k.run("close(hold)\n<-told\nprintln(\"mine\")")
			k.whole(s, false)
			if s.status != wire.OK || s.stdout != "" || s.stderr != "mine\n" {
				t.Errorf("the cell that ran meanwhile: %s", s.said())
			}
			if !strings.HasSuffix(k.latest(), c.want) {
				t.Errorf("said late: %q, want %q", k.latest(), c.want)
			}
		})
	}
}

// A panic that nobody awaits is told while its cell goes on, and not again at the end.
func TestPanicToldMeanwhile(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	s := k.runUntil("lab.Thread(ctx, \"early\", func(context.Context) {\n\tpanic(\"ready\")\n})\n<-ctx.Done()", k.interrupt)
	want := place("panic: ready\nin early, started at cell[N]:1; not awaited\ncell[N]:2 in func1\n", s.n)
	if !regexp.MustCompile("^"+want).MatchString(s.stderr) || strings.Count(s.stderr, "panic: ready") != 1 {
		t.Errorf("want %s once:\n%s", want, s.said())
	}
	k.whole(s, false)
}

// latest is what came for cells that were over.
func (k *kernel) latest() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.late
}

// Closing what everybody writes to.
func TestClosedOutputs(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.declare()
	k.keep()
	for _, code := range []string{
		"os.Stdout.Close()",
		"os.Stderr.Close()",
		"os.Stdin.Close()",
		"syscall.Close(1)",
		"syscall.Close(2)",
		"os.Stdout.Close()\nf, err := os.Open(os.DevNull)\nf.Close()",
		"os.Stdout = nil",
		"os.Stdout, os.Stderr = nil, nil",
		"for fd := range 1024 {\n\tsyscall.Close(fd)\n}",
	} {
		t.Run(code, func(t *testing.T) {
			defer k.on(t)()
			s := k.run(code)
			lost := strings.Contains(s.stderr, "Lost variables")
			k.whole(s, lost)
			if got := k.run("fmt.Println(\"out\")\nfmt.Fprintln(os.Stderr, \"err\")\nprintln(\"runtime\")"); got.stdout != "out\n" || got.stderr != "err\nruntime\n" {
				t.Errorf("the next cell's outputs: %s", got.said())
			}
		})
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	host := hosttest.Kernel(t)
	for name, code := range map[string]string{"idle": "1", "computing": ready + "for {\n}", "blocked": ready + "select {}"} {
		t.Run(name, func(t *testing.T) {
			k := start(t)
			k.declare()
			session := k.session()
			if name == "idle" {
				k.run(code)
				k.shutdown(true)
			} else {
				// The cell's own end is an answer like any other, and comes before the kernel ends.
				s := k.runUntil(code, func(context.Context) { k.shutdown(true) })
				if s.status == wire.OK {
					t.Errorf("a cell that was cut off: %s", s.said())
				}
			}
			if err := syscall.Kill(session, 0); err == nil {
				t.Errorf("the session process %d has outlived its kernel", session)
			}
			// Jupyter starts the next kernel with the same connection file. It knows nothing of the former.
			k.launch(host)
			if s := k.run("double(1)"); s.status != wire.Error || !strings.Contains(s.err, "undefined: double") {
				t.Errorf("a new kernel: %s", s.said())
			}
			if s := k.run("20 + 1"); s.result != "21" || s.n != 2 {
				t.Errorf("a new kernel: %s", s.said())
			}
		})
	}
}

// Cells that want more memory than there is are the operating system's to end; here a limit stands for it.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("limits memory as Linux does")
	}
	k := start(t)
	k.declare()
	k.keep()
	limit := "syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 8 << 30, Max: syscall.RLIM_INFINITY & (1<<63 - 1)})"
	s := k.run(limit + "\nhoard := make([][]byte, 0, 64)\nfor range 64 {\n\thoard = append(hoard, make([]byte, 1<<30))\n}")
	if s.status != wire.Error || !regexp.MustCompile(`^session died: fatal error: (runtime: )?(cannot allocate memory|out of memory)`).MatchString(s.err) {
		t.Errorf("%s", s.said())
	} else {
		k.at(s, 4)
	}
	k.whole(s, true)
	if s := k.run("len(make([]byte, 1<<62))"); !strings.HasPrefix(s.err, "panic: runtime error: makeslice: len out of range") {
		t.Errorf("%s", s.said())
	}
	k.whole(seen{}, false)
}

// workers lists the processes that a session has started for functions of cells.
func workers(t *testing.T, session int) (pids []int) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		t.Skip("there is no /proc")
	}
	for _, dir := range dirs {
		args, _ := os.ReadFile(dir + "/cmdline")
		stat, _ := os.ReadFile(dir + "/stat")
		_, rest, _ := strings.Cut(string(stat), ") ")
		f := strings.Fields(rest)
		if strings.Contains(string(args), "\x00worker\x00") && len(f) > 1 && (f[1] == strconv.Itoa(session) || session == 0) && f[0] != "Z" {
			if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Worker processes end with the session and with the kernel, also while they run a function.
func TestWorkersEnd(t *testing.T) {
	t.Parallel()
	if !hosttest.Plain(t, hosttest.Host(t)) {
		t.Skip("cells run in other processes only where their code is plain")
	}
	for _, c := range []struct {
		name string
		end  func(*kernel)
	}{
		{"session killed", func(k *kernel) { syscall.Kill(k.session(), syscall.SIGKILL) }},
		{"kernel killed", func(k *kernel) { k.cmd.Process.Kill(); <-k.ended; k.ended = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := start(t)
			s := k.run("func hog(_ context.Context, n int) (int, error) {\n\tfor n > 0 {\n\t\tn = n&0xffff + 1\n\t}\n\treturn n, nil\n}\n" +
				"pool, err := lab.NewProcPool(ctx, 2)\nfor range 2 {\n\tlab.SubmitWith(context.WithoutCancel(ctx), pool, hog, 1)\n}\ntime.Sleep(200 * time.Millisecond)\nfmt.Print(len(pool.Pids()), err)")
			if s.stdout != "2 <nil>" {
				t.Fatal(s.said())
			}
			pids := workers(t, k.session())
			if len(pids) != 2 {
				t.Fatalf("processes %v", pids)
			}
			c.end(k)
			for _, pid := range pids {
				for i := 0; alive(pid); i++ {
					if i == 500 {
						t.Fatalf("process %d is left", pid)
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
