package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A CanceledError reports that work was cancelled, and why. It is both: errors.Is finds [context.Canceled]
// (or [context.DeadlineExceeded]) and the cause.
type CanceledError struct {
	Err   error // what the context's Err returned
	Cause error // what it was cancelled with
}

func (e *CanceledError) Error() string   { return fmt.Sprintf("%v: %v", e.Err, e.Cause) }
func (e *CanceledError) Unwrap() []error { return []error{e.Err, e.Cause} }

// overdue is canceled, and does not depend on which of two timers of the same moment fires first.
func overdue(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		<-ctx.Done()
	}
	return canceled(ctx)
}

// canceled is the error of a context that has ended; nil when it has not.
func canceled(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, err) {
		return &CanceledError{err, cause}
	} else if cause != nil {
		return cause
	}
	return err
}
