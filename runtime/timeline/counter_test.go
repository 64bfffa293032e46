package timeline_test

import (
	"reflect"
	"testing"
	"time"

	"interleave/runtime/timeline"
)

func log(at time.Duration, category, text string) timeline.Event {
	return timeline.Event{Kind: timeline.EventLog, Name: category, Text: text, Start: at, End: at}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	e := &timeline.Experiment{Recorded: 10 * ms, Events: []timeline.Event{
		log(1*ms, timeline.CounterCategory, "1 jobs in the queue"),
		log(2*ms, "remark", "2 jobs in the queue"), // another category
		log(2*ms, timeline.CounterCategory, "5 held"),
		{Kind: timeline.EventRegion, Name: timeline.CounterCategory, Text: "7 held"}, // no log
		log(5*ms, timeline.CounterCategory, "many held"),                             // no number
		log(5*ms, timeline.CounterCategory, "3"),                                     // no name
		log(6*ms, timeline.CounterCategory, "-3 jobs in the queue"),
		log(4*ms, timeline.CounterCategory, "3 jobs in the queue"), // late to be told
	}}
	want := []timeline.Counter{
		{Name: "jobs in the queue", Points: []timeline.CounterPoint{{1 * ms, 1}, {4 * ms, 3}, {6 * ms, -3}}, Until: 10 * ms},
		{Name: "held", Points: []timeline.CounterPoint{{2 * ms, 5}}, Until: 10 * ms},
	}
	got := e.Counters()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v\nwant %+v", got, want)
	}
	if m := got[0].Max(); m != 3 {
		t.Errorf("max %d", m)
	}
	if m := got[0].Mean(); m != (1.*3+3*2-3*4)/9 {
		t.Errorf("mean %v", m)
	}
	e.Dropped = 5
	if got := e.Counters(); got[0].Until != 6*ms {
		t.Errorf("with dropped events the counter holds until %v", got[0].Until)
	}
	var none timeline.Counter
	if none.Max() != 0 || none.Mean() != 0 {
		t.Errorf("of nothing: max %d, mean %v", none.Max(), none.Mean())
	}
	one := timeline.Counter{Points: []timeline.CounterPoint{{5, -2}}, Until: 5}
	if one.Max() != -2 || one.Mean() != -2 {
		t.Errorf("of a moment: max %d, mean %v", one.Max(), one.Mean())
	}
}
