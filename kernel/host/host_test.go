package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/client"
	"interleave/kernel/zmq"
)

// A kernelProcess is a kernel that a test started as Jupyter would, and a client of it.
type kernelProcess struct {
	cmd    *exec.Cmd
	file   string // its connection file
	tmp    string // its folder for temporary files
	peer   *zmq.Peer
	client *client.Client
}

// startKernelProcess starts argv, in which {connection_file} stands for the file.
func startKernelProcess(t *testing.T, env []string, argv ...string) *kernelProcess {
	t.Helper()
	dir, err := os.MkdirTemp("", "k") // short: the name of a local socket has 100 characters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	conn := zmq.Connection{Transport: "ipc", IP: filepath.Join(dir, "k"), Key: "k", ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HeartbeatPort: 5}
	k := &kernelProcess{file: filepath.Join(dir, "c.json"), tmp: filepath.Join(dir, "tmp")}
	if err := os.Mkdir(k.tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := zmq.WriteConnectionFile(k.file, conn); err != nil {
		t.Fatal(err)
	}
	for i, a := range argv {
		argv[i] = strings.ReplaceAll(a, "{connection_file}", k.file)
	}
	k.cmd = exec.Command(argv[0], argv[1:]...)
	k.cmd.Env = append(append(os.Environ(), "TMPDIR="+k.tmp), env...)
	k.cmd.Stderr = os.Stderr
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.cmd.Process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if k.peer, err = zmq.Dial(ctx, conn); err != nil {
		t.Fatal(err)
	}
	k.client = client.Start(k.peer, client.Config{})
	t.Cleanup(func() { k.client.Close() })
	info, err := k.client.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.LanguageInfo.Name != "go" || !regexp.MustCompile(`^1\.\d+`).MatchString(info.LanguageInfo.Version) || info.ImplementationVersion == "" {
		t.Errorf("the kernel says it is %+v", info)
	}
	return k
}

func (k *kernelProcess) execute(t *testing.T, code string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reply, err := k.client.Execute(ctx, client.ExecuteRequest{Code: code}, nil)
	if err != nil || reply.Status != "ok" {
		t.Fatalf("%s: %v %+v", code, err, reply)
	}
}

// left lists what the kernel left behind in its folder for temporary files.
func (k *kernelProcess) left(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(k.tmp)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestKernelEndsWhenTold(t *testing.T) {
	t.Parallel()
	host := hosttest.Host(t)
	for how, end := range map[string]func(*kernelProcess) error{
		"shutdown": func(k *kernelProcess) error { return k.client.Shutdown(t.Context(), false) },
		"SIGTERM":  func(k *kernelProcess) error { return k.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(how, func(t *testing.T) {
			k := startKernelProcess(t, nil, host, "kernel", "{connection_file}")
			k.execute(t, "type T struct{ x int }\nfunc (t T) String() string { return \"T\" }\nT{1}") // compiled, so that there are files
			if len(k.left(t)) == 0 {
				t.Error("the cell was built nowhere")
			}
			// Ctrl-C in a terminal comes to the kernel too, and is not for it.
			if err := k.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			k.execute(t, "1")
			if err := end(k); err != nil {
				t.Fatal(err)
			}
			if err := k.cmd.Wait(); err != nil {
				t.Errorf("the kernel ended with %v", err)
			}
			if left := k.left(t); len(left) > 0 {
				t.Errorf("the kernel left %q", left)
			}
		})
	}
}

func TestKernelEndsWithItsParent(t *testing.T) {
	t.Parallel()
	host := hosttest.Host(t)
	// The shell waits for the kernel, so the kernel is a child of a process that can be killed.
	k := startKernelProcess(t, []string{"JPY_PARENT_PID=1"}, "sh", "-c", fmt.Sprintf("'%s' kernel {connection_file}; true", host))
	k.execute(t, "1")
	if err := k.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	k.cmd.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := k.client.Request(ctx, "shell", nothing{}, nil); err == nil || ctx.Err() != nil {
		t.Errorf("after its parent died the kernel goes on: %v", err)
	}
}

// nothing is a request that no kernel answers: waiting for its answer is waiting for the kernel's end.
type nothing struct{}

func (nothing) MsgType() string { return "interleave_test_request" }

func TestKernelFails(t *testing.T) {
	t.Parallel()
	host := hosttest.Host(t)
	for args, want := range map[string]string{
		"":                     "(?s)run .*kernel .*version",
		"what":                 `there is no command "what"`,
		"kernel":               "Usage: interleave kernel CONNECTION_FILE",
		"kernel /no/such.json": "start the kernel: .*/no/such.json.*no such file",
		"kernel -x":            "flag provided but not defined",
		"session":              "toolchain",
		"probe -- false":       "connect to the kernel: the kernel ended: exit status 1",
	} {
		out, err := exec.Command(host, strings.Fields(args)...).CombinedOutput()
		if err == nil {
			t.Errorf("%q succeeded", args)
		}
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("%q says %q, want %q", args, out, want)
		}
	}
	out, err := exec.Command(host, "kernel", "-h").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "Usage: interleave kernel") {
		t.Errorf("kernel -h: %v\n%s", err, out)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	host := hosttest.Host(t)
	for _, engine := range []string{"yaegi", "compiled"} {
		out, err := exec.Command(host, "probe", "-engine", engine, "--", host, "kernel", "{connection_file}").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "6 * 7 is 42, started in ") {
			t.Errorf("%s: %v\n%s", engine, err, out)
		}
	}
	if out, err := exec.Command(host, "probe", "-engine", "steam", "--", host, "kernel", "{connection_file}").CombinedOutput(); err == nil || !strings.Contains(string(out), "%engine steam") {
		t.Errorf("an engine that there is not: %v\n%s", err, out)
	}
}
