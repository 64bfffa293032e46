package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"time"
)

type Shape interface{ Area() float64 }
type sq struct{ side float64 }

func (s sq) Area() float64 { return s.side * s.side }

type node struct {
	val  int
	next *node
}

func (n *node) String() string {
	if n == nil {
		return "."
	}
	return fmt.Sprint(n.val, " ", n.next)
}

type byLen []string

func (b byLen) Len() int           { return len(b) }
func (b byLen) Less(i, j int) bool { return len(b[i]) < len(b[j]) }
func (b byLen) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

type myErr struct{ code int }

func (e *myErr) Error() string { return fmt.Sprintf("code %d", e.code) }

type Color int

const (
	Red Color = iota
	Green
)

func (c Color) String() string { return [...]string{"red", "green"}[c] }

type Stack[T any] struct{ items []T }

func (s *Stack[T]) Push(x T) { s.items = append(s.items, x) }
func (s *Stack[T]) Pop() (T, bool) {
	var zero T
	if len(s.items) == 0 {
		return zero, false
	}
	x := s.items[len(s.items)-1]
	s.items = s.items[:len(s.items)-1]
	return x, true
}

type base struct{ id int }

func (b *base) ID() int { return b.id }

type derived struct {
	base
	Name string `json:"name"`
}

func fail() error { return fmt.Errorf("wrapped: %w", &myErr{7}) }

func main() {
	var s Shape = sq{3}
	fmt.Println(s.Area(), s)
	fmt.Printf("%T %v %+v %#v\n", s, s, s, s)
	l := &node{1, &node{2, nil}}
	fmt.Println(l)
	b := byLen{"ccc", "a", "bb"}
	sort.Sort(b)
	fmt.Println(b)
	var me *myErr
	err := fail()
	fmt.Println(err, errors.As(err, &me), me.code)
	fmt.Println(Red, Green, []Color{Green, Red})
	fmt.Printf("%d %v %T\n", Green, Green, Green)
	st := &Stack[string]{}
	st.Push("x")
	st.Push("y")
	fmt.Println(st.Pop())
	fmt.Printf("%T\n", st)
	d := derived{base{5}, "n"}
	fmt.Println(d.ID(), d)
	j, _ := json.Marshal(d)
	fmt.Println(string(j))
	var e2 derived
	json.Unmarshal([]byte(`{"name":"zz"}`), &e2)
	fmt.Println(e2.Name)
	m := map[Shape]int{sq{1}: 1, sq{2}: 2}
	fmt.Println(m[sq{2}], m)
	switch x := s.(type) {
	case fmt.Stringer:
		fmt.Println("stringer")
	case sq:
		fmt.Println("sq", x.side)
	}
	f := l.String
	g := (*node).String
	fmt.Println(f(), g(l.next))
	fmt.Println(time.Duration(1500)*time.Millisecond, time.Second > 2)
	_, ok := s.(interface{ Foo() })
	fmt.Println(ok)
	defer func() {
		fmt.Println(recover())
		var p *node
		defer func() { fmt.Println(recover()); os.Exit(3) }()
		fmt.Println(p.val)
	}()
	_ = s.(interface{ Foo() })
}
