package timeline

import "strings"

const (
	reasonGC        = "garbage collection"
	reasonCoroutine = "coroutine" // the tracer gives no reason for a switch between the two goroutines of iter.Pull
	reasonForever   = "blocked for ever"
	reasonBefore    = "since before the recording"
	reasonTurn      = "event loop: turn"
	reasonProcess   = "another process"
	namePull        = "iter.Pull"
)

// blocked classifies a wait by the tracer's reason and the goroutine's stack, and names it.
func blocked(reason string, at *site) (State, string) {
	name := shortFunc(at.call)
	if reason == "" {
		reason = at.park
	}
	if atRuntime(reason, at) {
		return GC, runtimeName(name)
	}
	if strings.HasPrefix(at.inner, remotePrefix) {
		return Waiting, reasonProcess
	}
	if strings.HasPrefix(name, "lab.") {
		return labWait(name, at)
	}
	switch reason {
	case "chan receive", "chan send", "select":
		if at.call != "" && !strings.HasPrefix(at.call, "runtime.") {
			// not the user's own channel, but what a library waits for with one
			return libraryWait(at), name
		}
		return map[string]State{"chan receive": Receiving, "chan send": Sending, "select": Selecting}[reason], reason
	case "sleep":
		return Sleeping, reason
	case "network": // any descriptor of the poller
		if s := libraryWait(at); s == Network {
			return s, nameOr(name, reason)
		}
		return IO, nameOr(name, "file or pipe")
	case "sync.(*Cond).Wait":
		return libraryWait(at), nameOr(name, "Cond.Wait")
	case "sync":
		if at.prim != "" && !strings.Contains(at.prim, "Mutex") && !strings.Contains(at.prim, "runtime_SemacquireMutex") {
			return Waiting, name
		}
		return Locked, nameOr(name, "lock")
	case "synctest":
		return Waiting, nameOr(name, "synctest")
	case reasonCoroutine:
		return Waiting, namePull
	case "forever":
		return Forever, reasonForever
	case "":
		return Other, reasonBefore
	case "unspecified":
		return Other, nameOr(name, "blocked")
	}
	return Other, reason
}

// atRuntime reports whether a goroutine waits for Go's runtime itself: a collection, or a lock of the
// runtime's own, on the way to which an allocation or a call such as runtime.GC got.
func atRuntime(reason string, at *site) bool {
	switch reason {
	case "GC mark assist wait for work", "GC background sweeper wait", "wait until GC ends", "GC weak to strong wait":
		return true
	case "preempted": // parked, unlike a goroutine that merely had to leave its core, so that its stack can be scanned
		return true
	case "sync":
		// A primitive of package sync is the first function on the stack, but in goroutines that are older
		// than the recording.
		return strings.HasPrefix(at.first, "runtime.") && at.first != "runtime.gopark" || isRuntimeCall(at.call)
	case "chan receive", "chan send", "select":
		return isRuntimeCall(at.call)
	}
	return false
}

// isRuntimeCall reports whether fn is a function of Go's runtime other than those that the language's
// operations on channels are.
func isRuntimeCall(fn string) bool {
	for _, op := range []string{"runtime.chan", "runtime.select", "runtime.block", "runtime.gopark"} {
		if strings.HasPrefix(fn, op) {
			return false
		}
	}
	return strings.HasPrefix(fn, "runtime.") || strings.HasPrefix(fn, "runtime/debug.")
}

// runtimeName is the name of a wait for the runtime: the function that the user called, such as "runtime.GC",
// or its purpose.
func runtimeName(name string) string {
	pkg, fn, _ := strings.Cut(name, ".")
	if (pkg == "runtime" || pkg == "debug") && fn != "" && 'A' <= fn[0] && fn[0] <= 'Z' {
		return name
	}
	return reasonGC
}

// libraryWait is the state of a wait inside a library's call: for what, its innermost function shows.
func libraryWait(at *site) State {
	for _, p := range []struct {
		prefix string
		state  State
	}{
		{"net.", Network}, {"net/", Network}, {"crypto/tls.", Network}, {"golang.org/x/net/", Network},
		{"os.", IO}, {"os/exec.", IO}, {"golang.org/x/sync/semaphore.", Locked},
	} {
		if strings.HasPrefix(at.inner, p.prefix) {
			return p.state
		}
	}
	return Waiting
}

// systemCall is the state of a system call, and what it is called.
func systemCall(at *site) (State, string) {
	name := nameOr(shortFunc(at.call), "system call")
	if strings.HasPrefix(at.inner, "os.(*Process).") { // until a child process ends
		return IO, name
	}
	return Syscall, name
}

// labWait classifies a wait inside package lab. Lab builds its helpers from channels, so the tracer's reason
// is no use.
func labWait(name string, at *site) (State, string) {
	has := func(s string) bool { return strings.Contains(name, s) }
	switch {
	case has("Fetch"):
		return fetchWait(name, at)
	case has("Sleep"), shortFunc(at.lab) == "lab.sleep": // such as between two tries of lab.Retry
		return Sleeping, name
	case has("Lock"), has("GIL"), has("Semaphore"):
		return Locked, name
	case has("Queue.Get"):
		return Receiving, name
	case has("Queue.Put"):
		return Sending, name
	}
	return libraryWait(at), name
}

// fetchWait distinguishes a fetch that waits for a slot from one that waits for the answer.
func fetchWait(name string, at *site) (State, string) {
	switch in := shortFunc(at.lab); {
	case libraryWait(at) == Network:
		return Network, name + ": answer"
	case strings.Contains(in, "Semaphore"):
		return Locked, name + ": slot"
	case strings.Contains(in, "Limiter"):
		return Waiting, name + ": limiter"
	case in == "lab.sleep":
		return Sleeping, name + ": retry"
	}
	return Waiting, name
}

func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}
