package main

import "fmt"

func one() string {
	slots := [3]int{}
	m := map[string]bool{}
	ok := true
	for i := range 3 {
		p := &slots[i]
		*p = i + 1
		m["ok"] = ok
	}
	return fmt.Sprint(slots, m)
}

func two() string {
	slots := [3]int{}
	at := func() int { return 1 }
	slots[at()] = 7
	return fmt.Sprint(slots)
}

func three() (string, int) {
	c := make(chan int, 4)
	c <- 1
	return fmt.Sprint("x", 3), len(c)
}

func four() {
	results := map[string]int{}
	s := fmt.Sprint("a")
	results[s]++
	fmt.Println(results)
}

func main() {
	fmt.Println(one())
	fmt.Println(two())
	fmt.Println(three())
	four()
	a, b := three()
	fmt.Println(a, b)
}
