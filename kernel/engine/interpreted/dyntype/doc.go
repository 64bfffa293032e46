// Package dyntype makes types at run time that the runtime takes for its own. Package reflect makes types without
// names; here a type has a name and methods, so that interpreted code can declare what compiled code then prints,
// compares, encodes and calls through interfaces like any other value. It needs no compiler. It knows types and
// nothing of how methods are run.
//
// # How
//
// The runtime describes a type by a descriptor: its size, which of its words are pointers, how it is compared, its
// name, and for each method a name, a function type and two addresses of code. The compiler writes descriptors into
// the program; package reflect writes more of them into the heap. Offsets in those are numbers that
// reflect.addReflectOff gives out, and the runtime looks them up wherever it meets a descriptor that lies in no
// module: in assertions, type switches, conversions, panics. So a descriptor in the heap works like one in the
// program, and nothing in the runtime is changed for it.
//
// The header of a descriptor is copied from a type of the same shape that reflect makes (shape.go). It is right
// before the parts of the type exist, which is how types that refer to themselves are made: all are declared, then
// filled in, then given their methods, and no one sees one of them before all are complete (maker.go).
//
// # Methods
//
// The runtime calls a method by the address of code alone, and what runs a method here is a closure. Between them is
// one of 16384 stubs of assembly (stubs_*.s), each of which loads a closure into its register and jumps to it. A
// method takes one stub; a method with a value receiver takes a second one if it is exported or if its receiver is a
// single pointer. Types are never freed, and neither are their stubs: a session that has used all of them gets an
// error.
//
// A method of an embedded field calls that field's method by the address in its type's descriptor, or in the
// interface's table (methods.go). Field gives interpreted code the unexported fields of its own structs.
//
// # Identity
//
// A type without a name is the compiled one if compiled code has it. Package reflect finds most of those; for
// structs with embedded fields and for interfaces it is done here (unnamed.go, known.go). Two limits: code that is
// linked into the program later and that has an interface type without a name which was made before has another one,
// so assertions to types that contain it fail, while assertions to the interface itself are about methods and
// succeed. And reflect.StructOf does not know the structs with embedded or blank fields that are made here.
//
// The layout of descriptors is that of Go 1.26; a program that was compiled by another Go gets an error from every
// call.
package dyntype
