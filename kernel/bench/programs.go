package main

// programs are typical Go code of cells; each runs for some milliseconds.
var programs = []struct{ code, call, want string }{
	{`func fibo(n int) int {
	if n < 2 {
		return n
	}
	return fibo(n-1) + fibo(n-2)
}`, "fibo(27)", "196418"},
	{`func total(n int) (s int) {
	for i := range n {
		s += i * i % 7
	}
	return s
}`, "total(2_000_000)", "3999997"},
	{`func primes(n int) (c int) {
	gone := make([]bool, n+1)
	for i := 2; i <= n; i++ {
		if !gone[i] {
			c++
			for j := i * i; j <= n; j += i {
				gone[j] = true
			}
		}
	}
	return c
}`, "primes(1_000_000)", "78498"},
	{`func sorted(n int) int {
	xs := make([]int, n)
	for i := range xs {
		xs[i] = i * 7919 % n
	}
	slices.Sort(xs)
	return xs[n/2]
}`, "sorted(50_000)", "25000"},
	{`type person struct {
	name string
	age  int
}
func byAge(n int) int {
	ps := make([]person, n)
	for i := range ps {
		ps[i] = person{"p", i * 31 % n}
	}
	sort.Slice(ps, func(i, j int) bool { return ps[i].age < ps[j].age })
	return ps[n-1].age
}`, "byAge(20_000)", "19999"},
	{`func words(n int) int {
	m := map[string]int{}
	for i := range n {
		m[strconv.Itoa(i%1000)]++
	}
	return m["7"]
}`, "words(100_000)", "100"},
	{`func intMap(n int) (s int) {
	m := map[int]int{}
	for i := range n {
		m[i*7%4096] += i
	}
	for _, v := range m {
		s ^= v
	}
	return s & 0
}`, "intMap(200_000)", "0"},
	{`func matrix(n int) int {
	a, b, c := make([]int, n*n), make([]int, n*n), make([]int, n*n)
	for i := range a {
		a[i], b[i] = i%7, i%5
	}
	for i := range n {
		for j := range n {
			s := 0
			for k := range n {
				s += a[i*n+k] * b[k*n+j]
			}
			c[i*n+j] = s
		}
	}
	return c[n+1]
}`, "matrix(120)", "358"},
	{`func build(n int) int {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,", i%10)
	}
	return b.Len()
}`, "build(50_000)", "100000"},
	{`type shape interface{ area() int }
type square struct{ a int }
type oblong struct{ a, b int }
func (s square) area() int { return s.a * s.a }
func (o oblong) area() int { return o.a * o.b }
func areas(n int) (s int) {
	shapes := []shape{square{2}, oblong{2, 3}, square{1}}
	for i := range n {
		s += shapes[i%3].area()
	}
	return s
}`, "areas(3_000_000)", "11000000"},
	{`func kinds(n int) (s int) {
	vs := []any{1, "a", 2.5, []int{1}, nil}
	for i := range n {
		switch v := vs[i%5].(type) {
		case int:
			s += v
		case string:
			s += len(v)
		case []int:
			s += v[0]
		case nil:
			s++
		}
	}
	return s
}`, "kinds(3_000_000)", "2400000"},
	{`func pipe(n int) (s int) {
	c := make(chan int, 64)
	go func() {
		defer close(c)
		for i := range n {
			c <- i & 1
		}
	}()
	for v := range c {
		s += v
	}
	return s
}`, "pipe(100_000)", "50000"},
	{`func locked(n int) int {
	var mu sync.Mutex
	c := 0
	for range n {
		mu.Lock()
		c++
		mu.Unlock()
	}
	return c
}`, "locked(1_000_000)", "1000000"},
	{`func counted(n int) int {
	var c atomic.Int64
	for range n {
		c.Add(1)
	}
	return int(c.Load())
}`, "counted(2_000_000)", "2000000"},
	{`type tree struct{ l, r *tree }
func grown(d int) *tree {
	if d == 0 {
		return &tree{}
	}
	return &tree{grown(d - 1), grown(d - 1)}
}
func (t *tree) count() int {
	if t.l == nil {
		return 1
	}
	return 1 + t.l.count() + t.r.count()
}`, "grown(14).count()", "32767"},
	{`func runes(n int) (c int) {
	s := strings.Repeat("häß x", n)
	for _, r := range s {
		if unicode.IsLetter(r) {
			c++
		}
	}
	return c
}`, "runes(100_000)", "400000"},
	{`func hashed(n int) int {
	h := fnv.New64a()
	b := make([]byte, 64)
	for range n {
		h.Write(b)
	}
	return int(h.Sum64() & 0)
}`, "hashed(30_000)", "0"},
	{`func generic[T cmp.Ordered](xs []T) (m T) {
	for _, x := range xs {
		m = max(m, x)
	}
	return m
}
func maxima(n int) int {
	xs := make([]int, 1000)
	for i := range xs {
		xs[i] = i
	}
	s := 0
	for range n {
		s += generic(xs)
	}
	return s
}`, "maxima(3000)", "2997000"},
	{`func closures(n int) (s int) {
	add := func(i int) func(int) int { return func(j int) int { return i + j } }
	fs := []func(int) int{add(1), add(2), add(3)}
	for i := range n {
		s += fs[i%3](i) & 1
	}
	return s
}`, "closures(3_000_000)", "1500000"},
	{`func deferred(n int) (c int) {
	one := func() {
		defer func() { c++ }()
		if c < 0 {
			panic("no")
		}
	}
	for range n {
		one()
	}
	return c
}`, "deferred(1_000_000)", "1000000"},
}
