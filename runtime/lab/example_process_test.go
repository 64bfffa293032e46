package lab_test

import (
	"context"
	"errors"
	"fmt"

	"interleave/runtime/lab"
)

func ExampleSpawn() {
	ctx := context.Background()
	p, err := lab.Spawn(ctx, twice, 21.0) // in a notebook, any function
	if err != nil {
		fmt.Println(err)
		return
	}
	var x float64
	err = p.Wait(ctx, &x)
	fmt.Println(x, err)
	// Output: 42 <nil>
}

func ExampleNewProcPool() {
	ctx := context.Background()
	processes, err := lab.NewProcPool(ctx, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer processes.Close()
	threads := lab.NewPool(2)
	defer threads.Close()
	for _, ex := range []lab.Executor{threads, processes} {
		squares, err := lab.Map(ctx, ex, []int{1, 2, 3}, squareOf)
		fmt.Println(squares, err)
	}
	// Output:
	// [1 4 9] <nil>
	// [1 4 9] <nil>
}

func ExampleProcMemory() {
	ctx := context.Background()
	pool, err := lab.NewProcPool(ctx, 1, lab.ProcMemory(2<<30))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = lab.SubmitWith(ctx, pool, fills, 8<<30).Await(ctx)
	var ended *lab.WorkerError
	fmt.Println(errors.As(err, &ended), ended.Func)
	// Output: true lab_test.fills
}

func ExampleSubmitWith() {
	ctx := context.Background()
	pool, err := lab.NewProcPool(ctx, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	task := lab.SubmitWith(ctx, pool, squareOf, 12)
	fmt.Println(task.Await(ctx))
	// Output: 144 <nil>
}

func ExampleWorkerMain() {
	// func main() {
	lab.WorkerMain() // returns at once, except in another process
	// … }
	fmt.Println("this is the program itself")
	// Output: this is the program itself
}
