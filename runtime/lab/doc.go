// Package lab knows how to run Go functions together: tasks, pools, queues, locks and the measuring of them.
// It must not know where it runs: it is an ordinary Go library, and a notebook is one of its users.
//
// A reader who comes from Python's asyncio finds gather, create_task and wait_for here, with two differences:
// no function has to be declared async, and everything that can wait takes a [context.Context] first. Where a
// call behaves differently from Python's, its documentation has the difference, and the tests named
// cpython_*_test.go show it.
//
//	pages, err := lab.Gather(ctx, fetch("a"), fetch("b"), fetch("c")) // all at once, results in this order
//
//	t := lab.Go(ctx, download)        // a task: it runs while this goroutine continues
//	page, err := t.Await(ctx)
//
//	v, err := lab.WaitFor(ctx, time.Second, slow)
//
// A function to run is a func(context.Context) (T, error). It should pass its context on, and return when
// that ends; [Sleep] does.
//
// # What there is
//
//   - Tasks: [Go], [Gather], [GatherAll], [Each], [Wait], [Completed], [Race], [Hedge], [WaitFor],
//     [Retry], [After], [Shield], [Sleep], [Run], and groups of them: [NewGroup].
//   - Pools and pipelines: [NewPool], [Submit], [Map], [MapSeq]; [Source], [Stage], [Batch], [Collect] and their
//     kin; [NewLimiter], [NewFlight], [NewMemo], [NewBroadcast].
//   - Queues: [NewQueue], [NewStack], [NewPriorityQueue].
//   - Locks, which can be cancelled and asked: [NewLock], [NewRLock], [NewRWLock], [NewSemaphore],
//     [NewEvent], [NewCond], [NewBarrier].
//   - Python's own ways, to look at and compare with: [NewGIL], [NewLoop].
//   - HTTP: [FetchAll], and [NewTestServer] to try it on.
//   - Measuring: [Measure], [Bench], [Scale], [Compare], [Keep]; [NewProgress] for the patient.
//   - Asking what can go wrong: [Litmus] leaves the order to chance, [Explore] tries every one.
//
// README.md in this folder lists the counterparts of Python's names.
//
// # Rules without exceptions
//
//   - Results come in the order of the inputs, whichever was ready first.
//   - The first error cancels the context of the others, except in calls with All in their names.
//   - Finished work wins over an ended context. A call that asks for what has been finished (Await, Wait,
//     Completed, Join, Shutdown, Event.Wait, WaitUntil) succeeds if that is there, even when its context
//     has ended; and a call that finds what it waited for and the end of its context at the same time
//     succeeds. A call that would begin something (take a lock or a value, put one, sleep) does nothing
//     when its context has ended before, so that a loop of such calls ends with its context.
//   - A panic in a function that lab runs becomes a [*PanicError], which carries the panicking stack and
//     the line that started the work. A function that calls [runtime.Goexit] on a goroutine of lab's gives
//     [ErrGoexit].
//   - Functions that lab calls back (actions, callbacks, compare functions) may panic, call Goexit and ask
//     the value that calls them. A call back that could only wait for itself is a [*UsageError].
//   - No call leaves a goroutine behind: what starts goroutines waits for all of them, even after an error
//     or a cancelled context. A function that ignores its context makes its caller wait. Only a [Task]
//     continues when its starting call has returned; its owner awaits or cancels it.
//   - Bad use (a nil function, a negative count, a pool of size 0) is a [*UsageError] that names the call.
//     Calls with an error result return it, the others panic with it. A negative duration of Sleep,
//     WaitFor and After is no mistake: it means now.
//   - The error of cancelled work has the cause: see [CanceledError].
//
// # What a measurement is worth
//
// Measured code is not recorded for a notebook's figure: recording makes hand-overs between goroutines up to
// three times as slow and hardly affects other work, so ratios would be wrong. Results have Warnings, which
// their text and figures show, for what else may have changed the numbers: other processes on the same cores,
// the hypervisor, a container's CPU limit, the tracer, other running goroutines or measurements, a changed
// GOMAXPROCS, samples that are too few or too short for the clock. A comparison such as "2.00× faster" needs
// intervals that support it. Changes of the cores' clock rate, and caches or memory shared with other
// processes, are not detected.
//
// # What a call costs
//
// Generic functions are thin shells over code without type parameters, which costs a notebook cell little to
// compile and lets an interpreter in: [Each] is the core of Gather, and the functions and types whose names
// end in Any are the instances for values of any type. Gather adds some tens of nanoseconds to what a go
// statement and a WaitGroup cost. While the execution tracer runs, and only then, work is named in the trace
// by tasks and regions called after the function that started it.
package lab
