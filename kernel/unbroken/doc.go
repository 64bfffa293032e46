// Package unbroken proves that no cell and no client breaks the kernel. It starts the product's host as
// Jupyter does, talks to it over real sockets, and checks after each crash, endless loop and broken message
// that the same process answers, the user sees the cause and the line, the next cell runs, and declarations
// are still there. It knows the protocol and the messages for users, and must not know how the kernel
// produces them. The package has only tests.
package unbroken
