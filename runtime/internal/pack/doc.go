// Package pack copies Go values into another process of the same program: arguments of functions, their
// results, and variables.
//
// Both processes have the same types, so that a packed value needs no names of fields: its bytes follow from
// its type. All fields are packed, those with lower-case names included.
//
// # Memory
//
// A value is more than its own bytes: pointers, slices and maps lead to other memory, and two of them may lead
// to the same. [Pack] first finds all memory that a value leads to, as a garbage collector does. Pieces that
// overlap, such as two slices of one array or a struct and a pointer to one of its fields, become one region.
// It then writes the regions one after the other, with numbers in place of addresses. [Unpack] allocates a
// region when it meets its number for the first time. So cycles stay cycles, what was shared is shared, and a
// list of a million nodes needs no deep recursion.
//
// # What cannot be packed
//
// Channels, functions, locks, open files and connections belong to one process. Pack refuses them with a
// [CannotError], which names the path that leads there. It refuses what is reached: a nil channel is packed.
//
// # Errors and types
//
// Code compares some pointers by identity, such as io.EOF. A [Table] has those that both processes know.
// A value in an interface is packed with the name of its type, which the Table turns into the type again.
package pack
