package lab

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"

	"interleave/runtime/remote"
)

// knownErrors are the errors that stay themselves on their way between processes of an ordinary program: code
// compares them by identity.
var knownErrors = map[string]error{
	"context.Canceled":         context.Canceled,
	"errors.ErrUnsupported":    errors.ErrUnsupported,
	"fs.ErrClosed":             fs.ErrClosed,
	"fs.ErrExist":              fs.ErrExist,
	"fs.ErrInvalid":            fs.ErrInvalid,
	"fs.ErrNotExist":           fs.ErrNotExist,
	"fs.ErrPermission":         fs.ErrPermission,
	"io.EOF":                   io.EOF,
	"io.ErrClosedPipe":         io.ErrClosedPipe,
	"io.ErrNoProgress":         io.ErrNoProgress,
	"io.ErrShortBuffer":        io.ErrShortBuffer,
	"io.ErrShortWrite":         io.ErrShortWrite,
	"io.ErrUnexpectedEOF":      io.ErrUnexpectedEOF,
	"lab.ErrBrokenBarrier":     ErrBrokenBarrier,
	"lab.ErrClosed":            ErrClosed,
	"lab.ErrDeadlock":          ErrDeadlock,
	"lab.ErrGoexit":            ErrGoexit,
	"lab.ErrLoopDeadlock":      ErrLoopDeadlock,
	"lab.ErrNotDone":           ErrNotDone,
	"lab.ErrPoolClosed":        ErrPoolClosed,
	"net.ErrClosed":            net.ErrClosed,
	"os.ErrDeadlineExceeded":   os.ErrDeadlineExceeded,
	"os.ErrProcessDone":        os.ErrProcessDone,
	"remote.ErrAbandoned":      remote.ErrAbandoned,
	"remote.ErrFreed":          remote.ErrFreed,
	"strconv.ErrRange":         strconv.ErrRange,
	"strconv.ErrSyntax":        strconv.ErrSyntax,
	"context.DeadlineExceeded": context.DeadlineExceeded,
}
