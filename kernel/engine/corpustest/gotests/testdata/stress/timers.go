// Timers, tickers and deadlines end waits in select statements that many goroutines share.
package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

func wait(c <-chan int, limit time.Duration) string {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case v := <-c:
		return fmt.Sprint("value ", v)
	case <-timer.C:
		return "late"
	}
}

func ticks(n int) (got int) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	end := time.After(time.Hour)
	for {
		select {
		case <-ticker.C:
			if got++; got == n {
				return got
			}
		case <-end:
			return -1
		}
	}
}

func main() {
	var wg sync.WaitGroup
	results := make([]string, 1000)
	for i := range results {
		c := make(chan int, 1)
		limit := 2 * time.Millisecond
		if i%2 == 0 {
			c <- i
			limit = time.Hour
		}
		wg.Go(func() { results[i] = wait(c, limit) })
	}
	wg.Wait()
	late := 0
	for i, r := range results {
		switch {
		case r == "late":
			late++
		case r != fmt.Sprint("value ", i):
			fmt.Println(i, "has", r)
		}
	}
	fmt.Println(late)

	counts := make([]int, 50)
	for i := range counts {
		wg.Go(func() { counts[i] = ticks(3) })
	}
	wg.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	fmt.Println(sum)

	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Millisecond)
	defer cancel()
	ended := make(chan error)
	for range 200 {
		go func() {
			select {
			case <-ctx.Done():
				ended <- ctx.Err()
			case <-time.After(time.Hour):
				ended <- nil
			}
		}()
	}
	errs := map[error]int{}
	for range 200 {
		errs[<-ended]++
	}
	fmt.Println(errs[context.DeadlineExceeded], len(errs))

	fired := make(chan int)
	stopped := 0
	for i := range 20 {
		timer := time.AfterFunc(time.Duration(1+i%2*3_600_000)*time.Millisecond, func() { fired <- i })
		if i%2 == 1 && timer.Stop() {
			stopped++
		}
	}
	sum = 0
	for range 10 {
		sum += <-fired
	}
	fmt.Println(stopped, sum)

	at := time.Now()
	time.Sleep(2 * time.Millisecond)
	fmt.Println(time.Since(at) >= 2*time.Millisecond, wait(nil, time.Millisecond))
}
