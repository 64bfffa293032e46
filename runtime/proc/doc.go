// Package proc has what the processes of [lab.Spawn] and [lab.NewProcPool] share: queues, pipes, arrays in shared
// memory, locks and other means to wait for each other, dictionaries, lists and counters. It is what Python's
// multiprocessing offers beside Process and Pool.
//
// All are made in the program, and passed to functions in other processes as arguments, in variables, or inside
// of other values: the copy there is the same queue, the same memory, the same lock. In one process they work
// as well, and what is put into them is copied all the same.
//
//	q := proc.NewQueue[string](0)
//	p, err := lab.Spawn(ctx, fetch, q, "https://go.dev")   // func fetch(ctx context.Context, q *proc.Queue[string], url string) error
//	title, err := q.Get(ctx)
//
// A [Shared] and a [Lock] are shared memory: a use costs nanoseconds. For all others a process asks the program,
// which costs about a tenth of a millisecond; in the program a call costs microseconds.
//
// When a process ends, however it does, what it waited for is taken back, its permits of semaphores are released,
// and its locks are set free: the next who takes such a lock gets [ErrAbandoned]. What it has taken from a queue
// is gone with it.
//
// What the program no longer uses is freed when none of its processes lives that could use it.
package proc
