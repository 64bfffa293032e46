package lab

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"interleave/runtime/quantity"
)

// TaskInfo describes a task at one moment.
type TaskInfo struct {
	ID    uint64
	Name  string
	State State
	Spawn string        // file:line of the call that started it
	Age   time.Duration // since it was created; when it has ended, how long it lived
	Err   error         // how it ended
	t     *task
}

// Cancel cancels the task, as [Task.Cancel] does.
func (i TaskInfo) Cancel(cause error) { i.t.Cancel(cause) }

// Info returns a description of the task now.
func (t *task) Info() TaskInfo {
	info := TaskInfo{ID: t.id, Name: t.Name(), State: t.State(), Spawn: t.from.String(), t: t}
	if info.State.Ended() {
		info.Err, info.Age = t.err, t.ended.Sub(t.created)
	} else {
		info.Age = time.Since(t.created)
	}
	return info
}

// tasks is every task that has not ended.
var tasks taskList

type taskList struct {
	mu    sync.Mutex
	first *task
}

func (l *taskList) add(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.links.next = l.first; l.first != nil {
		l.first.links.prev = t
	}
	l.first = t
}

func (l *taskList) remove(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	prev, next := t.links.prev, t.links.next
	if prev != nil {
		prev.links.next = next
	} else {
		l.first = next
	}
	if next != nil {
		next.links.prev = prev
	}
	t.links.prev, t.links.next = nil, nil
}

// Tasks lists the tasks of this process that have not ended, oldest first. It is asyncio.all_tasks.
func Tasks() []TaskInfo {
	tasks.mu.Lock()
	var all []*task
	for t := tasks.first; t != nil; t = t.links.next {
		all = append(all, t)
	}
	tasks.mu.Unlock()
	infos := make([]TaskInfo, 0, len(all))
	for _, t := range slices.Backward(all) {
		if info := t.Info(); !info.State.Ended() {
			infos = append(infos, info)
		}
	}
	return infos
}

// TaskFrom returns the task whose function was given ctx, or a context made from it. It is
// asyncio.current_task.
func TaskFrom(ctx context.Context) (info TaskInfo, ok bool) {
	must(checkContext("lab.TaskFrom", ctx))
	t, ok := ctx.Value(taskKey{}).(*task)
	if ok {
		info = t.Info()
	}
	return info, ok
}

// String shows the description in one line.
func (i TaskInfo) String() string {
	s := fmt.Sprintf("%s: %v for %s, started at %s", i.Name, i.State, quantity.Duration(i.Age), i.Spawn)
	if i.State.Ended() {
		s = fmt.Sprintf("%s: %v after %s, started at %s", i.Name, i.State, quantity.Duration(i.Age), i.Spawn)
	}
	if i.Err != nil {
		s += ": " + i.Err.Error()
	}
	return s
}
