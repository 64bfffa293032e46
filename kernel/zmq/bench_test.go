package zmq_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

var sizes = []int{1 << 10, 64 << 10, 1 << 20}

// BenchmarkIOPub moves output to one reading subscriber, signed, by our own client.
func BenchmarkIOPub(b *testing.B) {
	for name, place := range places {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%dkB", name, size>>10), func(b *testing.B) {
				tr := listen(b, place(b), zmq.Options{})
				p := subscribed(b, tr)
				out := stream(b, strings.Repeat("x", size))
				b.SetBytes(int64(len(out.Content)))
				read := make(chan struct{})
				b.ResetTimer()
				go func() {
					defer close(read)
					for range b.N {
						next(b, p.Recv())
					}
				}()
				for range b.N {
					send(b, tr, wire.IOPub, out)
				}
				<-read
			})
		}
	}
}

// BenchmarkIOPubLibzmq moves 50 MB to a subscriber of libzmq, which does not check signatures.
func BenchmarkIOPubLibzmq(b *testing.B) {
	const total = 50_000_000
	for name, place := range places {
		for _, size := range sizes[1:] {
			b.Run(fmt.Sprintf("%s/%dkB", name, size>>10), func(b *testing.B) {
				tr := listen(b, place(b), zmq.Options{})
				n := total / size
				py := python(b, tr.Connection(), trimmed(fmt.Sprintf(`
					iopub = subscriber()
					while hear() == "go":
						for _ in range(%d):
							iopub.recv_multipart(copy=False)
						say("all")
				`, n)))
				next(b, tr.Subscriptions())
				out := stream(b, strings.Repeat("x", size))
				b.SetBytes(int64(n * len(out.Content)))
				for b.Loop() {
					py.say("go")
					for range n {
						send(b, tr, wire.IOPub, out)
					}
					py.want("all")
				}
				py.say("end")
				py.end()
			})
		}
	}
}

// BenchmarkRoundTrip is a request and its answer.
func BenchmarkRoundTrip(b *testing.B) {
	for name, place := range places {
		b.Run(name, func(b *testing.B) {
			tr := listen(b, place(b), zmq.Options{})
			p := dial(b, tr)
			for b.Loop() {
				roundTrip(b, tr, p)
			}
		})
	}
}

// BenchmarkListen is what the sockets add to the start of a kernel.
func BenchmarkListen(b *testing.B) {
	for name, place := range places {
		b.Run(name, func(b *testing.B) {
			c := place(b)
			for b.Loop() {
				tr, err := zmq.Listen(context.Background(), c, zmq.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := tr.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
