package timeline

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// CounterCategory is the category of the log entries by which code reports changes of a number to the tracer.
// The text is the new value, a space and the counter's name. Package lab writes them for queues, pools, locks
// and semaphores; any code may:
//
//	trace.Log(ctx, timeline.CounterCategory, "3 open files")
const CounterCategory = "lab.counter"

// A Counter is a number that changed during an experiment: the depth of a queue, the workers of a pool that
// ran.
type Counter struct {
	Name   string
	Points []CounterPoint // by time
	Until  time.Duration  // the last point holds until then: the end of the recording, or of what was kept of the events
}

// A CounterPoint is a change: the counter has had Value since At.
type CounterPoint struct {
	At    time.Duration
	Value int
}

// Counters collects the counters in Events, in the order of their first entries. Logs of CounterCategory that
// are not a number and a name are left out. When events were dropped, all counters end with the last one that
// was kept.
func (e *Experiment) Counters() []Counter {
	var list []Counter
	index := map[string]int{}
	until := e.Recorded
	if e.Dropped > 0 {
		until = 0
		for i := range e.Events {
			until = max(until, e.Events[i].Start)
		}
	}
	for i := range e.Events {
		ev := &e.Events[i]
		if ev.Kind != EventLog || ev.Name != CounterCategory {
			continue
		}
		number, name, ok := strings.Cut(ev.Text, " ")
		v, err := strconv.Atoi(number)
		if !ok || name == "" || err != nil {
			continue
		}
		k, ok := index[name]
		if !ok {
			k = len(list)
			index[name] = k
			list = append(list, Counter{Name: name, Until: until})
		}
		list[k].Points = append(list[k].Points, CounterPoint{ev.Start, v})
	}
	for i := range list {
		slices.SortStableFunc(list[i].Points, func(a, b CounterPoint) int { return int(a.At - b.At) })
	}
	return list
}

// Max is the greatest value; 0 without points.
func (c *Counter) Max() int {
	most := 0
	for i, p := range c.Points {
		if i == 0 || p.Value > most {
			most = p.Value
		}
	}
	return most
}

// Mean is the mean value over time, from the first point on.
func (c *Counter) Mean() float64 {
	var sum, all time.Duration
	for i, p := range c.Points {
		end := c.Until
		if i+1 < len(c.Points) {
			end = c.Points[i+1].At
		}
		if end > p.At {
			sum += time.Duration(p.Value) * (end - p.At)
			all += end - p.At
		}
	}
	if all == 0 {
		if n := len(c.Points); n > 0 {
			return float64(c.Points[n-1].Value)
		}
		return 0
	}
	return float64(sum) / float64(all)
}
