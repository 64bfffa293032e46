package plots

import "math"

// A law is a model of how long some work takes with n workers: n·time(n) = a + b(n−1) + c·n(n−1). Divided by
// a that is the Universal Scalability Law, with contention σ = b/a and coherence κ = c/a; Amdahl's law is the
// case c = 0, with the serial part σ.
type law struct {
	a, b, c float64
	off     float64 // root of the mean square of the fit's relative errors, the first point's, which has none, left out

	parameters, points int // how many there were to choose, and how many to meet beside the one it begins with
}

func (l law) time(n float64) float64 { return (l.a + l.b*(n-1) + l.c*n*(n-1)) / n }
func (l law) contention() float64    { return l.b / l.a }
func (l law) coherence() float64     { return l.c / l.a }

// best is the number of workers with which the work is done soonest; infinite when more always help.
func (l law) best() float64 {
	if l.c == 0 {
		return math.Inf(1)
	}
	return math.Sqrt(max(0, l.a-l.b) / l.c)
}

// worst is the number of workers at which the relative error is largest, and that error.
func (l law) worst(n, time []float64) (at, miss float64) {
	for i := range n {
		if m := math.Abs(l.time(n[i])/time[i] - 1); m > miss {
			at, miss = n[i], m
		}
	}
	return at, miss
}

// fitLaw finds the law that goes through the first point, since speedups count from there, and has the least
// squares of relative errors at the others, among those with 0 ≤ σ ≤ 1 and 0 ≤ κ ≤ 1; with κ = 0 unless
// coherence is asked for. The problem is linear and convex, so the best law lies either inside these bounds
// or is the best on one or two of them: each is solved exactly, and the best that keeps the others wins.
func fitLaw(n, time []float64, coherence bool) law {
	rows := make([][3]float64, len(n)) // of the coefficients; all should give 1
	for i := range n {
		w := n[i] * time[i]
		rows[i] = [3]float64{1 / w, (n[i] - 1) / w, n[i] * (n[i] - 1) / w}
	}
	// Each candidate defines a, b and c in terms of the free parameters.
	candidates := [][][3]float64{
		{{1, 0, 0}, {0, 1, 0}}, // κ = 0
		{{1, 0, 0}},            // κ = 0, σ = 0
		{{1, 1, 0}},            // κ = 0, σ = 1
	}
	if coherence {
		candidates = append(candidates,
			[][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
			[][3]float64{{1, 0, 0}, {0, 0, 1}}, // σ = 0
			[][3]float64{{1, 1, 0}, {0, 0, 1}}, // σ = 1
			[][3]float64{{1, 0, 1}, {0, 1, 0}}, // κ = 1
			[][3]float64{{1, 0, 1}},            // κ = 1, σ = 0
			[][3]float64{{1, 1, 1}},            // κ = 1, σ = 1
		)
	}
	best := law{off: math.Inf(1)}
	for _, basis := range candidates {
		x, ok := leastSquares(rows[1:], rows[0], basis)
		if most := x[0] * (1 + 1e-12); !ok || !(x[0] > 0) || x[1] < 0 || x[1] > most || x[2] < 0 || x[2] > most {
			continue
		}
		l := law{a: x[0], b: min(x[0], x[1]), c: min(x[0], x[2]), parameters: 1, points: len(n) - 1}
		if coherence {
			l.parameters = 2
		}
		for i := range n[1:] {
			r := l.time(n[1+i])/time[1+i] - 1
			l.off += r * r
		}
		l.off = math.Sqrt(l.off / float64(l.points))
		if l.off < best.off*(1-1e-9) { // of equals the one with fewer parts
			best = l
		}
	}
	return best
}

// leastSquares solves rows·x ≈ 1 for the x that the basis spans and that has exact·x = 1, by the normal
// equations. The first of the basis is what x has to have for that; the others are what is free.
func leastSquares(rows [][3]float64, exact [3]float64, basis [][3]float64) (x [3]float64, ok bool) {
	dot := func(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
	begin := basis[0]
	for d := range x {
		x[d] = begin[d] / dot(exact, begin)
	}
	free := make([][3]float64, len(basis)-1)
	for j, b := range basis[1:] {
		for d := range b {
			free[j][d] = b[d] - dot(exact, b)*x[d]
		}
	}
	k := len(free)
	m := make([][4]float64, k) // the equations; the last used column is the right side
	scale := make([]float64, k)
	cols := make([][]float64, k)
	for j, b := range free {
		cols[j] = make([]float64, len(rows))
		for i, r := range rows {
			cols[j][i] = dot(r, b)
			scale[j] += cols[j][i] * cols[j][i]
		}
		if scale[j] = math.Sqrt(scale[j]); scale[j] == 0 {
			return x, false
		}
		for i := range cols[j] {
			cols[j][i] /= scale[j]
		}
	}
	for j := range k {
		for l := range k {
			for i := range rows {
				m[j][l] += cols[j][i] * cols[l][i]
			}
		}
		for i, r := range rows {
			m[j][k] += cols[j][i] * (1 - dot(r, x))
		}
	}
	for j := range k { // positive definite, so no pivoting
		if m[j][j] < 1e-13 {
			return x, false
		}
		for l := range k {
			if l == j {
				continue
			}
			f := m[l][j] / m[j][j]
			for c := j; c <= k; c++ {
				m[l][c] -= f * m[j][c]
			}
		}
	}
	for j, b := range free {
		v := m[j][k] / m[j][j] / scale[j]
		for d := range x {
			x[d] += v * b[d]
		}
	}
	return x, true
}
