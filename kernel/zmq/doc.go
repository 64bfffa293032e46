// Package zmq knows ZeroMQ: the five sockets of a kernel and of its clients, connection files, and everything
// that a broken or hostile peer can do on the way. It does not know what messages mean: it moves
// wire.Messages, and only those with a valid signature.
//
// # What comes from zmq4, and what does not
//
// From go-zeromq/zmq4 come the ZMTP greeting, the NULL handshake and the encoding of messages and commands:
// zmq4.Open and zmq4.Conn. Its sockets are not used. Their defects (README.md lists them, each with its cure
// and its test) could be cured only in part by a transport registered with zmq4: ROUTER writes to all clients
// under one lock, PUB has one queue without bounds and one writer for all subscribers, and no socket can be
// asked whether what was queued has been written. So this package has its own sockets, links and outboxes,
// which are small:
//
//	Transport ── socket ×5 ── link per connection ── guard ── net.Conn
//	admission    accepts      reader, writer         reads and checks what comes in,
//	bounds       role: router, publisher, echo       gathers what goes out
//	strangers                 outbox, bounded in bytes
//
// A link's reader calls its socket's role; a role puts items into outboxes; a link's writer empties its
// outbox. Only a peer's own two goroutines wait for that peer, and the publisher while it slows down a kernel
// that outruns its slowest reader.
package zmq
