// Package breaks ends loops and recursion of compiled cells whose code has no checks for it. It knows machine
// code: where a function's loops are, and at which of its jumps a goroutine may be ended. It must not know
// runs, cells' text or interrupts.
//
// # Why
//
// The alternative is to check a flag in every loop. That makes a sum over an array five times as slow, and a
// cell would not measure what Go does.
//
// # How
//
// Read reads the code of a module that is to be loaded, and Add makes it known. Up writes a breakpoint, the
// byte INT3, over the jumps at which its loops continue and over those that lead to morestack when a function
// is called; Down takes them away. They are there only while something is being stopped. The patched runtime
// (stdfiles/cellstop.go.txt of package kernel/toolchain) handles the signal: it ends the goroutine or does
// what the jump would have done.
//
// # Where
//
// A goroutine may end only where memory is as the source prescribes, between two iterations of a loop. The
// compiler moves and drops stores only within a basic block, so the edges between blocks are such places: a
// jump, which writes nothing. These edges are the end of an iteration:
//
//   - The edge that closes the loop, when it is a jump.
//   - When the block before the head falls through to it, the jumps to that block, if it writes no memory:
//     leaving it out changes nothing.
//   - Otherwise the jump at the end of the head, if the head writes no memory: it is the condition of the
//     next iteration.
//   - Otherwise the first call in the head, if nothing before it writes memory: what the head begins with,
//     such as a receive.
//
// A loop without such an edge is not stopped here; Read reports its lines. Loops that were inlined from a
// package, and those that the compiler makes to copy and to clear memory, are left alone, since what they
// belong to is one statement for the author.
package breaks
