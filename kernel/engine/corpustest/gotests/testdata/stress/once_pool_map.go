// Once, OnceValue, Pool, Map and atomic values under many goroutines.
package main

import (
	"bytes"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
)

type config struct {
	name string
	n    int
}

func main() {
	const many = 2000
	var wg sync.WaitGroup
	var once sync.Once
	made := 0
	for range many {
		wg.Go(func() { once.Do(func() { made++ }) })
	}
	wg.Wait()
	fmt.Println(made)

	calls := 0
	value := sync.OnceValue(func() int { calls++; return calls * 42 })
	var sum atomic.Int64
	for range many {
		wg.Go(func() { sum.Add(int64(value())) })
	}
	wg.Wait()
	fmt.Println(calls, sum.Load())

	var again sync.Once
	for range 3 {
		func() {
			defer func() { recover() }()
			again.Do(func() { panic("once") })
			fmt.Println("done before")
		}()
	}

	pool := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	texts := make([]string, many)
	for i := range many {
		wg.Go(func() {
			b := pool.Get().(*bytes.Buffer)
			defer pool.Put(b)
			b.Reset()
			fmt.Fprintf(b, "%04d", i)
			texts[i] = b.String()
		})
	}
	wg.Wait()
	fmt.Println(sort.StringsAreSorted(texts), texts[0], texts[many-1])

	var m sync.Map
	var stored, loaded atomic.Int32
	for i := range many {
		wg.Go(func() {
			if v, ok := m.LoadOrStore(i%100, i%100*2); ok {
				loaded.Add(1)
				if v.(int) != i%100*2 {
					fmt.Println("key", i%100, "has", v)
				}
				return
			}
			stored.Add(1)
		})
	}
	wg.Wait()
	total := 0
	m.Range(func(k, v any) bool {
		total += k.(int) + v.(int)
		return k.(int) >= 0
	})
	_, there := m.LoadAndDelete(7)
	_, still := m.Load(7)
	fmt.Println(stored.Load(), loaded.Load(), total, there, still)

	var current atomic.Value
	current.Store(config{"first", 0})
	var pointer atomic.Pointer[config]
	pointer.Store(&config{"p", 0})
	var swaps atomic.Uint64
	for range many {
		wg.Go(func() {
			for {
				old := pointer.Load()
				if pointer.CompareAndSwap(old, &config{old.name, old.n + 1}) {
					swaps.Add(1)
					return
				}
			}
		})
	}
	wg.Wait()
	current.Store(*pointer.Load())
	fmt.Println(current.Load().(config), swaps.Load())

	var plain int32
	var flag atomic.Bool
	winners := 0
	for range many {
		wg.Go(func() {
			atomic.AddInt32(&plain, 2)
			if flag.CompareAndSwap(false, true) {
				winners++
			}
		})
	}
	wg.Wait()
	fmt.Println(atomic.LoadInt32(&plain), winners, flag.Load())
}
