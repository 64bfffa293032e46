package zmq

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"interleave/kernel/wire"
)

// listen opens the channel's listener and puts the port it chose, if it was 0, into c.
func listen(ctx context.Context, c *Connection, ch wire.Channel) (net.Listener, error) {
	var (
		l    net.Listener
		err  error
		port = c.port(ch)
	)
	switch {
	case c.Transport == tcp:
		var lc net.ListenConfig
		if l, err = lc.Listen(ctx, "tcp", c.address(ch)); err == nil {
			*port = l.Addr().(*net.TCPAddr).Port
		}
	case *port == 0:
		l, err = listenFree(ctx, c, ch)
	default:
		l, err = listenPath(ctx, c.address(ch))
	}
	if err != nil {
		return nil, fmt.Errorf("listen for %s on %s: %w", ch, c.Endpoint(ch), err)
	}
	return l, nil
}

// listenFree takes the first number whose path nothing uses. A path left behind counts as used: another
// process may be about to replace it.
func listenFree(ctx context.Context, c *Connection, ch wire.Channel) (net.Listener, error) {
	port := c.port(ch)
	for *port = 1; ; *port++ {
		path := c.address(ch)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		l, err := bind(ctx, path)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return l, err
		}
	}
}

// listenPath listens on one path. A kernel that was killed leaves its socket file, and bind refuses to reuse
// it: the file is removed if it is a socket without a listener.
func listenPath(ctx context.Context, path string) (net.Listener, error) {
	l, err := bind(ctx, path)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	info, serr := os.Lstat(path)
	if serr != nil {
		return nil, errors.Join(err, serr)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%w (the existing file is not a socket; it was left alone)", err)
	}
	var d net.Dialer
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, derr := d.DialContext(ctx, "unix", path)
	if derr == nil {
		conn.Close()
		return nil, fmt.Errorf("%w (another process serves it)", err)
	}
	if !errors.Is(derr, syscall.ECONNREFUSED) {
		return nil, errors.Join(err, derr)
	}
	if rerr := os.Remove(path); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		return nil, errors.Join(err, rerr)
	}
	return bind(ctx, path)
}

// pathMost is the longest socket path, in bytes, that every supported system takes with its closing zero.
const pathMost = 103

func bind(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > pathMost {
		return nil, fmt.Errorf("the socket path %s has %d bytes, systems allow %d; use a shorter folder",
			path, len(path), pathMost)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" {
		// Whoever may write to the file may connect, and iopub publishes to every connection.
		if err := os.Chmod(path, 0o600); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

// dial connects to the channel's socket. It waits for a kernel that is just starting: while there is no
// listener it tries again, soon at first, until ctx ends.
func dial(ctx context.Context, c Connection, ch wire.Channel) (net.Conn, error) {
	network, addr := "tcp", c.address(ch)
	if c.Transport == ipc {
		network = "unix"
	} else if c.IP == "*" || c.IP == "0.0.0.0" {
		c.IP = "127.0.0.1"
		addr = c.address(ch)
	}
	var d net.Dialer
	for wait := time.Millisecond; ; wait = min(2*wait, 20*time.Millisecond) {
		conn, err := d.DialContext(ctx, network, addr)
		if err == nil {
			return conn, nil
		}
		full := errors.Is(err, syscall.EAGAIN) // a local socket whose queue of connections is full
		if !full && !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("connect to %s on %s: %w", ch, c.Endpoint(ch), err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to %s on %s: %w", ch, c.Endpoint(ch), err)
		case <-time.After(wait):
		}
	}
}
