// Readers and writers share maps of structs, slices and functions behind read-write locks.
package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

type entry struct {
	hits  int
	tags  []string
	extra map[string]int
}

type cache struct {
	sync.RWMutex
	entries map[string]entry
	compute map[string]func(int) int
}

func (c *cache) get(name string) (e entry, ok bool) {
	c.RLock()
	defer c.RUnlock()
	e, ok = c.entries[name]
	return
}

func (c *cache) update(name string, change func(*entry)) {
	c.Lock()
	defer c.Unlock()
	e := c.entries[name]
	e.extra = maps.Clone(e.extra)
	if e.extra == nil {
		e.extra = map[string]int{}
	}
	change(&e)
	c.entries[name] = e
}

func main() {
	c := &cache{entries: map[string]entry{}, compute: map[string]func(int) int{}}
	for i := range 10 {
		c.compute[fmt.Sprint("n", i)] = func(x int) int { return x*10 + i }
	}
	var wg sync.WaitGroup
	for i := range 1000 {
		name := fmt.Sprint("n", i%10)
		wg.Go(func() {
			c.update(name, func(e *entry) {
				e.hits++
				e.extra[fmt.Sprint(i%7)] += c.compute[name](i)
				if len(e.tags) < 3 {
					e.tags = append(slices.Clip(e.tags), name)
				}
			})
		})
		wg.Go(func() {
			e, ok := c.get(name)
			if ok && (e.hits == 0 || len(e.tags) == 0) {
				fmt.Println("half an entry:", e)
			}
			_ = e.extra["none"] // no one writes to the map of a stored entry
		})
	}
	wg.Wait()
	for _, name := range slices.Sorted(maps.Keys(c.entries)) {
		e := c.entries[name]
		total := 0
		for _, n := range e.extra {
			total += n
		}
		fmt.Println(name, e.hits, e.tags, len(e.extra), total)
	}
	_, ok := c.get("none")
	fmt.Println(ok, len(c.entries))
}
