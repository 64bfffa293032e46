package main

import "fmt"

type vec struct{ x, y float64 }

func (v vec) neg() vec { return vec{-v.x, -v.y} }
func (v vec) show()    { fmt.Println(1/v.x, 1/v.y) }

func handle() { fmt.Println("handled", recover()) }

type T struct{ name string }

func (t *T) guard(n int) { fmt.Println(t.name, n, recover()) }

func helper() any { return recover() }

func run(cleanup func()) {
	defer cleanup()
	panic("in run")
}

func main() {
	run(handle)
	run(func() { fmt.Println("literal", recover()) })
	f := func() any { return recover() }
	fmt.Println(f(), helper())
	t := &T{"t"}
	g := t.guard
	func() {
		defer g(5)
		panic("method value")
	}()
	func() {
		defer func() { fmt.Println("outer", recover()) }()
		defer func() { fmt.Println("not direct", f()) }()
		panic("kept")
	}()
	defer fmt.Println("end")
	zero := 0.0
	n := vec{zero, 1}.neg()
	n.show()
	s := n.show
	s()
	done := make(chan bool)
	go func(x float64, v vec) {
		fmt.Println(1/x, 1/v.x)
		close(done)
	}(-zero, n)
	<-done
	defer func(x float64) { fmt.Println(1 / x) }(n.x)
	h := func(x float64) float64 { return x }
	fmt.Println(1/h(n.x), 1/h(-zero))
}
