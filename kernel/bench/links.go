package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"interleave/runtime/quantity"
)

// The two ways to load compiled cells, beside each other: linked into the kernel's memory, and as plugins.
// The kernels take turns, so that other load on the machine affects both.

const (
	linkCells   = 60   // cells of each sort
	linkStarts  = 7    // sessions for the first cell
	manyCells   = 1000 // in one session, to measure the memory of a cell
	manyPlugins = 100  // of plugins, which are too large for a thousand

	dependants    = 5 // functions that use a type which is redefined
	redefinitions = 9
)

func declaring(i int) string {
	return fmt.Sprintf("func add%d(a, b int) int { return a + b + %[1]d }\nadd%[1]d(1, 2)", i)
}

func richer(i int) string {
	return fmt.Sprintf(`type point%d struct{ x, y int }
func (p point%[1]d) String() string { return fmt.Sprintf("(%%d, %%d)", p.x, p.y) }
func sum%[1]d(n int) (s int) {
	results := make(chan point%[1]d)
	for i := range n {
		go func() { results <- point%[1]d{i, %[1]d} }()
	}
	for range n {
		s += (<-results).x
	}
	return s
}
fmt.Println(sum%[1]d(10), point%[1]d{1, 2})`, i)
}

// A pair is the same quantity of both ways.
type pair struct {
	what           string
	memory, plugin float64 // plugin is 0 when there is nothing to compare
	unit, aim      string
}

func (p pair) String() string {
	if p.plugin == 0 {
		return fmt.Sprintf("| %s | %s %s | – | | %s |", p.what, quantity.Number(p.memory), p.unit, p.aim)
	}
	return fmt.Sprintf("| %s | %s %s | %s %s | %.3f | %s |", p.what, quantity.Number(p.memory), p.unit,
		quantity.Number(p.plugin), p.unit, p.memory/p.plugin, p.aim)
}

func percentile(ds []time.Duration, p int) time.Duration {
	ds = slices.Sorted(slices.Values(ds))
	return ds[min(len(ds)-1, len(ds)*p/100)]
}

// links measures both ways.
func links(ways [2]kind, progress func(string)) (pairs []pair, err error) {
	add := func(what, unit, aim string, a, b float64) {
		p := pair{what: what, unit: unit, aim: aim, memory: a, plugin: b}
		pairs = append(pairs, p)
		progress(p.String())
	}
	var first, start, rss, both [2][]float64
	for i := range linkStarts {
		for w, k := range ways {
			r, b, err := begin(k)
			if err != nil {
				return nil, err
			}
			time.Sleep(time.Second / 2) // the time in which a fast user presses the keys
			f, err := r.run(declaring(i))
			if err == nil && f.engine != "compiled" {
				err = errors.New("the cell was not compiled")
			}
			child, err2 := r.session()
			if err = errors.Join(err, err2); err != nil {
				r.end()
				return nil, err
			}
			first[w] = append(first[w], ms(f.took))
			start[w] = append(start[w], ms(b.result)+ms(f.took))
			mine, his := resident(child), resident(r.cmd.Process.Pid)
			rss[w], both[w] = append(rss[w], mine), append(both[w], mine+his)
			r.end()
		}
	}
	mid := func(v [2][]float64) (float64, float64) {
		for _, l := range v {
			slices.Sort(l)
		}
		return v[0][len(v[0])/2], v[1][len(v[1])/2]
	}
	row := func(what, unit, aim string, v [2][]float64) {
		a, b := mid(v)
		add(what, unit, aim, a, b)
	}
	row("process start to the first compiled result", "ms", "≤ 1/5", start)
	row("first compiled cell of a session", "ms", "≤ 70 ms", first)
	row("resident memory of the session with it", "MB", "≤ 30 MB", rss)
	row("… of kernel and session", "MB", "≤ 50 MB", both)

	var running [2]*kernel
	for w, k := range ways {
		if running[w], _, err = begin(k); err != nil {
			return nil, err
		}
		defer running[w].end()
	}
	times := func(code func(int) string, n int, pause time.Duration) (took [2][]time.Duration, err error) {
		for i := range n {
			for w, k := range running {
				time.Sleep(pause)
				r, err := k.run(code(i))
				if err != nil {
					return took, err
				}
				took[w] = append(took[w], r.took)
			}
		}
		return took, nil
	}
	for _, sort := range []struct {
		what, aim string
		code      func(int) string
		pause     time.Duration
		from      int
	}{
		{"new cell with a function", "≤ 20 ms, 1/8", declaring, 150 * time.Millisecond, 1000},
		{"… one right behind the other", "", declaring, 0, 2000},
		{"new cell with type, method, goroutines, fmt", "≤ 30 ms", richer, 150 * time.Millisecond, 1000},
		{"the same cell again", "≤ 0.7 ms", func(int) string { return declaring(0) }, 0, 0},
	} {
		took, err := times(func(i int) string { return sort.code(sort.from + i) }, linkCells, sort.pause)
		if err != nil {
			return nil, err
		}
		add(sort.what+", median", "ms", sort.aim, ms(median(took[0])), ms(median(took[1])))
		if sort.from > 0 {
			aim := ""
			if sort.from == 1000 && sort.aim == "≤ 20 ms, 1/8" {
				aim = "≤ 45 ms"
			}
			add("… 95th percentile", "ms", aim, ms(percentile(took[0], 95)), ms(percentile(took[1], 95)))
		}
	}
	var redefine [2]float64
	for w, k := range running {
		d, err := k.redefine(golang, redefined)
		if err != nil {
			return nil, err
		}
		redefine[w] = ms(d)
	}
	add(fmt.Sprintf("function redefined under %d callers", redefined), "ms", "≤ 35 ms", redefine[0], redefine[1])

	var rebuild, objects [2]float64
	for w, k := range running {
		d, n, err := k.rebuild()
		if err != nil {
			return nil, err
		}
		rebuild[w], objects[w] = ms(d), n
	}
	add(fmt.Sprintf("type redefined, with the %d functions that use it", dependants), "ms", "", rebuild[0], rebuild[1])
	add("… packages compiled for it", "", "1", objects[0], 0)

	speed, worst, err := speeds(running)
	if err != nil {
		return nil, err
	}
	add(fmt.Sprintf("run time of %d programs, memory : plugin, median", len(programs)), "×", "", speed, 0)
	add("… worst", "×", "≤ 1.02 ×", worst, 0)

	var perCell, disk, growth, whole, restore [2]float64
	for w, n := range [2]int{manyCells, manyPlugins} {
		m, err := many(ways[w], n)
		if err != nil {
			return nil, err
		}
		perCell[w], disk[w], growth[w], whole[w], restore[w] = m.memory, m.disk, m.growth, m.whole, m.restore
	}
	add(fmt.Sprintf("resident memory a cell, over %d and %d cells", manyCells, manyPlugins), "kB", "≤ 80 kB",
		perCell[0], perCell[1])
	add("disk a cell", "kB", "≤ 60 kB", disk[0], disk[1])
	add("resident memory of the session then", "MB", "≤ 150 MB", whole[0], whole[1])
	add("the last ten cells : the tenth to the twentieth", "×", "≤ 1.2 ×", growth[0], growth[1])
	add("60 cells are back after the session was killed", "ms", "≤ 100 ms", restore[0], restore[1])
	return pairs, nil
}

// linksTable writes pairs as Markdown.
func linksTable(pairs []pair) string {
	var b strings.Builder
	b.WriteString("| what | in memory | plugins | ratio | aim |\n|---|---:|---:|---:|---|\n")
	for _, p := range pairs {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// A crowd holds the costs of many cells.
type crowd struct{ memory, disk, growth, whole, restore float64 }

// many runs n cells in one session.
func many(way kind, n int) (c crowd, err error) {
	with, err := crashed(way, 60)
	if err != nil {
		return c, err
	}
	without, err := crashed(way, 0)
	if err != nil {
		return c, err
	}
	c.restore = ms(with - without)

	k, _, err := begin(way)
	if err != nil {
		return c, err
	}
	defer k.end()
	var took []time.Duration
	run := func(i int) error {
		f, err := k.run(richer(i))
		took = append(took, f.took)
		return err
	}
	for i := range 10 {
		if err := run(i); err != nil {
			return c, err
		}
	}
	child, err := k.session()
	if err != nil {
		return c, err
	}
	settle := func() (memory, disk float64, err error) {
		if _, err := k.run("runtime.GC()"); err != nil {
			return 0, 0, err
		}
		time.Sleep(4 * time.Second) // the session gives back what it does not need
		return resident(child), workFolder(child), nil
	}
	m0, d0, err := settle()
	if err != nil {
		return c, err
	}
	for i := 10; i < n; i++ {
		if err := run(i); err != nil {
			return c, err
		}
	}
	m1, d1, err := settle()
	if err != nil {
		return c, err
	}
	cells := float64(n - 10)
	return crowd{
		memory: (m1 - m0) / cells * 1e3, disk: (d1 - d0) / cells * 1e3, whole: m1, restore: c.restore,
		growth: float64(median(took[n-10:])) / float64(median(took[10:20])),
	}, nil
}

// crashed returns how long a session that is killed after so many cells takes to end, to restore them, and to
// run a small cell; the best of five.
func crashed(way kind, cells int) (best time.Duration, err error) {
	k, _, err := begin(way)
	if err != nil {
		return 0, err
	}
	defer k.end()
	for i := range cells {
		if _, err := k.run(declaring(i)); err != nil {
			return 0, err
		}
	}
	best = time.Hour
	for range 5 {
		began := time.Now()
		k.run("syscall.Kill(os.Getpid(), syscall.SIGKILL); select {}") // which fails
		if _, err := k.run("x := 1"); err != nil {
			return 0, err
		}
		best = min(best, time.Since(began))
	}
	return best, nil
}

// rebuild is how long a cell takes that gives a type another field, so that the functions of other cells that
// use it are built again too, and how many packages are compiled for that: one, which holds the type and
// these functions and nothing else of the session.
func (k *kernel) rebuild() (took time.Duration, packages float64, err error) {
	child, err := k.session()
	if err != nil {
		return 0, 0, err
	}
	if _, err := k.run("type used struct{ a0 int }"); err != nil {
		return 0, 0, err
	}
	for i := range dependants {
		cell := fmt.Sprintf("func uses%d(u used) int { return u.a0 + %[1]d }\nuses%[1]d(used{1})", i)
		if _, err := k.run(cell); err != nil {
			return 0, 0, err
		}
	}
	var times []time.Duration
	before := compiled(child)
	for i := range redefinitions {
		f, err := k.run(fmt.Sprintf("type used struct{ a0, a%d int }", i+1))
		if err != nil {
			return 0, 0, err
		}
		times = append(times, f.took)
	}
	return median(times), float64(compiled(child)-before) / redefinitions, nil
}

// compiled is the number of packages in a session's folder.
func compiled(pid int) (n int) {
	walkWork(pid, func(name string, _ os.FileInfo) {
		if strings.HasSuffix(name, ".a") {
			n++
		}
	})
	return n
}

// session returns the process that runs the kernel's cells.
func (k *kernel) session() (pid int, err error) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", k.cmd.Process.Pid))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, s := range strings.Fields(string(b)) {
			if pid, err = strconv.Atoi(s); err == nil {
				return pid, nil
			}
		}
	}
	return 0, errors.New("the kernel has no session process")
}

// resident is a process's memory in MB.
func resident(pid int) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kb * 1024 / 1e6
		}
	}
	return 0
}

// workFolder is what a session keeps on disk, in MB.
func workFolder(pid int) (mb float64) {
	walkWork(pid, func(_ string, file os.FileInfo) { mb += float64((file.Size() + 4095) / 4096 * 4096) })
	return mb / 1e6
}

// walkWork visits the files of a session's folder.
func walkWork(pid int, visit func(name string, file os.FileInfo)) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	args := strings.Split(string(b), "\x00")
	for i, a := range args {
		if a == "-work" && i+1 < len(args) {
			filepath.WalkDir(args[i+1], func(name string, d os.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					if file, err := d.Info(); err == nil {
						visit(name, file)
					}
				}
				return nil
			})
		}
	}
}

// speeds compares how long programs take in cells of the two ways: the median of the ratios, and the worst.
func speeds(k [2]*kernel) (mid, worst float64, err error) {
	var ratios []float64
	for i, p := range programs {
		for w := range k {
			if _, err := k[w].run(p.code); err != nil {
				return 0, 0, err
			}
		}
		best := [2]time.Duration{time.Hour, time.Hour}
		for range 5 { // in turn
			for w := range k {
				d, err := k[w].timed(goTimed(p.call, p.want))
				if err != nil {
					return 0, 0, fmt.Errorf("program %d: %w", i, err)
				}
				best[w] = min(best[w], d)
			}
		}
		ratio := float64(best[0]) / float64(best[1])
		ratios = append(ratios, ratio)
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2], ratios[len(ratios)-1], nil
}
