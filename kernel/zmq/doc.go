// Package zmq knows ZeroMQ: the five sockets of a kernel and of its clients, connection files, and everything that a broken or
// hostile peer can do on the way. It does not know what messages mean: it moves wire.Messages, and only those rightly signed.
package zmq
