package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

func newServer(t testing.TB, latency lab.Dist, errorRate float64) *lab.TestServer {
	t.Helper()
	s, err := lab.NewTestServer(latency, errorRate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestFetchAll(t *testing.T) {
	t.Parallel()
	s := newServer(t, lab.Uniform(0, 5*time.Millisecond), 0)
	urls := append(s.URLs(30), s.URL("gone?status=404"), s.URL("slow?delay=1h"), "http://127.0.0.1:1/nobody", ":bad", s.URL("busy?status=503"))
	begin := time.Now()
	rs := lab.FetchAll(t.Context(), urls, lab.FetchOptions{Timeout: 300 * time.Millisecond, Retry: lab.Backoff{Attempts: 2, First: time.Millisecond}})
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	for i, r := range rs {
		if r.URL != urls[i] {
			t.Errorf("response %d is of %s", i, r.URL)
		}
		if i < 30 && (r.Err != nil || r.Status != 200 || string(r.Body) != fmt.Sprintf("page /page%d\n", i) || r.Tries != 1 || r.Took <= 0) {
			t.Errorf("response %d is %+v", i, r)
		}
	}
	var status *lab.StatusError
	if r := rs[30]; !errors.As(r.Err, &status) || status.Status != 404 || r.Tries != 1 || !strings.HasSuffix(r.Err.Error(), "404 Not Found") || string(r.Body) != "404 Not Found\n" {
		t.Errorf("a missing page gave %+v", r)
	}
	if r := rs[31]; !errors.Is(r.Err, context.DeadlineExceeded) || r.Tries != 2 || !strings.Contains(r.Err.Error(), "timeout: no answer within 300 ms") {
		t.Errorf("a slow page gave %v after %d tries", r.Err, r.Tries)
	}
	if r := rs[32]; r.Err == nil || r.Status != 0 || r.Tries != 2 || !strings.HasPrefix(r.Err.Error(), "after 2 attempts: ") {
		t.Errorf("a dead server gave %v after %d tries", r.Err, r.Tries)
	}
	if r := rs[33]; r.Err == nil || r.Tries != 1 {
		t.Errorf("a bad address gave %v after %d tries", r.Err, r.Tries)
	}
	if r := rs[34]; !errors.As(r.Err, &status) || status.Status != 503 || r.Tries != 2 {
		t.Errorf("a busy server gave %v after %d tries", r.Err, r.Tries)
	}
}

func TestFetchLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		opt  lab.FetchOptions
		peak int
	}{
		{lab.FetchOptions{PerHost: 3}, 3},
		{lab.FetchOptions{Concurrency: 2, PerHost: 8}, 2},
		{lab.FetchOptions{}, 6},
	} {
		s := newServer(t, lab.Constant(3*time.Millisecond), 0)
		for _, r := range lab.FetchAll(t.Context(), s.URLs(24), c.opt) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		}
		if st := s.Stats(); st.Peak > c.peak || st.Requests != 24 {
			t.Errorf("%+v: %+v", c.opt, st)
		}
	}
}

func TestFetchRetriesUntilItWorks(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, 0.3)
	rs := lab.FetchAll(t.Context(), s.URLs(40), lab.FetchOptions{Retry: lab.Backoff{Attempts: 20, First: time.Microsecond}})
	tries := 0
	for _, r := range rs {
		if tries += r.Tries; r.Err != nil {
			t.Error(r.Err)
		}
	}
	if st := s.Stats(); st.Failed == 0 || st.Requests != tries || tries != 40+st.Failed {
		t.Errorf("%d tries, server %+v", tries, st)
	}
}

func TestFetchCanceled(t *testing.T) {
	t.Parallel()
	s := newServer(t, lab.Constant(time.Hour), 0)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
	for _, r := range lab.FetchAll(ctx, s.URLs(10), lab.FetchOptions{PerHost: 2}) {
		if r.Err == nil || !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("%s: %v", r.URL, r.Err)
		}
	}
}

func TestFetchBody(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, 0)
	if r := lab.Fetch(t.Context(), s.URL("abc"), lab.FetchOptions{MaxBytes: 4}); r.Err == nil || string(r.Body) != "page" || !strings.Contains(r.Err.Error(), "longer than 4 B") {
		t.Errorf("a long body gave %q, %v", r.Body, r.Err)
	}
	var seen atomic.Int32
	client := &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		seen.Add(1)
		return nil, errors.New("no wire")
	})}
	if r := lab.Fetch(t.Context(), s.URL("x"), lab.FetchOptions{Client: client, Limiter: lab.NewLimiter(1e6, 1), Retry: lab.Backoff{Attempts: 3, First: 1}}); seen.Load() != 3 || r.Tries != 3 || !strings.Contains(r.Err.Error(), "no wire") {
		t.Errorf("the client was asked %d times: %v", seen.Load(), r.Err)
	}
	for query, want := range map[string]int{"?delay=x": 400, "?status=1": 400, "?status=204": 204, "": 200} {
		if r := lab.Fetch(t.Context(), s.URL("x"+query), lab.FetchOptions{}); r.Status != want {
			t.Errorf("%q gave %d, want %d", query, r.Status, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFetchMisuse(t *testing.T) {
	t.Parallel()
	wantMisuse(t, func() { lab.FetchAll(nil, nil, lab.FetchOptions{}) }, "lab.FetchAll: nil context: pass ctx, or context.Background()")
	wantMisuse(t, func() { lab.FetchAll(t.Context(), nil, lab.FetchOptions{Concurrency: -1}) }, "lab.FetchAll: concurrency -1: need zero (for the default) or more")
	wantMisuse(t, func() { lab.Fetch(t.Context(), "x", lab.FetchOptions{PerHost: -1}) }, "lab.Fetch: -1 per host: need zero (for the default) or more")
	_, err := lab.NewTestServer(nil, 2)
	wantUsage(t, err, "lab.NewTestServer: error rate 2: need a value between 0 and 1")
	wantMisuse(t, func() { lab.Uniform(2, 1) }, "lab.Uniform: most 1 ns is less than least 2 ns")
	wantMisuse(t, func() { lab.LogNormal(1, -1) }, "lab.LogNormal: sigma -1: need zero or more")
	wantMisuse(t, func() { lab.Sometimes(2, nil, nil) }, "lab.Sometimes: part 2: need a value between 0 and 1")
	wantMisuse(t, func() { lab.Sometimes(0, nil, nil) }, "lab.Sometimes: nil distribution")
	wantMisuse(t, func() { lab.Constant(-1) }, "lab.Constant: duration -1 ns: need zero or more")
}

// Distributions have the middle that their names promise, and never go below zero.
func TestDistributions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		const n = 4000
		draw := func(d lab.Dist) (mean, median float64) {
			v := make([]float64, n)
			for i := range v {
				if v[i] = d(r).Seconds(); v[i] < 0 {
					t.Fatalf("drew %v", v[i])
				}
				mean += v[i] / n
			}
			slices.Sort(v)
			return mean, v[n/2]
		}
		near := func(what string, got, want float64) {
			if math.Abs(got-want) > 0.15*want {
				t.Errorf("the %s is %v, want about %v", what, got, want)
			}
		}
		mean, _ := draw(lab.Uniform(time.Second, 3*time.Second))
		near("mean of Uniform", mean, 2)
		mean, median := draw(lab.Exponential(2 * time.Second))
		near("mean of Exponential", mean, 2)
		near("median of Exponential", median, 2*math.Ln2)
		_, median = draw(lab.LogNormal(2*time.Second, 0.8))
		near("median of LogNormal", median, 2)
		mean, median = draw(lab.Sometimes(0.2, lab.Constant(10*time.Second), lab.Constant(time.Second)))
		near("mean of Sometimes", mean, 2.8)
		near("median of Sometimes", median, 1)
	})
}

func ExampleFetchAll() {
	server, err := lab.NewTestServer(lab.Constant(100*ms), 0)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	begin := time.Now()
	for _, r := range lab.FetchAll(ctx, server.URLs(3), lab.FetchOptions{}) {
		fmt.Printf("%d %s", r.Status, r.Body)
	}
	fmt.Println(time.Since(begin) < 250*ms) // all at once
	// Output:
	// 200 page /page0
	// 200 page /page1
	// 200 page /page2
	// true
}

func ExampleFetch() {
	server, err := lab.NewTestServer(nil, 0)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	r := lab.Fetch(ctx, server.URL("missing?status=404"), lab.FetchOptions{})
	var s *lab.StatusError
	fmt.Println(errors.As(r.Err, &s), r.Status, r.Tries)
	// Output: true 404 1
}

func ExampleNewTestServer() {
	// One answer in a hundred takes a second, one in ten fails.
	slow := lab.Sometimes(0.01, lab.Constant(time.Second), lab.LogNormal(ms, 0.5))
	server, err := lab.NewTestServer(slow, 0.1)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	fmt.Println(server.Warm(ctx) == nil, server.Stats().Now)
	// Output: true 0
}

func ExampleConstant() {
	fmt.Println(lab.Constant(ms)(rand.New(rand.NewPCG(1, 2))))
	// Output: 1ms
}

func ExampleUniform() {
	d := lab.Uniform(ms, 3*ms)(rand.New(rand.NewPCG(1, 2)))
	fmt.Println(d >= ms && d <= 3*ms)
	// Output: true
}

func ExampleExponential() {
	d := lab.Exponential(ms)(rand.New(rand.NewPCG(1, 2)))
	fmt.Println(d >= 0)
	// Output: true
}

func ExampleLogNormal() {
	d := lab.LogNormal(ms, 0)(rand.New(rand.NewPCG(1, 2))) // without spread
	fmt.Println(d)
	// Output: 1ms
}

func ExampleSometimes() {
	always := lab.Sometimes(1, lab.Constant(time.Second), lab.Constant(ms))
	fmt.Println(always(rand.New(rand.NewPCG(1, 2))))
	// Output: 1s
}
