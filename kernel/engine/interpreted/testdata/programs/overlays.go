package main

import (
	"fmt"
	"maps"
	"slices"
)

func main() {
	fmt.Println(slices.Max([]int{1, 3, 2}))
	m := map[string]int{"b": 2, "a": 1}
	fmt.Println(slices.Sorted(maps.Keys(m)))
	x := []float64{3, 1, 2}
	slices.Sort(x)
	fmt.Println(x, slices.Contains(x, 2))
	slices.SortFunc(x, func(a, b float64) int { return int(b - a) })
	fmt.Println(x)
	for i, v := range slices.Backward(x) {
		fmt.Print(i, v, " ")
	}
}
