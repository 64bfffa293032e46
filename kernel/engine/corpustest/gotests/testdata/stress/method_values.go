// Method values, method expressions and methods of interfaces run as goroutines. A method value keeps its receiver's copy.
package main

import (
	"fmt"
	"sync"
)

type point struct{ x, y int }

func (p point) sum(into chan<- int) { into <- p.x + p.y }

func (p *point) move(wg *sync.WaitGroup, mu *sync.Mutex) {
	defer wg.Done()
	mu.Lock()
	defer mu.Unlock()
	p.x++
	p.y--
}

type shape interface {
	area() int
}

type square struct{ side int }
type rect struct{ point }

func (s square) area() int { return s.side * s.side }
func (r *rect) area() int  { return r.x * r.y }

type label string

func (l label) with(n int) string { return fmt.Sprint(string(l), n) }

type handlers map[string]func(int) int

func (h handlers) call(name string, n int) int { return h[name](n) }

func main() {
	sums := make(chan int)
	p := point{1, 2}
	for i := range 2000 {
		p.x = i
		go p.sum(sums) // with the x of now
	}
	total := 0
	for range 2000 {
		total += <-sums
	}
	fmt.Println(total)

	p = point{}
	f := p.sum
	p.x = 100
	go f(sums)
	fmt.Println(<-sums)
	go point.sum(p, sums)
	fmt.Println(<-sums)

	var wg sync.WaitGroup
	var mu sync.Mutex
	move := p.move
	for range 1000 {
		wg.Add(2)
		go move(&wg, &mu)
		go (*point).move(&p, &wg, &mu)
	}
	wg.Wait()
	fmt.Println(p)

	shapes := []shape{square{3}, &rect{point{4, 5}}, square{2}}
	areas := make([]int, len(shapes)*100)
	for i := range areas {
		area := shapes[i%len(shapes)].area
		wg.Go(func() { areas[i] = area() })
	}
	wg.Wait()
	total = 0
	for _, a := range areas {
		total += a
	}
	fmt.Println(total, areas[:3])

	with := label("n").with
	texts := make([]string, 3)
	for i := range texts {
		wg.Go(func() { texts[i] = with(i) })
	}
	wg.Wait()
	h := handlers{"add": func(n int) int { return n + total }, "double": func(n int) int { return n * 2 }}
	fmt.Println(texts, h.call("add", 1), h.call("double", 21), handlers.call(h, "double", 4))
}
