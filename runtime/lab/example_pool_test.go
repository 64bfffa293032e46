package lab_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/lab"
)

func square(_ context.Context, x int) (int, error) { return x * x, nil }

func ExampleNewPool() {
	pool := lab.NewPool(2)
	defer pool.Close()
	a := lab.Submit(ctx, pool, fetch("a", 5*ms))
	b := lab.Submit(ctx, pool, fetch("b", 5*ms))
	fmt.Println(a.Await(ctx))
	fmt.Println(b.Await(ctx))
	// Output:
	// a.html <nil>
	// b.html <nil>
}

// A task that waits hands the work that computes to a pool with one worker for each core.
func ExampleSubmit() {
	cores := lab.NewPool(2)
	defer cores.Close()
	page := lab.Go(ctx, func(ctx context.Context) (int, error) {
		text, err := fetch("page", 5*ms)(ctx) // waits: costs no core
		if err != nil {
			return 0, err
		}
		return lab.Submit(ctx, cores, func(context.Context) (int, error) { return strings.Count(text, "h"), nil }).Await(ctx)
	})
	fmt.Println(page.Await(ctx))
	// Output: 1 <nil>
}

func ExampleMap() {
	pool := lab.NewPool(4)
	defer pool.Close()
	squares, err := lab.Map(ctx, pool, []int{1, 2, 3, 4}, square)
	fmt.Println(squares, err)
	// Output: [1 4 9 16] <nil>
}

// The sequence is endless: it is read only so far as results are wanted.
func ExampleMapSeq() {
	numbers := func(yield func(int) bool) {
		for i := 1; yield(i); i++ {
		}
	}
	for x, err := range lab.MapSeq(ctx, nil, numbers, square) {
		if err != nil || x > 20 {
			break
		}
		fmt.Print(x, " ")
	}
	// Output: 1 4 9 16
}

// The second is there first.
func ExampleUnordered() {
	pool := lab.NewPool(2)
	defer pool.Close()
	naps := slices.Values([]time.Duration{200 * ms, 5 * ms})
	for d := range lab.MapSeq(ctx, pool, naps, func(ctx context.Context, d time.Duration) (time.Duration, error) { return d, lab.Sleep(ctx, d) }, lab.Unordered()) {
		fmt.Println(d)
	}
	// Output:
	// 5ms
	// 200ms
}

// With static shares the first worker gets all the long items; with work-sharing everybody takes what is next.
func ExampleStatic() {
	items := []time.Duration{500 * ms, 500 * ms, 0, 0}
	for _, way := range []lab.MapOption{lab.Static(), lab.Dynamic()} {
		pool := lab.NewPool(2)
		begin := time.Now()
		lab.Map(ctx, pool, items, func(ctx context.Context, d time.Duration) (int, error) { return 0, lab.Sleep(ctx, d) }, way, lab.Chunk(1))
		fmt.Println(time.Since(begin).Round(500 * ms))
		pool.Close()
	}
	// Output:
	// 1s
	// 500ms
}

func ExampleDynamic() {
	sum, err := lab.Map(ctx, nil, []int{1, 2, 3}, square, lab.Dynamic())
	fmt.Println(sum, err)
	// Output: [1 4 9] <nil>
}

func ExampleChunk() {
	pool := lab.NewPool(1)
	defer pool.Close()
	pool.Ranges(ctx, 10, func(_ context.Context, lo, hi int) error {
		fmt.Print("[", lo, ",", hi, ") ")
		return nil
	}, lab.Chunk(4))
	// Output: [0,4) [4,8) [8,10)
}

func ExamplePool_Ranges() {
	squares := make([]int, 5)
	pool := lab.NewPool(2)
	defer pool.Close()
	err := pool.Ranges(ctx, len(squares), func(_ context.Context, lo, hi int) error {
		for i := lo; i < hi; i++ {
			squares[i] = i * i
		}
		return nil
	})
	fmt.Println(squares, err)
	// Output: [0 1 4 9 16] <nil>
}

func ExampleProgress() {
	defer host.Set(host.Host{Show: func(host.Event) {}})() // a notebook shows the bar
	squares, _ := lab.Map(ctx, nil, []int{1, 2, 3}, square, lab.Progress("squares"))
	fmt.Println(squares)
	// Output: [1 4 9]
}

func ExampleNewProgress() {
	updates := 0
	defer host.Set(host.Host{Show: func(host.Event) { updates++ }})()
	bar := lab.NewProgress("pages", 2)
	bar.Add(1)
	bar.Add(1)
	bar.Close()
	fmt.Println(updates > 1, strings.HasPrefix(bar.String(), "pages: 2/2 (100 %)"))
	// Output: true true
}

func ExamplePool_Shutdown() {
	pool := lab.NewPool(1)
	gate := make(chan bool)
	running := lab.Submit(ctx, pool, func(context.Context) (string, error) { <-gate; return "finished", nil })
	waiting := lab.Submit(ctx, pool, fetch("a", 0))
	for running.State() == lab.Pending {
		lab.Sleep(ctx, ms)
	}
	short, cancel := context.WithTimeout(ctx, 5*ms)
	defer cancel()
	fmt.Println(pool.Shutdown(short, true)) // what waits is cancelled, what runs is not
	close(gate)
	fmt.Println(running.Await(ctx))
	_, err := waiting.Await(ctx)
	fmt.Println(err)
	// Output:
	// context deadline exceeded
	// finished <nil>
	// context canceled: the pool is shut down
}

func ExamplePool_Stats() {
	pool := lab.NewPool(2, lab.PoolName("fetchers"))
	lab.Submit(ctx, pool, fetch("a", 0))
	lab.Submit(ctx, pool, fail(errors.New("no")))
	pool.Close()
	s := pool.Stats()
	fmt.Println(s.Done, s.Failed, s.Running)
	// Output: 2 1 0
}

func ExamplePoolName() {
	pool := lab.NewPool(2, lab.PoolName("crunchers")) // its workers are called so in figures
	defer pool.Close()
	fmt.Println(pool.Size())
	// Output: 2
}

func ExampleSource() {
	g := lab.NewGroup(ctx)
	fmt.Println(lab.Collect(g, lab.Source(g, slices.Values([]string{"a", "b"}))))
	// Output: [a b] <nil>
}

func ExampleStage() {
	g := lab.NewGroup(ctx)
	numbers := lab.Source(g, slices.Values([]int{1, 2, 3}))
	squares := lab.Stage(g, numbers, 1, square)
	fmt.Println(lab.Collect(g, squares))
	// Output: [1 4 9] <nil>
}

func ExampleOrderedStage() {
	g := lab.NewGroup(ctx)
	numbers := lab.Source(g, slices.Values([]int{30, 10, 20}))
	waited := lab.OrderedStage(g, numbers, 3, func(ctx context.Context, n int) (int, error) {
		return n, lab.Sleep(ctx, time.Duration(n)*ms)
	})
	fmt.Println(lab.Collect(g, waited))
	// Output: [30 10 20] <nil>
}

func ExampleFanOut() {
	g := lab.NewGroup(ctx)
	var parts []<-chan int
	for _, in := range lab.FanOut(g, lab.Source(g, slices.Values([]int{1, 2, 3, 4})), 2) {
		parts = append(parts, lab.Stage(g, in, 1, square))
	}
	squares, err := lab.Collect(g, lab.FanIn(g, parts...))
	slices.Sort(squares)
	fmt.Println(squares, err)
	// Output: [1 4 9 16] <nil>
}

func ExampleFanIn() {
	g := lab.NewGroup(ctx)
	all, err := lab.Collect(g, lab.FanIn(g, lab.Source(g, slices.Values([]int{1, 2})), lab.Source(g, slices.Values([]int{3}))))
	slices.Sort(all)
	fmt.Println(all, err)
	// Output: [1 2 3] <nil>
}

func ExampleTee() {
	g := lab.NewGroup(ctx)
	copies := lab.Tee(g, lab.Source(g, slices.Values([]int{1, 2})), 2)
	for range 2 {
		fmt.Println(<-copies[0], <-copies[1])
	}
	fmt.Println(g.Wait())
	// Output:
	// 1 1
	// 2 2
	// <nil>
}

func ExampleBatch() {
	g := lab.NewGroup(ctx)
	fmt.Println(lab.Collect(g, lab.Batch(g, lab.Source(g, slices.Values([]int{1, 2, 3, 4, 5})), 2, 0)))
	// Output: [[1 2] [3 4] [5]] <nil>
}

func ExampleMerge() {
	g := lab.NewGroup(ctx)
	odd, even := lab.Source(g, slices.Values([]int{1, 3, 5})), lab.Source(g, slices.Values([]int{2, 4}))
	fmt.Println(lab.Collect(g, lab.Merge(g, cmp.Compare[int], odd, even)))
	// Output: [1 2 3 4 5] <nil>
}

func ExampleCollect() {
	g := lab.NewGroup(ctx)
	broken := lab.Stage(g, lab.Source(g, slices.Values([]int{1, 2, 3})), 1, func(_ context.Context, n int) (int, error) {
		if n == 2 {
			return 0, errors.New("2 is not for sale")
		}
		return n, nil
	})
	_, err := lab.Collect(g, broken)
	fmt.Println(err)
	// Output: 2 is not for sale
}

func ExampleNewLimiter() {
	twoPerSecond := lab.NewLimiter(2, 2)
	fmt.Println(twoPerSecond.Allow(), twoPerSecond.Allow(), twoPerSecond.Allow())
	begin := time.Now()
	err := twoPerSecond.Wait(ctx)
	fmt.Println(err, time.Since(begin).Round(500*ms))
	// Output:
	// true true false
	// <nil> 500ms
}

func ExampleNewFlight() {
	pages := lab.NewFlight(func(ctx context.Context, url string) (string, error) {
		return fetch(url, 20*ms)(ctx)
	})
	get := func(ctx context.Context) (string, error) { return pages.Get(ctx, "a") }
	fmt.Println(lab.Gather(ctx, get, get, get))
	fmt.Println(pages.Stats().Calls, "call,", pages.Stats().Merged, "joined it")
	// Output:
	// [a.html a.html a.html] <nil>
	// 1 call, 2 joined it
}

func ExampleNewMemo() {
	fib := (*lab.Flight[int, int])(nil)
	fib = lab.NewMemo(func(ctx context.Context, n int) (int, error) {
		if n < 2 {
			return n, nil
		}
		a, err := fib.Get(ctx, n-1)
		if err != nil {
			return 0, err
		}
		b, err := fib.Get(ctx, n-2)
		return a + b, err
	})
	fmt.Println(fib.Get(ctx, 50))
	fmt.Println(fib.Stats().Calls)
	// Output:
	// 12586269025 <nil>
	// 51
}

func ExampleFlight_Forget() {
	n := 0
	f := lab.NewMemo(func(context.Context, string) (int, error) { n++; return n, nil })
	fmt.Println(f.Get(ctx, "k"))
	f.Forget("k")
	fmt.Println(f.Get(ctx, "k"))
	// Output:
	// 1 <nil>
	// 2 <nil>
}

func ExampleNewBroadcast() {
	news := lab.NewBroadcast[string](lab.DropOldest)
	slow := news.Subscribe(1)
	for _, n := range []string{"first", "second", "third"} {
		news.Publish(ctx, n)
	}
	news.Close()
	for n := range slow.C() {
		fmt.Println(n)
	}
	fmt.Println("missed", slow.Dropped())
	// Output:
	// third
	// missed 2
}

func ExampleSubscription_Next() {
	news := lab.NewBroadcast[string](lab.Block)
	s := news.Subscribe(1)
	news.Publish(ctx, "hello")
	fmt.Println(s.Next(ctx))
	news.Close()
	_, err := s.Next(ctx)
	fmt.Println(err)
	// Output:
	// hello <nil>
	// closed
}
