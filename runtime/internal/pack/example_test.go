package pack

import "fmt"

func ExamplePack() {
	type point struct{ x, y int }
	a := &point{1, 2}
	pair := []*point{a, a}
	b, err := Pack(nil, nil, &pair)
	var got []*point
	if err == nil {
		err = Unpack(b, nil, &got)
	}
	fmt.Println(*got[0], got[0] == got[1], got[0] == a, err)
	// Output: {1 2} true false <nil>
}

func ExamplePack_refused() {
	type job struct {
		name string
		done chan bool
	}
	jobs := []job{{name: "first"}, {name: "second", done: make(chan bool)}}
	_, err := Pack(nil, nil, &jobs)
	fmt.Println(err)
	// Output: field done of element [1] is a chan bool
}

func ExampleUnpack() {
	x := 42
	b, err := Pack(nil, nil, &x)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(Unpack(b[:3], nil, &x) != nil) // it never reads beyond what it is given
	// Output: true
}
