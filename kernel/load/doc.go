// Package load links compiled cells into the running process: it does for the few symbols of a cell what a
// linker and the dynamic loader do for a whole program. It knows Go's object files, the layout of Go code in
// memory, and what the runtime must learn about it. It must not know what a cell is, nor what the code means.
//
// # What there is to do
//
// The compiler turns a package into an object file: a list of symbols, each with a name, bytes, and places in
// those bytes where the address of another symbol belongs. A function is a symbol; so are a variable, a
// string, the description of a type, the table that pairs an interface with a type. The compiler knows no
// addresses. A linker assigns one to each symbol and writes the addresses into those places; this is called
// relocation. Then it writes the tables that the runtime needs: which function an address belongs to, which
// line, how large its stack frame is, which words of the frame are pointers.
//
// go build runs the linker over a whole program, the runtime and the standard library included, and the
// result is a file that the system maps into memory. A cell needs less. The process that runs cells, the
// host, contains nearly all that a cell refers to. So only the cell's own symbols are laid out, behind the
// host's, and what they refer to is looked up among the host's symbols. That takes a millisecond where a
// linker takes two hundred.
//
// # The steps
//
// A call of Loader.Load takes these steps, with one file for each:
//
//	index     the symbols of the host, and where the archives define what the host lacks: a table made once, mapped into memory
//	object    the object files in an archive, as the compiler wrote them
//	resolve   from the cell's own symbols to all that must be laid out, and to addresses for all else
//	layout    sections in one piece of memory: code; data that is only read; variables with pointers, and without
//	relocate  addresses written into code and data; reloc_GOARCH.go knows the instructions
//	types     types that package reflect has made before are the ones that the cell means
//	pclntab   the tables by which the runtime knows functions
//	module    the runtime gets to know all this as a module, as it knows plugins; then packages are initialised
//
// Everything that can fail comes before the runtime learns of the cell. A failed Load leaves the process as
// it was.
//
// # How Go code lies in memory
//
// The runtime describes each piece of code by a moduledata: the program is one, each plugin is one, and each
// loaded cell becomes one. A moduledata has the bounds of its sections and pointers to its tables. Many
// references inside these tables are not addresses but 32-bit offsets: from the beginning of the code for
// functions, from the beginning of the types for types and their names. Cells lie within 2 GB of the program,
// so that such offsets and the displacements in amd64's instructions reach the host's symbols from a cell,
// and a cell's methods can be found by the runtime at all. The offsets of code are counted from the host's
// first instruction in every module, since a type of a cell may have methods that are promoted from a type of
// the host.
//
// Memory of code is never writable and executable at once.
//
// # What makes two symbols the same
//
// Types are compared by address: a type that two packages mention must be laid out once. Symbols with a name
// of their own are the same when the name is, and the first definition is used: that of the host, of an
// earlier cell, or of this one. There are three exceptions. The compiler gives some constants a name made of
// their content; a cell takes its own copy. The tables that pair interfaces with types are made by the
// runtime, too: it is asked before one is laid out. And package reflect creates types such as []T that no
// code has mentioned; when a cell mentions one later, reflect's type is used, see types.go.
package load
