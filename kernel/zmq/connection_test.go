package zmq_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

func TestConnectionFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kernel.json")
	// As jupyter_client writes it.
	const file = `{"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5, "ip": "127.0.0.1",
		"key": "secret", "transport": "tcp", "signature_scheme": "hmac-sha256", "kernel_name": "interleave", "jupyter_session": "x.ipynb"}`
	if err := os.WriteFile(path, []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	want := zmq.Connection{Transport: "tcp", IP: "127.0.0.1", ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HeartbeatPort: 5,
		SignatureScheme: "hmac-sha256", Key: "secret"}
	got, err := zmq.ReadConnectionFile(path)
	if err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	if err := zmq.WriteConnectionFile(path, got); err != nil {
		t.Fatal(err)
	}
	if got, err = zmq.ReadConnectionFile(path); err != nil || got != want {
		t.Errorf("after writing: got %+v, %v, want %+v", got, err, want)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: others can read the key", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestConnectionFileErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{`:                              "unexpected end of JSON",
		`{"shell_port": "1"}`:            "shell_port",
		`{"shell_port": 65536}`:          "the shell port is 65536, must be from 0 to 65535",
		`{"hb_port": -1}`:                "the hb port is -1",
		`{"transport": "udp"}`:           `transport is "udp"`,
		`{"transport": "ipc"}`:           "ip, the start of the socket paths, is empty",
		`{"signature_scheme": "hmac-x"}`: `unknown signature scheme "hmac-x"`,
		`{"key": "secret", "ip": 1}`:     "ip",
	} {
		path := filepath.Join(t.TempDir(), "kernel.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := zmq.ReadConnectionFile(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
	if _, err := zmq.ReadConnectionFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

// leave leaves a socket file as a killed process does.
func leave(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func fixed(t *testing.T) zmq.Connection {
	c := places["ipc"](t)
	c.ShellPort, c.IOPubPort, c.StdinPort, c.ControlPort, c.HeartbeatPort = 1, 2, 3, 4, 5
	return c
}

func TestStaleSocket(t *testing.T) {
	t.Parallel()
	c := fixed(t)
	for _, n := range "12345" {
		leave(t, c.IP+"-"+string(n))
	}
	tr := listen(t, c, zmq.Options{})
	roundTrip(t, tr, dial(t, tr))
	if err := tr.Close(soon(t)); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(c.IP + "*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLiveSocket(t *testing.T) {
	t.Parallel()
	c := fixed(t)
	tr := listen(t, c, zmq.Options{})
	_, err := zmq.Listen(soon(t), c, zmq.Options{})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "another process serves it") {
		t.Errorf("error %v, want address in use", err)
	}
	roundTrip(t, tr, dial(t, tr))
}

func TestFileForSocket(t *testing.T) {
	t.Parallel()
	c := fixed(t)
	path := c.IP + "-3" // not the first, so that those opened before it must be closed again
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := zmq.Listen(soon(t), c, zmq.Options{}); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("error %v, want address in use", err)
	}
	if left, _ := filepath.Glob(c.IP + "*"); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if data, err := os.ReadFile(path); string(data) != "precious" {
		t.Errorf("file holds %q, %v", data, err)
	}
}

func TestListenErrors(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	c := tr.Connection()
	if _, err := zmq.Listen(soon(t), c, zmq.Options{}); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), c.Endpoint(wire.Shell)) {
		t.Errorf("error %v, want address in use at %s", err, c.Endpoint(wire.Shell))
	}
	c = zmq.Connection{Transport: "ipc", IP: "/tmp/" + strings.Repeat("x", 100)}
	if _, err := zmq.Listen(soon(t), c, zmq.Options{}); err == nil || !strings.Contains(err.Error(), "shorter folder") {
		t.Errorf("error %v, want a shorter folder", err)
	}
}

// TestChosenPorts: port 0 gives each socket a place of its own, beside what another kernel has and left.
func TestChosenPorts(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		if c.Transport == "ipc" {
			leave(t, c.IP+"-2")
		}
		seen := map[string]bool{}
		for range 3 {
			tr := listen(t, c, zmq.Options{})
			for _, ch := range []wire.Channel{wire.Shell, wire.Control, wire.Stdin, wire.IOPub, wire.Heartbeat} {
				if ep := tr.Connection().Endpoint(ch); seen[ep] || strings.HasSuffix(ep, "0") && strings.HasSuffix(ep, ":0") {
					t.Errorf("%s is on %s", ch, ep)
				} else {
					seen[ep] = true
				}
			}
			roundTrip(t, tr, dial(t, tr))
		}
	})
}

// TestDialWaits: a client may be faster than the kernel that it started.
func TestDialWaits(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		old := listen(t, c, zmq.Options{})
		c = old.Connection()
		old.Close(soon(t))
		dialled := make(chan *zmq.Peer)
		go func() {
			p, err := zmq.Dial(soon(t), c)
			if err != nil {
				t.Error(err)
			}
			dialled <- p
		}()
		tr := listen(t, c, zmq.Options{})
		p := next(t, dialled)
		defer p.Close()
		roundTrip(t, tr, p)
	})
}
