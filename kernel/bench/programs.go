package main

// programs are typical Go code of cells; each runs for some milliseconds.
var programs = []struct{ code, call, want string }{
	{"func fibo(n int) int {\n\tif n < 2 {\n\t\treturn n\n\t}\n\treturn fibo(n-1) + fibo(n-2)\n}", "fibo(27)", "196418"},
	{"func total(n int) (s int) {\n\tfor i := range n {\n\t\ts += i * i % 7\n\t}\n\treturn s\n}", "total(2_000_000)", "3999997"},
	{"func primes(n int) (c int) {\n\tgone := make([]bool, n+1)\n\tfor i := 2; i <= n; i++ {\n\t\tif !gone[i] {\n\t\t\tc++\n\t\t\tfor j := i * i; j <= n; j += i {\n\t\t\t\tgone[j] = true\n\t\t\t}\n\t\t}\n\t}\n\treturn c\n}", "primes(1_000_000)", "78498"},
	{"func sorted(n int) int {\n\txs := make([]int, n)\n\tfor i := range xs {\n\t\txs[i] = i * 7919 % n\n\t}\n\tslices.Sort(xs)\n\treturn xs[n/2]\n}", "sorted(50_000)", "25000"},
	{"type person struct {\n\tname string\n\tage  int\n}\nfunc byAge(n int) int {\n\tps := make([]person, n)\n\tfor i := range ps {\n\t\tps[i] = person{\"p\", i * 31 % n}\n\t}\n\tsort.Slice(ps, func(i, j int) bool { return ps[i].age < ps[j].age })\n\treturn ps[n-1].age\n}", "byAge(20_000)", "19999"},
	{"func words(n int) int {\n\tm := map[string]int{}\n\tfor i := range n {\n\t\tm[strconv.Itoa(i%1000)]++\n\t}\n\treturn m[\"7\"]\n}", "words(100_000)", "100"},
	{"func intMap(n int) (s int) {\n\tm := map[int]int{}\n\tfor i := range n {\n\t\tm[i*7%4096] += i\n\t}\n\tfor _, v := range m {\n\t\ts ^= v\n\t}\n\treturn s & 0\n}", "intMap(200_000)", "0"},
	{"func matrix(n int) int {\n\ta, b, c := make([]int, n*n), make([]int, n*n), make([]int, n*n)\n\tfor i := range a {\n\t\ta[i], b[i] = i%7, i%5\n\t}\n\tfor i := range n {\n\t\tfor j := range n {\n\t\t\ts := 0\n\t\t\tfor k := range n {\n\t\t\t\ts += a[i*n+k] * b[k*n+j]\n\t\t\t}\n\t\t\tc[i*n+j] = s\n\t\t}\n\t}\n\treturn c[n+1]\n}", "matrix(120)", "358"},
	{"func build(n int) int {\n\tvar b strings.Builder\n\tfor i := range n {\n\t\tfmt.Fprintf(&b, \"%d,\", i%10)\n\t}\n\treturn b.Len()\n}", "build(50_000)", "100000"},
	{"type shape interface{ area() int }\ntype square struct{ a int }\ntype oblong struct{ a, b int }\nfunc (s square) area() int { return s.a * s.a }\nfunc (o oblong) area() int { return o.a * o.b }\nfunc areas(n int) (s int) {\n\tshapes := []shape{square{2}, oblong{2, 3}, square{1}}\n\tfor i := range n {\n\t\ts += shapes[i%3].area()\n\t}\n\treturn s\n}", "areas(3_000_000)", "11000000"},
	{"func kinds(n int) (s int) {\n\tvs := []any{1, \"a\", 2.5, []int{1}, nil}\n\tfor i := range n {\n\t\tswitch v := vs[i%5].(type) {\n\t\tcase int:\n\t\t\ts += v\n\t\tcase string:\n\t\t\ts += len(v)\n\t\tcase []int:\n\t\t\ts += v[0]\n\t\tcase nil:\n\t\t\ts++\n\t\t}\n\t}\n\treturn s\n}", "kinds(3_000_000)", "2400000"},
	{"func pipe(n int) (s int) {\n\tc := make(chan int, 64)\n\tgo func() {\n\t\tdefer close(c)\n\t\tfor i := range n {\n\t\t\tc <- i & 1\n\t\t}\n\t}()\n\tfor v := range c {\n\t\ts += v\n\t}\n\treturn s\n}", "pipe(100_000)", "50000"},
	{"func locked(n int) int {\n\tvar mu sync.Mutex\n\tc := 0\n\tfor range n {\n\t\tmu.Lock()\n\t\tc++\n\t\tmu.Unlock()\n\t}\n\treturn c\n}", "locked(1_000_000)", "1000000"},
	{"func counted(n int) int {\n\tvar c atomic.Int64\n\tfor range n {\n\t\tc.Add(1)\n\t}\n\treturn int(c.Load())\n}", "counted(2_000_000)", "2000000"},
	{"type tree struct{ l, r *tree }\nfunc grown(d int) *tree {\n\tif d == 0 {\n\t\treturn &tree{}\n\t}\n\treturn &tree{grown(d - 1), grown(d - 1)}\n}\nfunc (t *tree) count() int {\n\tif t.l == nil {\n\t\treturn 1\n\t}\n\treturn 1 + t.l.count() + t.r.count()\n}", "grown(14).count()", "32767"},
	{"func runes(n int) (c int) {\n\ts := strings.Repeat(\"häß x\", n)\n\tfor _, r := range s {\n\t\tif unicode.IsLetter(r) {\n\t\t\tc++\n\t\t}\n\t}\n\treturn c\n}", "runes(100_000)", "400000"},
	{"func hashed(n int) int {\n\th := fnv.New64a()\n\tb := make([]byte, 64)\n\tfor range n {\n\t\th.Write(b)\n\t}\n\treturn int(h.Sum64() & 0)\n}", "hashed(30_000)", "0"},
	{"func generic[T cmp.Ordered](xs []T) (m T) {\n\tfor _, x := range xs {\n\t\tm = max(m, x)\n\t}\n\treturn m\n}\nfunc maxima(n int) int {\n\txs := make([]int, 1000)\n\tfor i := range xs {\n\t\txs[i] = i\n\t}\n\ts := 0\n\tfor range n {\n\t\ts += generic(xs)\n\t}\n\treturn s\n}", "maxima(3000)", "2997000"},
	{"func closures(n int) (s int) {\n\tadd := func(i int) func(int) int { return func(j int) int { return i + j } }\n\tfs := []func(int) int{add(1), add(2), add(3)}\n\tfor i := range n {\n\t\ts += fs[i%3](i) & 1\n\t}\n\treturn s\n}", "closures(3_000_000)", "1500000"},
	{"func deferred(n int) (c int) {\n\tone := func() {\n\t\tdefer func() { c++ }()\n\t\tif c < 0 {\n\t\t\tpanic(\"no\")\n\t\t}\n\t}\n\tfor range n {\n\t\tone()\n\t}\n\treturn c\n}", "deferred(1_000_000)", "1000000"},
}
