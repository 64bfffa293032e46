package zmq

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"interleave/kernel/wire"
)

// A Connection holds the addresses of a kernel's five sockets and how messages are signed. It is Jupyter's
// connection file; fields of the file that no socket needs, kernel_name among them, are ignored.
type Connection struct {
	Transport string `json:"transport"` // "tcp" (also the meaning of "") or "ipc"
	// tcp: host or address, "" is 127.0.0.1; ipc: the start of the socket paths
	IP            string `json:"ip"`
	ShellPort     int    `json:"shell_port"`   // 0 lets Listen choose, like all ports
	IOPubPort     int    `json:"iopub_port"`   //
	StdinPort     int    `json:"stdin_port"`   //
	ControlPort   int    `json:"control_port"` //
	HeartbeatPort int    `json:"hb_port"`      //
	// "hmac-sha256" (also the meaning of ""), or another that package wire supports
	SignatureScheme string `json:"signature_scheme"`
	Key             string `json:"key"` // "" turns signing off, as Jupyter has it
}

const (
	tcp = "tcp"
	ipc = "ipc"
)

// channels lists the sockets of a kernel in the order in which they are opened.
var channels = [...]wire.Channel{wire.Shell, wire.Control, wire.Stdin, wire.IOPub, wire.Heartbeat}

// ReadConnectionFile reads the file that a Jupyter client hands to a kernel. Ports may be 0. The error names
// the file and the field at fault, never the key.
func ReadConnectionFile(path string) (Connection, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Connection{}, fmt.Errorf("read connection file: %w", err)
	}
	var c Connection
	if err := json.Unmarshal(data, &c); err != nil {
		return Connection{}, fmt.Errorf("read connection file %s: %w", path, err)
	}
	if c, err = c.normal(); err != nil {
		return Connection{}, fmt.Errorf("read connection file %s: %w", path, err)
	}
	return c, nil
}

// WriteConnectionFile writes c for clients to read. Only the user may read the file, since the key lets its
// reader run code; it appears complete or not at all.
func WriteConnectionFile(path string, c Connection) error {
	c, err := c.normal()
	if err != nil {
		return fmt.Errorf("write connection file %s: %w", path, err)
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write connection file %s: %w", path, err)
	}
	// CreateTemp gives mode 0600, and a rename replaces a file of any other mode.
	f, err := os.CreateTemp(filepath.Dir(path), ".connection-*")
	if err != nil {
		return fmt.Errorf("write connection file: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write connection file: %w", err)
	}
	return nil
}

// normal fills in the defaults and checks every field.
func (c Connection) normal() (Connection, error) {
	if c.Transport == "" {
		c.Transport = tcp
	}
	if c.SignatureScheme == "" {
		c.SignatureScheme = "hmac-sha256"
	}
	if _, err := wire.NewSigner(c.SignatureScheme, nil); err != nil {
		return c, err
	}
	most := 1<<31 - 1 // ipc: the number is only a part of the path
	switch c.Transport {
	case tcp:
		most = 1<<16 - 1
		if c.IP == "" {
			c.IP = "127.0.0.1"
		}
	case ipc:
		if c.IP == "" {
			return c, errors.New(`transport is "ipc", but ip, the start of the socket paths, is empty`)
		}
	default:
		return c, fmt.Errorf(`transport is %q, must be "tcp" or "ipc"`, c.Transport)
	}
	for _, ch := range channels {
		if p := *c.port(ch); p < 0 || p > most {
			return c, fmt.Errorf("the %s port is %d, must be from 0 to %d", ch, p, most)
		}
	}
	return c, nil
}

// port points at the channel's port in c.
func (c *Connection) port(ch wire.Channel) *int {
	switch ch {
	case wire.Shell:
		return &c.ShellPort
	case wire.Control:
		return &c.ControlPort
	case wire.Stdin:
		return &c.StdinPort
	case wire.IOPub:
		return &c.IOPubPort
	default:
		return &c.HeartbeatPort
	}
}

// Endpoint is the address of the channel's socket in ZeroMQ's notation: tcp://127.0.0.1:5555 or
// ipc:///run/k-1.
func (c Connection) Endpoint(ch wire.Channel) string {
	transport := c.Transport
	if transport == "" {
		transport = tcp
	}
	return transport + "://" + c.address(ch)
}

// address is the endpoint in the notation of package net: host:port, or a path.
func (c Connection) address(ch wire.Channel) string {
	port := strconv.Itoa(*c.port(ch))
	if c.Transport == ipc {
		return c.IP + "-" + port
	}
	host := c.IP
	if host == "*" {
		host = "" // every interface, in ZeroMQ's notation
	}
	return net.JoinHostPort(host, port)
}
