package lab

import (
	"fmt"
	"strings"

	"interleave/runtime/remote"
	"interleave/runtime/timeline"
)

// watch has recordings show what the process does.
func (w *process) watch() {
	worker := w.Worker
	log := timeline.NewProcessLog(w.name, worker.Pid(), func() timeline.ProcessState { return stateOf(worker) })
	worker.Watch(func(label string, items int) func(remote.Record) {
		t := log.Begin(label, items, remote.Now)
		if t == nil {
			return nil
		}
		return func(r remote.Record) { note(t, r) }
	})
}

// note hands what a worker has noted of a task to the recording.
func note(t *timeline.TaskLog, r remote.Record) {
	if r.Begin > 0 {
		uses := make([]timeline.CoreUse, len(r.Uses))
		for i, u := range r.Uses {
			uses[i] = timeline.CoreUse(u)
		}
		t.Note(timeline.TaskNote{Begin: r.Begin, Before: r.Before, At: r.At, Used: r.Used, Uses: uses})
	}
	if r.End > 0 || r.Lost {
		t.End(r.End, r.Lost)
	}
}

// stateOf returns what is known of a worker's process.
func stateOf(w *remote.Worker) timeline.ProcessState {
	l := w.Life()
	return timeline.ProcessState{
		Started: l.Started, Ready: l.Ready, StartCPU: l.CPU, Ended: l.Ended, How: howEnded(w.Err()), CPU: l.Used,
	}
}

// howEnded returns how a process ended, "" if its program ended it because it was no longer needed.
func howEnded(e *WorkerError) string {
	switch {
	case e == nil || e.Func == "" && e.Cause != nil:
		return ""
	case e.Cause == errKilled:
		return "was ended by Kill"
	case e.Cause != nil:
		cause, _, _ := strings.Cut(e.Cause.Error(), "\n")
		return "was ended: " + cause
	case e.Signal != 0:
		return fmt.Sprintf("was ended by signal %d (%v)", int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("ended with status %d", e.Code)
}
