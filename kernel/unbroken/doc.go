// Package unbroken proves that no cell and no client breaks the kernel. It starts the product's host as Jupyter does, talks
// to it over real sockets, and looks after each crash, endless loop and broken message whether the same process answers, the
// user was told the cause and the line, the next cell runs, and what was declared is still there.
// It knows the protocol and what users read, and must not know how the kernel comes by it. There are only tests here.
package unbroken
