package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/runtime/lab"
)

func TestMapSeqOfBrokenSequence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end func()
		ok  func(error) bool
	}{
		"panic": {func() { panic("no more") }, func(err error) bool {
			p := (*lab.PanicError)(nil)
			return errors.As(err, &p) && p.Value == "no more" && strings.Contains(p.Where, "mapseqpool_test.go:")
		}},
		"Goexit": {runtime.Goexit, func(err error) bool { return err == lab.ErrGoexit }},
	} {
		xs := func(yield func(int) bool) {
			_ = yield(2) && yield(3)
			c.end()
		}
		for way, opts := range map[string][]lab.MapOption{"auto": nil, "10": {lab.Chunk(10)}, "unordered": {lab.Unordered(), lab.Chunk(1)}} {
			got, err := yielded(t, lab.MapSeq(t.Context(), nil, xs, squareOf, opts...))
			slices.Sort(got)
			if !slices.Equal(got, []int{4, 9}) || !c.ok(err) {
				t.Errorf("%s, %s: %v, %v", name, way, got, err)
			}
		}
	}
}

// A job of the pool may loop, and a loop may use the pool: the jobs that wait give their places away.
func TestMapSeqWithinItsPool(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pool := lab.NewPool(1)
	defer pool.Close()
	sum := func(ctx context.Context, n int) (total int, err error) {
		for x, err := range lab.MapSeq(ctx, pool, upTo(n), squareOf, lab.Chunk(2)) {
			if err != nil {
				return 0, err
			}
			total += x
		}
		return total, nil
	}
	if got, err := lab.SubmitWith(ctx, pool, sum, 10).Await(ctx); got != 285 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := yielded(t, lab.MapSeq(ctx, pool, upTo(4), sum)); !slices.Equal(got, []int{0, 0, 1, 5}) || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	_, err := lab.Submit(ctx, pool, func(ctx context.Context) (int, error) {
		for x, err := range lab.MapSeq(ctx, pool, upTo(5), squareOf) {
			if err != nil {
				return 0, err
			}
			if y, err := lab.SubmitWith(ctx, pool, squareOf, x).Await(ctx); y != x*x || err != nil {
				return 0, fmt.Errorf("%v, %w", y, err)
			}
		}
		return 0, nil
	}).Await(ctx)
	if err != nil {
		t.Error(err)
	}
}

func TestMapSeqMisuse(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var noContext context.Context
	var noFunc func(context.Context, int) (int, error)
	for want, f := range map[string]func(){
		"lab.MapSeq: nil context: pass ctx, or context.Background()":     func() { lab.MapSeq(noContext, nil, from(0), id) },
		"lab.MapSeq: nil function":                                       func() { lab.MapSeq(ctx, nil, from(0), noFunc) },
		"lab.MapSeq: nil sequence":                                       func() { lab.MapSeq(ctx, nil, nil, id) },
		"lab.MapSeq: nil option":                                         func() { lab.MapSeq(ctx, nil, from(0), id, nil) },
		"lab.MapSeq: the pool was never made: lab.NewPool makes one":     func() { lab.MapSeq(ctx, new(lab.Pool), from(0), id) },
		"lab.MapSeq: the pool was never made: lab.NewProcPool makes one": func() { lab.MapSeq(ctx, (*lab.ProcPool)(nil), from(0), id) },
		"lab.MapSeq: Static divides the items beforehand, and a sequence does not know how many it has: leave Static out": func() {
			lab.MapSeq(ctx, nil, from(0), id, lab.Static())
		},
	} {
		wantMisuse(t, f, want)
	}
	_, err := lab.Map(ctx, nil, []int{1}, id, lab.Unordered())
	wantUsage(t, err, "lab.Map: Unordered is for lab.MapSeq, which yields results as they come: leave it out, or call MapSeq")
}

// The bar of a sequence counts, and shows no part of the whole.
func TestMapSeqProgress(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out := os.Stdout
	os.Stdout = w
	_, err = yielded(t, lab.MapSeq(t.Context(), nil, upTo(12), squareOf, lab.Progress("squares")))
	os.Stdout = out
	w.Close()
	b, _ := io.ReadAll(r)
	r.Close()
	if text := string(b); err != nil || !strings.HasPrefix(text, "squares: 12, ") || !strings.Contains(text, ", took ") || strings.Count(text, "\n") != 1 {
		t.Errorf("%q, %v", text, err)
	}
}
