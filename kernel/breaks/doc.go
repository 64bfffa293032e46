// Package breaks ends loops and recursion of compiled cells that have nothing in their code for it. It knows machine code: where a
// function's loops are, and at which of its jumps a goroutine may be ended. It must not know runs, cells' text or interrupts.
//
// # Why
//
// A look at a flag in every loop is what an interrupt costs otherwise: a sum over an array becomes five times as slow, and what a cell
// measures is not what Go does.
//
// # How
//
// Read reads the code of a module that is to be loaded, and Add makes it known. Up writes a breakpoint, the byte INT3, over the jumps at which its loops continue and
// over those that lead to morestack when a function is called; Down takes them away. They stand there only while something is being
// stopped. The patched runtime (stdfiles/cellstop.go.txt of package kernel/toolchain) handles the signal: it ends the goroutine or does
// what the jump would have done.
//
// # Where
//
// A goroutine may end only where memory is as its author's text says, between two rounds of a loop. The compiler moves and drops stores
// within a basic block alone, so the edges between blocks are such places: a jump, which writes nothing. Which edge of a loop is one at which the
// author would say that a round has ended?
//
//   - The edge that closes the loop, when it is a jump.
//   - When the block before the head falls through to it, the jumps to that block, if it writes no memory: leaving it out changes
//     nothing.
//   - Otherwise the jump at the end of the head, if the head writes no memory: it is a condition, and that of the next round.
//   - Otherwise the first call in the head, if nothing before it writes memory: what the head begins with, such as a receive.
//
// A loop without any is not stopped here; Read says which lines it consists of. Loops that were inlined from a package, and those that the compiler makes to copy
// and to clear memory, are left alone, since what they belong to is one statement for the author.
package breaks
