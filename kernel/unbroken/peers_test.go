package unbroken

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

var allChannels = []wire.Channel{wire.Shell, wire.Control, wire.Stdin, wire.IOPub, wire.Heartbeat}

// hello is the handshake of a peer of the kind that fits the channel.
func hello(ch wire.Channel) string {
	kind := "DEALER"
	if ch == wire.IOPub {
		kind = "SUB"
	}
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(kind))) + kind
	return greeting + strings.Repeat("\x00", 64-len(greeting)) + "\x04" + string(rune(len(ready))) + ready
}

func announce(flags byte, size uint64) string {
	return string(binary.BigEndian.AppendUint64([]byte{flags}, size))
}

// attack connects without ZeroMQ. The connection ends with the test.
func (k *kernel) attack(ch wire.Channel) net.Conn {
	k.t.Helper()
	network, addr, _ := strings.Cut(k.conn.Endpoint(ch), "://")
	if network == "ipc" {
		network = "unix"
	}
	conn, err := net.Dial(network, addr)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { conn.Close() })
	return conn
}

// resident gives the memory of the kernel's process in MB, now and at most so far.
func (k *kernel) resident() (now, most float64) {
	k.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", k.cmd.Process.Pid))
	if err != nil {
		k.t.Skip(err)
	}
	for line := range bytes.Lines(status) {
		var kB float64
		if n, _ := fmt.Sscanf(string(line), "VmRSS: %f kB", &kB); n == 1 {
			now = kB * 1024 / 1e6
		} else if n, _ := fmt.Sscanf(string(line), "VmHWM: %f kB", &kB); n == 1 {
			most = kB * 1024 / 1e6
		}
	}
	return now, most
}

// tcp and ipc place a kernel.
var transports = map[string]func(*kernel){
	"ipc": func(*kernel) {},
	"tcp": func(k *kernel) {
		k.conn = zmq.Connection{Key: "secret"}
		for _, port := range []*int{&k.conn.ShellPort, &k.conn.IOPubPort, &k.conn.StdinPort, &k.conn.ControlPort, &k.conn.HeartbeatPort} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				k.t.Fatal(err)
			}
			defer l.Close() // after all are chosen, so that they differ
			*port = l.Addr().(*net.TCPAddr).Port
		}
	},
}

// TestStrangersMemory: what unauthenticated peers announce or send does not fill the kernel's memory, and cells run meanwhile.
func TestStrangersMemory(t *testing.T) {
	t.Parallel()
	const large = 64 << 20
	for _, c := range []struct {
		name  string
		most  float64 // MB
		n     int
		begin func(ch wire.Channel) string
		more  int // bytes of zeros behind it
	}{
		{"silent", 100, 200, func(wire.Channel) string { return "" }, 0},
		{"silent after the handshake", 100, 200, hello, 0},
		{"announce 64 MB", 150, 20, func(ch wire.Channel) string { return hello(ch) + announce(2, large) }, 0},
		{"announce 64 MB and send it", 150, 20, func(ch wire.Channel) string { return hello(ch) + announce(2, large) }, large - 1},
		{"announce 64 MB in many parts", 150, 20, func(ch wire.Channel) string {
			return hello(ch) + strings.Repeat("\x01\x01x", 60_000) + announce(2, large)
		}, large - 1},
		{"announce what is allowed and send it", 150, 20, func(ch wire.Channel) string { return hello(ch) + announce(2, 16<<20) }, 16<<20 - 1},
		{"send what is allowed in parts", 150, 20, func(ch wire.Channel) string {
			return hello(ch) + strings.Repeat(announce(3, 60<<10)+strings.Repeat("x", 60<<10), 16<<20/(60<<10))
		}, 0},
		{"send parts of one byte", 150, 20, func(ch wire.Channel) string { return hello(ch) + strings.Repeat("\x01\x01x", 1<<16) }, 0},
	} {
		for name, place := range transports {
			t.Run(c.name+" "+name, func(t *testing.T) {
				t.Parallel()
				k := startAt(t, place)
				k.declare()
				k.keep()
				before, _ := k.resident()
				var writing sync.WaitGroup
				for i := range c.n {
					conn := k.attack(allChannels[i%len(allChannels)])
					writing.Go(func() { // until it is cut off, or all is sent
						io.WriteString(conn, c.begin(allChannels[i%len(allChannels)]))
						for n := 0; n < c.more; n += 1 << 20 {
							if _, err := conn.Write(make([]byte, min(1<<20, c.more-n))); err != nil {
								return
							}
						}
					})
				}
				for range 20 {
					k.whole(seen{}, false)
				}
				writing.Wait()
				k.whole(seen{}, false)
				now, most := k.resident()
				t.Logf("%.0f MB before, %.0f MB at most, %.0f MB now", before, most, now)
				if most > c.most {
					t.Errorf("%.0f MB resident, want %.0f MB at most", most, c.most)
				}
			})
		}
	}
}
