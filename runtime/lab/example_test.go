package lab_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"interleave/runtime/lab"
)

var ctx = context.Background()

// fetch pretends to load a page that takes d to come.
func fetch(name string, d time.Duration) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if err := lab.Sleep(ctx, d); err != nil {
			return "", err
		}
		return name + ".html", nil
	}
}

func fail(err error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return "", err }
}

const ms = time.Millisecond

func ExampleGather() {
	pages, err := lab.Gather(ctx, fetch("a", 20*ms), fetch("b", 10*ms), fetch("c", 30*ms))
	fmt.Println(pages, err)
	// Output: [a.html b.html c.html] <nil>
}

// The first error cancels the others: nobody waits an hour here.
func ExampleGather_error() {
	_, err := lab.Gather(ctx, fetch("a", time.Hour), fail(errors.New("no route to b")))
	fmt.Println(err)
	// Output: no route to b
}

func ExampleGatherAll() {
	for _, r := range lab.GatherAll(ctx, fetch("a", 10*ms), fail(errors.New("no route to b"))) {
		fmt.Printf("%q %v\n", r.Value, r.Err)
	}
	// Output:
	// "a.html" <nil>
	// "" no route to b
}

func ExampleEach() {
	squares := make([]int, 5)
	err := lab.Each(ctx, len(squares), func(ctx context.Context, i int) error {
		squares[i] = i * i
		return nil
	})
	fmt.Println(squares, err)
	// Output: [0 1 4 9 16] <nil>
}

func ExampleGo() {
	task := lab.Go(ctx, fetch("news", 10*ms), lab.Named("news"))
	fmt.Println("meanwhile, something else")
	page, err := task.Await(ctx)
	fmt.Println(page, err)
	// Output:
	// meanwhile, something else
	// news.html <nil>
}

func ExampleNamed() {
	task := lab.Go(ctx, fetch("a", 0), lab.Named("first page"))
	task.Await(ctx)
	fmt.Println(task.Name(), task.State())
	// Output: first page succeeded
}

func ExampleThread() {
	t := lab.Thread(ctx, "greeter", func(ctx context.Context) { fmt.Println("hello from a goroutine") })
	t.Await(ctx) // join
	// Output: hello from a goroutine
}

func ExampleTask_Await() {
	task := lab.Go(ctx, func(ctx context.Context) (int, error) { panic("out of cheese") })
	_, err := task.Await(ctx)
	var p *lab.PanicError
	fmt.Println(errors.As(err, &p), p.Value)
	// Output: true out of cheese
}

func ExampleTask_Result() {
	task := lab.Go(ctx, fetch("a", 10*ms))
	_, err := task.Result()
	fmt.Println(err)
	<-task.Done()
	fmt.Println(task.Result())
	// Output:
	// the task has not ended
	// a.html <nil>
}

func ExampleTask_OnDone() {
	task := lab.Go(ctx, fetch("a", 10*ms))
	task.OnDone(func(t *lab.Task[string]) { fmt.Println("done:", t.State()) })
	task.Await(ctx)
	// Output: done: succeeded
}

func ExampleTask_Cancel() {
	task := lab.Go(ctx, fetch("a", time.Hour))
	task.Cancel(errors.New("changed my mind"))
	_, err := task.Await(ctx)
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.Canceled), task.State())
	// Output:
	// context canceled: changed my mind
	// true canceled
}

func ExampleTaskFrom() {
	task := lab.Go(ctx, func(ctx context.Context) (string, error) {
		me, _ := lab.TaskFrom(ctx)
		return "I am " + me.Name, nil
	}, lab.Named("Ishmael"))
	fmt.Println(task.Await(ctx))
	// Output: I am Ishmael <nil>
}

func ExampleTasks() {
	task := lab.Go(ctx, fetch("a", time.Hour), lab.Named("endless"))
	for _, t := range lab.Tasks() {
		fmt.Println(t.Name, t.State)
		t.Cancel(nil)
	}
	task.Await(ctx)
	// Output: endless running
}

func ExampleShield() {
	saving := lab.Go(ctx, fetch("saved", 500*ms))
	short, cancel := context.WithTimeout(ctx, 5*ms)
	defer cancel()
	_, err := lab.Shield(short, saving)
	fmt.Println(err, "- the task is still", saving.State())
	fmt.Println(saving.Await(ctx))
	// Output:
	// context deadline exceeded - the task is still running
	// saved.html <nil>
}

func ExampleSleep() {
	short, cancel := context.WithTimeout(ctx, 5*ms)
	defer cancel()
	fmt.Println(lab.Sleep(short, time.Hour))
	// Output: context deadline exceeded
}

func ExampleWaitFor() {
	fmt.Println(lab.WaitFor(ctx, time.Minute, fetch("quick", 5*ms)))
	_, err := lab.WaitFor(ctx, 5*ms, fetch("slow", time.Hour))
	fmt.Println(err)
	// Output:
	// quick.html <nil>
	// timeout: no answer within 5 ms
}

func ExampleOnPanic() {
	defer lab.OnPanic(func(p *lab.PanicError) {
		fmt.Printf("%s panicked: %v; awaited: %v\n", p.Task, p.Value, p.Awaited())
	})()
	task := lab.Go(ctx, func(context.Context) (int, error) { panic("nobody awaits me") }, lab.Named("daemon"))
	<-task.Done()
	// Output: daemon panicked: nobody awaits me; awaited: false
}
