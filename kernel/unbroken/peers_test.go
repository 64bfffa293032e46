//go:build unix

package unbroken

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// attack connects without ZeroMQ. The connection ends with leave or with the test.
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
	k.strangers = append(k.strangers, conn)
	return conn
}

// leave ends the connections of attack.
func (k *kernel) leave() {
	for _, conn := range k.strangers {
		conn.Close()
	}
	k.strangers = nil
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

// stranger is one of n peers without the key. It reports where it is connected and does what it does until it is cut off or done.
type stranger struct {
	name string
	most float64 // MB that the kernel may have resident beside n of them
	n    int
	act  func(ch wire.Channel, conn net.Conn)
}

// says writes what does not depend on more than the channel, then so many bytes of zeros.
func says(begin func(wire.Channel) string, more int) func(wire.Channel, net.Conn) {
	return func(ch wire.Channel, conn net.Conn) {
		io.WriteString(conn, begin(ch))
		for n := 0; n < more; n += 1 << 20 {
			if _, err := conn.Write(make([]byte, min(1<<20, more-n))); err != nil {
				return
			}
		}
	}
}

const announced = 64 << 20

var strangers = []stranger{
	{"silent", 100, 200, says(func(wire.Channel) string { return "" }, 0)},
	{"silent after the handshake", 100, 200, says(hello, 0)},
	{"announce 64 MB", 150, 20, says(func(ch wire.Channel) string { return hello(ch) + announce(2, announced) }, 0)},
	{"announce 64 MB and send it", 150, 20, says(func(ch wire.Channel) string { return hello(ch) + announce(2, announced) }, announced-1)},
	{"announce what is allowed and send it", 150, 20, says(func(ch wire.Channel) string { return hello(ch) + announce(2, 16<<20) }, 16<<20-1)},
	{"send what is allowed in parts", 150, 20, says(func(ch wire.Channel) string {
		return hello(ch) + strings.Repeat(announce(3, 60<<10)+strings.Repeat("x", 60<<10), 16<<20/(60<<10))
	}, 0)},
	{"subscribe and never read", 150, 200, says(func(wire.Channel) string { return hello(wire.IOPub) + "\x00\x01\x01" }, 0)},
	{"beat and never read", 150, 20, says(func(wire.Channel) string {
		return hello(wire.Heartbeat) + strings.Repeat("\x01\x00"+announce(2, 4000)+strings.Repeat("b", 4000), 4000)
	}, 0)},
}

// surround lets strangers act on all sockets, or on the one where they have their meaning. It returns when they are connected, and
// gives a function that waits until they are done.
func (k *kernel) surround(s stranger) (wait func()) {
	k.t.Helper()
	on := allChannels
	switch {
	case strings.HasPrefix(s.name, "subscribe"):
		on = []wire.Channel{wire.IOPub}
	case strings.HasPrefix(s.name, "beat"):
		on = []wire.Channel{wire.Heartbeat}
	}
	var acting sync.WaitGroup
	for i := range s.n {
		ch := on[i%len(on)]
		conn := k.attack(ch)
		acting.Go(func() { s.act(ch, conn) })
	}
	return acting.Wait
}

// TestStrangersMemory: what peers without the key announce, send or leave unread does not fill the kernel's memory, and cells run
// meanwhile. One of them prints more than is queued for anybody.
func TestStrangersMemory(t *testing.T) {
	t.Parallel()
	for i, s := range strangers {
		// Each over one of the transports; what they share is tested over both in package zmq.
		name, place := "tcp", transports["tcp"]
		if i%3 == 2 {
			name, place = "ipc", transports["ipc"]
		}
		t.Run(s.name+" "+name, func(t *testing.T) {
			t.Parallel()
			k := startAt(t, place)
			k.declare()
			k.keep()
			before, _ := k.resident()
			wait := k.surround(s)
			k.whole(seen{}, false)
			if s := k.run("for range 2000 { fmt.Println(strings.Repeat(\"x\", 9999)) }"); len(s.stdout) != 20_000_000 {
				t.Errorf("%d bytes were printed, want 20 000 000", len(s.stdout))
			}
			wait()
			k.whole(seen{}, false)
			now, most := k.resident()
			t.Logf("%.0f MB before, %.0f MB at most, %.0f MB now", before, most, now)
			if most > s.most {
				t.Errorf("%.0f MB resident, want %.0f MB at most", most, s.most)
			}
		})
	}
}

// BenchmarkStrangers is the round trip of a real cell, and how much longer it takes while strangers are there.
func BenchmarkStrangers(b *testing.B) {
	for _, s := range strangers {
		b.Run(strings.ReplaceAll(s.name, " ", "_"), func(b *testing.B) {
			k := startAt(b, transports["tcp"])
			const rounds, cells = 5, 100
			median := func() time.Duration {
				var took []time.Duration
				for range cells {
					began := time.Now()
					k.run("6 * 7")
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				return took[cells/2]
			}
			median()
			for b.Loop() {
				var ratios []float64
				var quiet time.Duration
				for range rounds { // one beside the other, so that other load hits both
					quiet = median()
					wait := k.surround(s)
					beside := median()
					wait()
					k.leave()
					ratios = append(ratios, float64(beside)/float64(quiet))
				}
				slices.Sort(ratios)
				b.ReportMetric(ratios[rounds/2], "×quiet")
				b.ReportMetric(float64(quiet.Microseconds()), "µs/cell")
			}
			b.ReportMetric(0, "ns/op")
			_, most := k.resident()
			b.ReportMetric(most, "MB")
		})
	}
}
