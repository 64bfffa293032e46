package lab_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"interleave/runtime/lab"
)

// Every door for callers that cannot instantiate leads where the generic function of its name does.
func TestAnyDoors(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	seven := func(context.Context) (any, error) { return 7, nil }
	same := func(_ context.Context, v any) (any, error) { return v, nil }
	one := func(v any, err error) string { return fmt.Sprint(v, " ", err) }
	list := func(v []any, err error) string { return fmt.Sprint(v, " ", err) }
	await := func(task *lab.Task[any]) string { return one(task.Await(ctx)) }
	pool := lab.NewPool(2)
	defer pool.Close()
	less := func(a, b any) int { return cmp.Compare(a.(int), b.(int)) }
	pipe := func(build func(g *lab.Group, in <-chan any) <-chan any) string {
		g := lab.NewGroup(ctx)
		return list(lab.CollectAny(g, build(g, lab.SourceAny(g, slices.Values([]any{1, 2, 3})))))
	}
	queue := func(q *lab.Queue[any]) string {
		for _, v := range []any{2, 1, 3} {
			q.TryPut(v)
		}
		var all []any
		for v, ok := q.TryGet(); ok; v, ok = q.TryGet() {
			all = append(all, v)
		}
		return fmt.Sprint(all)
	}
	loop := func(f func(co *lab.Coro) string) (s string) {
		if err := lab.NewLoop().Run(ctx, func(co *lab.Coro) error { s = f(co); return nil }); err != nil {
			t.Error(err)
		}
		return s
	}
	coro := func(*lab.Coro) (any, error) { return 7, nil }
	for name, c := range map[string]struct{ got, want string }{
		"Gather":      {list(lab.GatherAny(ctx, seven, seven)), "[7 7] <nil>"},
		"GatherAll":   {fmt.Sprint(lab.GatherAllAny(ctx, seven)[0].Value), "7"},
		"Go":          {await(lab.GoAny(ctx, seven)), "7 <nil>"},
		"WaitFor":     {one(lab.WaitForAny(ctx, time.Minute, seven)), "7 <nil>"},
		"Shield":      {one(lab.ShieldAny(ctx, lab.GoAny(ctx, seven))), "7 <nil>"},
		"Race":        {one(lab.RaceAny(ctx, seven)), "7 <nil>"},
		"Hedge":       {one(lab.HedgeAny(ctx, time.Minute, seven)), "7 <nil>"},
		"After":       {await(lab.AfterAny(ctx, 0, seven)), "7 <nil>"},
		"At":          {await(lab.AtAny(ctx, time.Now(), seven)), "7 <nil>"},
		"Retry":       {one(lab.RetryAny(ctx, lab.Backoff{}, seven)), "7 <nil>"},
		"OnThread":    {one(lab.OnThreadAny(ctx, seven)), "7 <nil>"},
		"Submit":      {await(lab.SubmitAny(ctx, pool, seven)), "7 <nil>"},
		"Map":         {list(lab.MapAny(ctx, pool, []any{1, "a"}, same)), "[1 a] <nil>"},
		"Stage":       {pipe(func(g *lab.Group, in <-chan any) <-chan any { return lab.StageAny(g, in, 1, same) }), "[1 2 3] <nil>"},
		"Ordered":     {pipe(func(g *lab.Group, in <-chan any) <-chan any { return lab.OrderedStageAny(g, in, 2, same) }), "[1 2 3] <nil>"},
		"FanOut":      {pipe(func(g *lab.Group, in <-chan any) <-chan any { return lab.FanOutAny(g, in, 1)[0] }), "[1 2 3] <nil>"},
		"FanIn":       {pipe(func(g *lab.Group, in <-chan any) <-chan any { return lab.FanInAny(g, in) }), "[1 2 3] <nil>"},
		"Tee":         {pipe(func(g *lab.Group, in <-chan any) <-chan any { return lab.TeeAny(g, in, 1)[0] }), "[1 2 3] <nil>"},
		"Merge":       {pipe(func(g *lab.Group, in <-chan any) <-chan any { return lab.MergeAny(g, less, in) }), "[1 2 3] <nil>"},
		"Batch":       {pipe(func(g *lab.Group, in <-chan any) <-chan any { b := lab.BatchAny(g, in, 3, 0); return first(g, b) }), "[3] <nil>"},
		"Queue":       {queue(lab.NewQueueAny(0)), "[2 1 3]"},
		"Stack":       {queue(lab.NewStackAny(0)), "[3 1 2]"},
		"Priority":    {queue(lab.NewPriorityQueueAny(0, less)), "[1 2 3]"},
		"Flight":      {one(lab.NewFlightAny(same).Get(ctx, "k")), "k <nil>"},
		"Memo":        {one(lab.NewMemoAny(same).Get(ctx, 1)), "1 <nil>"},
		"Local":       {fmt.Sprint(lab.NewLocalAny(nil).Get(ctx)), "<nil>"},
		"LoopGo":      {loop(func(co *lab.Coro) string { return one(lab.LoopGoAny(co, "x", coro).Await(co)) }), "7 <nil>"},
		"LoopGather":  {loop(func(co *lab.Coro) string { return list(lab.LoopGatherAny(co, coro, coro)) }), "[7 7] <nil>"},
		"CompletedCh": {fmt.Sprint((<-lab.CompletedChanAny(ctx, lab.GoAny(ctx, seven))).Value), "7"},
	} {
		if c.got != c.want {
			t.Errorf("%s gave %q, want %q", name, c.got, c.want)
		}
	}
	for v, err := range lab.CompletedAny(ctx, lab.GoAny(ctx, seven)) {
		if v != 7 || err != nil {
			t.Errorf("Completed gave %v, %v", v, err)
		}
	}
	if done, _, err := lab.WaitAny(ctx, lab.AllCompleted, lab.GoAny(ctx, seven)); len(done) != 1 || err != nil {
		t.Errorf("Wait gave %v, %v", done, err)
	}
	b := lab.NewBroadcastAny(lab.DropOldest)
	s := b.Subscribe(1)
	if err := b.Publish(ctx, 7); err != nil || <-s.C() != 7 {
		t.Errorf("Broadcast lost its value, %v", err)
	}
	var i any = 1
	table, err := lab.LitmusAny(ctx, lab.LitmusTest[any]{
		Setup: func() *any { return &i }, Actors: []func(*any){func(*any) {}, func(*any) {}}, Result: func(s *any) string { return fmt.Sprint(*s) },
	}, 10)
	if err != nil || table.Rows[0] != (lab.LitmusRow{Result: "1", Count: 10, Share: 1}) {
		t.Errorf("Litmus gave %v, %v", table, err)
	}
	look := func(a *lab.Actor, s *any) { a.Until(func() bool { return *s == 1 }) }
	if r, err := lab.ExploreAny(ctx, lab.Exploration[any]{Setup: func() *any { return &i }, Actors: []func(*lab.Actor, *any){look, look}}); err != nil || !r.Complete {
		t.Errorf("Explore gave %v, %v", r, err)
	}
}

// first sends how many values the batches hold.
func first(g *lab.Group, batches <-chan []any) <-chan any {
	return lab.StageAny(g, lab.Stage(g, batches, 1, func(_ context.Context, b []any) (any, error) { return len(b), nil }), 1,
		func(_ context.Context, v any) (any, error) { return v, nil })
}

func TestOnTask(t *testing.T) {
	var states []lab.State
	remove := lab.OnTask(func(i lab.TaskInfo) {
		if i.Name == "seen" {
			states = append(states, i.State)
		}
	})
	lab.Go(t.Context(), trivial, lab.Named("seen")).Await(t.Context())
	remove()
	lab.Go(t.Context(), trivial, lab.Named("seen")).Await(t.Context())
	if !slices.Equal(states, []lab.State{lab.Running, lab.Succeeded}) {
		t.Errorf("the hook saw %v", states)
	}
	panicky := lab.OnTask(func(lab.TaskInfo) { panic("hook") })
	defer panicky()
	if v, err := lab.Go(t.Context(), trivial).Await(t.Context()); v != 1 || err != nil {
		t.Errorf("a hook that panics made it %v, %v", v, err)
	}
	wantMisuse(t, func() { lab.OnTask(nil) }, "lab.OnTask: nil function")
}

func ExampleOnTask() {
	defer lab.OnTask(func(t lab.TaskInfo) { fmt.Println(t.Name, t.State) })()
	lab.Go(ctx, trivial, lab.Named("small")).Await(ctx)
	// Output:
	// small running
	// small succeeded
}
