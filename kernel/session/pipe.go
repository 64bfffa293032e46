package session

import (
	"context"
	"io"
)

// Pipe begins a session whose child is a goroutine of this process: the same client, frames, markers and merger, without fd 1 and fd
// 2, which stay this process's. It is for tests and for tools that have no cell code to be protected from: a cell that crashes
// takes the caller with it, and an Eval that does not end when its context does is left behind. evaluator is called for the first
// child and for each one that replaces it. Config.Command is not used.
func Pipe(ctx context.Context, cfg Config, evaluator func() Evaluator) *Client {
	cfg.defaults()
	return newClient(ctx, cfg, func(nonce string) (*process, error) {
		requestsR, requestsW := io.Pipe()
		framesR, framesW := io.Pipe()
		stdoutR, stdoutW := io.Pipe()
		stderrR, stderrW := io.Pipe()
		ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		ended := make(chan error, 1)
		var shared page
		go func() {
			err := serve(ctx, evaluator(), link{
				requests: requestsR, frames: framesW, streams: [2]io.Writer{stdoutW, stderrW}, page: &shared, orphaned: func() {},
			})
			framesW.Close()
			ended <- err
		}()
		p := newProcess(pipes{
			requests: requestsW, frames: framesR, stdout: stdoutR, stderr: stderrR,
			signal: func(bool) { cancel(ErrShutdown) },
			wait: func(*uint64) error {
				defer cancel(nil)
				return <-ended
			},
			drained: func() {
				stdoutW.Close()
				stderrW.Close()
			},
			page: &shared, unmap: func() {},
		}, nonce)
		return p, p.send(hello{protocolVersion, nonce})
	})
}
