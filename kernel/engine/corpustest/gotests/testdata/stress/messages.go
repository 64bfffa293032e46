// An actor receives messages of many types through one channel and answers on channels inside them.
package main

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
)

type (
	deposit  struct{ who, amount int }
	withdraw struct {
		who, amount int
		reply       chan error
	}
	query struct {
		filter func(who, balance int) bool
		reply  chan []int
	}
	named  interface{ name() string }
	closed struct{ reply chan string }
)

func (closed) name() string     { return "closed" }
func (d *deposit) name() string { return fmt.Sprint("deposit of ", d.who) }

type shortError struct{ missing int }

func (e *shortError) Error() string { return fmt.Sprint("short of ", e.missing) }

func actor(in <-chan any) {
	balance := map[int]int{}
	names := 0
	for m := range in {
		if n, ok := m.(named); ok && n.name() != "" {
			names++
		}
		switch m := m.(type) {
		case *deposit:
			balance[m.who] += m.amount
		case withdraw:
			if left := balance[m.who] - m.amount; left < 0 {
				m.reply <- fmt.Errorf("account %d: %w", m.who, &shortError{-left})
				continue
			}
			balance[m.who] -= m.amount
			m.reply <- nil
		case query:
			var found []int
			for who, b := range balance {
				if m.filter(who, b) {
					found = append(found, who)
				}
			}
			sort.Ints(found)
			m.reply <- found
		case closed:
			sum := 0
			for _, b := range balance {
				sum += b
			}
			m.reply <- strings.Join([]string{"sum", fmt.Sprint(sum), fmt.Sprint(names)}, " ")
			return
		case int, string, nil:
			names--
			names++
		default:
			fmt.Printf("unknown: %v\n", m)
		}
	}
}

func main() {
	in := make(chan any)
	go actor(in)
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() { in <- &deposit{i % 50, i} })
		if i%100 == 0 {
			wg.Go(func() { in <- i; in <- "text"; in <- nil })
		}
	}
	wg.Wait()
	var mu sync.Mutex
	short, missing := 0, 0
	for who := range 50 {
		wg.Go(func() {
			reply := make(chan error)
			in <- withdraw{who, 9700 + who, reply}
			var e *shortError
			if err := <-reply; errors.As(err, &e) {
				mu.Lock()
				defer mu.Unlock()
				short++
				missing += e.missing
			}
		})
	}
	wg.Wait()
	fmt.Println(short, missing)
	limit := 900
	lists := make(chan []int)
	for range 3 {
		go func() { in <- query{func(who, b int) bool { return b > limit && who%7 == 0 }, lists} }()
	}
	for range 3 {
		fmt.Println(<-lists)
	}
	end := make(chan string)
	in <- closed{end}
	fmt.Println(<-end)
}
