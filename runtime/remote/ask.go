package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"interleave/runtime/internal/pack"
)

// serving is what this process does as a worker, nil in a program.
var serving atomic.Pointer[server]

// ask has the program call a method of one of its objects.
func ask(ctx context.Context, object uint64, method string, args, results []any) error {
	s := serving.Load()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	head := appendBytes(binary.AppendUvarint(nil, object), []byte(method))
	b, err := pack.Pack(head, &table{code: s.code}, args...)
	if err != nil {
		return err
	}
	answer := make(chan []byte, 1)
	s.mu.Lock()
	s.lastAsk++
	id := s.lastAsk
	s.asks[id] = answer
	s.mu.Unlock()
	// if the program is gone, this process ends
	_ = s.send(kindAsk, id, b)
	select {
	case b = <-answer:
	case <-ctx.Done():
		_ = s.send(kindDrop, id)
		b = <-answer
	}
	return because(ctx, s.answered(b, results))
}

// because returns why ctx has ended in place of the other process's error that it was cancelled.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}

// answered reads what a method has returned.
func (s *server) answered(b []byte, results []any) error {
	tab := &table{code: s.code}
	if len(b) == 0 {
		return errors.New("the program returned nothing")
	}
	if b[0] == endedWell {
		return pack.Unpack(b[1:], tab, results...)
	}
	var i int
	var failed error
	if err := pack.Unpack(b[1:], tab, &i, &failed); err != nil {
		return fmt.Errorf("the program returned an error that cannot be read: %w", err)
	}
	return failed
}

// answer hands what the program has returned to the goroutine that asked.
func (s *server) answer(f frame) {
	s.mu.Lock()
	answer := s.asks[f.id]
	delete(s.asks, f.id)
	s.mu.Unlock()
	if answer != nil {
		answer <- f.payload
	}
}

// send writes a frame to the program: functions may ask while another one's result is written.
func (s *server) send(k kind, id uint64, payload ...[]byte) error {
	s.write.Lock()
	defer s.write.Unlock()
	return send(s.conn, k, id, payload...)
}
