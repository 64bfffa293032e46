package lab_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"interleave/runtime/lab"
)

func ExampleRun() {
	err := lab.Run(ctx, func(ctx context.Context) error {
		lab.Go(ctx, fetch("forgotten", time.Hour)) // ends with Run
		page, err := lab.Go(ctx, fetch("a", 5*ms)).Await(ctx)
		fmt.Println(page)
		return err
	})
	fmt.Println(err, len(lab.Tasks()))
	// Output:
	// a.html
	// <nil> 0
}

func ExampleWait() {
	tasks := []*lab.Task[string]{lab.Go(ctx, fetch("slow", time.Hour)), lab.Go(ctx, fetch("quick", 5*ms))}
	done, pending, err := lab.Wait(ctx, lab.FirstCompleted, tasks...)
	page, _ := done[0].Result()
	fmt.Println(page, len(pending), err)
	pending[0].Cancel(nil)
	pending[0].Await(ctx)
	// Output: quick.html 1 <nil>
}

func ExampleWaitTasks() {
	page := lab.Go(ctx, fetch("a", 5*ms), lab.Named("page"))
	number := lab.Go(ctx, func(context.Context) (int, error) { return 42, nil }, lab.Named("number"))
	done, _, err := lab.WaitTasks(ctx, lab.AllCompleted, page, number)
	for _, t := range done {
		fmt.Println(t.Name(), t.State())
	}
	fmt.Println(err)
	// Output:
	// page succeeded
	// number succeeded
	// <nil>
}

func ExampleCompleted() {
	tasks := []*lab.Task[string]{lab.Go(ctx, fetch("slow", 120*ms)), lab.Go(ctx, fetch("quick", 5*ms)), lab.Go(ctx, fetch("fair", 60*ms))}
	for page, err := range lab.Completed(ctx, tasks...) {
		fmt.Println(page, err)
	}
	// Output:
	// quick.html <nil>
	// fair.html <nil>
	// slow.html <nil>
}

func ExampleCompletedChan() {
	for r := range lab.CompletedChan(ctx, lab.Go(ctx, fetch("slow", 80*ms)), lab.Go(ctx, fetch("quick", 5*ms))) {
		fmt.Println(r.Value, r.Err)
	}
	// Output:
	// quick.html <nil>
	// slow.html <nil>
}

func ExampleRace() {
	fmt.Println(lab.Race(ctx, fetch("mirror in Oslo", 5*ms), fetch("mirror in Perth", time.Hour), fail(errors.New("down"))))
	// Output: mirror in Oslo.html <nil>
}

func ExampleHedge() {
	calls := make(chan int, 2)
	calls <- 1
	calls <- 2
	answer, err := lab.Hedge(ctx, 5*ms, func(ctx context.Context) (string, error) {
		if n := <-calls; n == 1 {
			return "", lab.Sleep(ctx, time.Hour) // one of those slow requests
		}
		return "from the second call", nil
	})
	fmt.Println(answer, err)
	// Output: from the second call <nil>
}

func ExampleNewGroup() {
	g := lab.NewGroup(ctx)
	g.Go(func(ctx context.Context) error { return errors.New("disk full") })
	g.Go(func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) }) // cancelled by the first
	fmt.Println(g.Wait())
	// Output: disk full
}

func ExampleLimit() {
	g := lab.NewGroup(ctx, lab.Limit(1)) // one after another
	for i := range 3 {
		g.Go(func(context.Context) error { fmt.Println(i); return nil })
	}
	g.Wait()
	// Output:
	// 0
	// 1
	// 2
}

func ExampleGroup_TryGo() {
	g := lab.NewGroup(ctx, lab.Limit(1))
	done := make(chan bool)
	wait := func(context.Context) error { <-done; return nil }
	fmt.Println(g.TryGo(wait), g.TryGo(wait))
	close(done)
	fmt.Println(g.Wait())
	// Output:
	// true false
	// <nil>
}

func ExampleAfter() {
	t := lab.After(ctx, 5*ms, fetch("later", 0))
	fmt.Println(t.State())
	fmt.Println(t.Await(ctx))
	never := lab.After(ctx, time.Hour, fetch("never", 0))
	never.Cancel(nil)
	fmt.Println(never.State())
	// Output:
	// pending
	// later.html <nil>
	// canceled
}

func ExampleAt() {
	noon := time.Now().Add(5 * ms)
	fmt.Println(lab.At(ctx, noon, fetch("noon", 0)).Await(ctx))
	// Output: noon.html <nil>
}

func ExampleRetry() {
	calls := 0
	v, err := lab.Retry(ctx, lab.Backoff{First: ms}, func(ctx context.Context) (string, error) {
		if calls++; calls < 3 {
			return "", errors.New("busy")
		}
		return fmt.Sprint("answered call ", calls), nil
	})
	fmt.Println(v, err)
	_, err = lab.Retry(ctx, lab.Backoff{Attempts: 2, First: ms}, fail(errors.New("busy")))
	fmt.Println(err)
	// Output:
	// answered call 3 <nil>
	// after 2 attempts: busy
}

func ExamplePermanent() {
	_, err := lab.Retry(ctx, lab.Backoff{}, fail(lab.Permanent(errors.New("no such page"))))
	fmt.Println(err)
	// Output: no such page
}

func ExampleOnThread() {
	v, err := lab.OnThread(ctx, func(ctx context.Context) (string, error) {
		return "on a thread of its own", nil
	})
	fmt.Println(v, err)
	// Output: on a thread of its own <nil>
}
