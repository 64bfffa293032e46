package instances_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"interleave/kernel/engine/interpreted/instances"
	"interleave/runtime/lab"
)

// Every instance does what the generic function of its name does.
func TestInstances(t *testing.T) {
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
		return list(instances.Collect(g, build(g, instances.Source(g, slices.Values([]any{1, 2, 3})))))
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
		"Gather":    {list(instances.Gather(ctx, seven, seven)), "[7 7] <nil>"},
		"GatherAll": {fmt.Sprint(instances.GatherAll(ctx, seven)[0].Value), "7"},
		"Go":        {await(instances.Go(ctx, seven)), "7 <nil>"},
		"WaitFor":   {one(instances.WaitFor(ctx, time.Minute, seven)), "7 <nil>"},
		"Shield":    {one(instances.Shield(ctx, instances.Go(ctx, seven))), "7 <nil>"},
		"Race":      {one(instances.Race(ctx, seven)), "7 <nil>"},
		"Hedge":     {one(instances.Hedge(ctx, time.Minute, seven)), "7 <nil>"},
		"After":     {await(instances.After(ctx, 0, seven)), "7 <nil>"},
		"At":        {await(instances.At(ctx, time.Now(), seven)), "7 <nil>"},
		"Retry":     {one(instances.Retry(ctx, lab.Backoff{}, seven)), "7 <nil>"},
		"OnThread":  {one(instances.OnThread(ctx, seven)), "7 <nil>"},
		"Submit":    {await(instances.Submit(ctx, pool, seven)), "7 <nil>"},
		"Map":       {list(instances.Map(ctx, pool, []any{1, "a"}, same)), "[1 a] <nil>"},
		"MapSeq": {list(func() (vs []any, err error) {
			for v, e := range instances.MapSeq(ctx, pool, slices.Values([]any{1, "a"}), same) {
				vs, err = append(vs, v), e
			}
			return vs, err
		}()), "[1 a] <nil>"},
		"Stage":       {pipe(func(g *lab.Group, in <-chan any) <-chan any { return instances.Stage(g, in, 1, same) }), "[1 2 3] <nil>"},
		"Ordered":     {pipe(func(g *lab.Group, in <-chan any) <-chan any { return instances.OrderedStage(g, in, 2, same) }), "[1 2 3] <nil>"},
		"FanOut":      {pipe(func(g *lab.Group, in <-chan any) <-chan any { return instances.FanOut(g, in, 1)[0] }), "[1 2 3] <nil>"},
		"FanIn":       {pipe(func(g *lab.Group, in <-chan any) <-chan any { return instances.FanIn(g, in) }), "[1 2 3] <nil>"},
		"Tee":         {pipe(func(g *lab.Group, in <-chan any) <-chan any { return instances.Tee(g, in, 1)[0] }), "[1 2 3] <nil>"},
		"Merge":       {pipe(func(g *lab.Group, in <-chan any) <-chan any { return instances.Merge(g, less, in) }), "[1 2 3] <nil>"},
		"Batch":       {pipe(func(g *lab.Group, in <-chan any) <-chan any { b := instances.Batch(g, in, 3, 0); return first(g, b) }), "[3] <nil>"},
		"Queue":       {queue(instances.NewQueue(0)), "[2 1 3]"},
		"Stack":       {queue(instances.NewStack(0)), "[3 1 2]"},
		"Priority":    {queue(instances.NewPriorityQueue(0, less)), "[1 2 3]"},
		"Flight":      {one(instances.NewFlight(same).Get(ctx, "k")), "k <nil>"},
		"Memo":        {one(instances.NewMemo(same).Get(ctx, 1)), "1 <nil>"},
		"Local":       {fmt.Sprint(instances.NewLocal(nil).Get(ctx)), "<nil>"},
		"LoopGo":      {loop(func(co *lab.Coro) string { return one(instances.LoopGo(co, "x", coro).Await(co)) }), "7 <nil>"},
		"LoopGather":  {loop(func(co *lab.Coro) string { return list(instances.LoopGather(co, coro, coro)) }), "[7 7] <nil>"},
		"CompletedCh": {fmt.Sprint((<-instances.CompletedChan(ctx, instances.Go(ctx, seven))).Value), "7"},
	} {
		if c.got != c.want {
			t.Errorf("%s gave %q, want %q", name, c.got, c.want)
		}
	}
	for v, err := range instances.Completed(ctx, instances.Go(ctx, seven)) {
		if v != 7 || err != nil {
			t.Errorf("Completed gave %v, %v", v, err)
		}
	}
	if done, _, err := instances.Wait(ctx, lab.AllCompleted, instances.Go(ctx, seven)); len(done) != 1 || err != nil {
		t.Errorf("Wait gave %v, %v", done, err)
	}
	b := instances.NewBroadcast(lab.DropOldest)
	s := b.Subscribe(1)
	if err := b.Publish(ctx, 7); err != nil || <-s.C() != 7 {
		t.Errorf("Broadcast lost its value, %v", err)
	}
	var i any = 1
	table, err := instances.Litmus(ctx, lab.LitmusTest[any]{
		Setup: func() *any { return &i }, Actors: []func(*any){func(*any) {}, func(*any) {}}, Result: func(s *any) string { return fmt.Sprint(*s) },
	}, 10)
	if err != nil || table.Rows[0] != (lab.LitmusRow{Result: "1", Count: 10, Share: 1}) {
		t.Errorf("Litmus gave %v, %v", table, err)
	}
	look := func(a *lab.Actor, s *any) { a.Until(func() bool { return *s == 1 }) }
	if r, err := instances.Explore(ctx, lab.Exploration[any]{Setup: func() *any { return &i }, Actors: []func(*lab.Actor, *any){look, look}}); err != nil || !r.Complete {
		t.Errorf("Explore gave %v, %v", r, err)
	}
}

// first sends how many values the batches hold.
func first(g *lab.Group, batches <-chan []any) <-chan any {
	return instances.Stage(g, lab.Stage(g, batches, 1, func(_ context.Context, b []any) (any, error) { return len(b), nil }), 1,
		func(_ context.Context, v any) (any, error) { return v, nil })
}
