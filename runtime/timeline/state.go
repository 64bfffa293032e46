package timeline

// A State is what a goroutine was doing, as far as the scheduler is concerned.
type State uint8

const (
	Running   State = iota // on a core
	Runnable               // ready, and waiting for a core
	Receiving              // blocked in a channel receive
	Sending                // blocked in a channel send
	Selecting              // blocked in a select
	Locked                 // waiting for a lock: sync.Mutex, sync.RWMutex, lab's locks
	Waiting                // waiting for others: sync.WaitGroup, sync.Cond, lab.Gather and their kin
	Sleeping               // in time.Sleep or lab.Sleep
	Network                // waiting for the network
	IO                     // waiting for a pipe or file that the poller serves, or for a child process
	Syscall                // in a system call
	GC                     // held up by the garbage collector, or by a lock of Go's runtime
	Forever                // blocked for ever: select {}, or a nil channel
	Other                  // stopped for a reason that has no state of its own
	stateCount
)

// States lists all states in the order in which they are shown.
func States() []State {
	all := make([]State, stateCount)
	for i := range all {
		all[i] = State(i)
	}
	return all
}

// String is the state's name in a legend.
func (s State) String() string {
	switch s {
	case Running:
		return "running"
	case Runnable:
		return "waiting for a core"
	case Receiving:
		return "chan receive"
	case Sending:
		return "chan send"
	case Selecting:
		return "select"
	case Locked:
		return "lock"
	case Waiting:
		return "waiting for others"
	case Sleeping:
		return "sleep"
	case Network:
		return "network"
	case IO:
		return "pipe or process"
	case Syscall:
		return "system call"
	case GC:
		return reasonGC
	case Forever:
		return reasonForever
	}
	return "other"
}

// Blocked reports whether a goroutine in this state could not have used a core.
func (s State) Blocked() bool { return s != Running && s != Runnable }
