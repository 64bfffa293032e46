package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"interleave/runtime/quantity"
)

// A TestServer is a web server on the loopback interface that takes its time and sometimes fails, so that
// experiments with HTTP need no network. Every path is a page. The query may ask for more: delay=200ms for
// another time, status=404 for another answer.
type TestServer struct {
	latency   Dist
	errorRate float64
	server    *http.Server
	url       string
	served    sync.WaitGroup // the accepting goroutine, and requests under way

	draw sync.Mutex // guards r, and is held while latency runs
	r    *rand.Rand

	mu     sync.Mutex
	closed bool // no further requests are accepted
	stats  TestServerStats
}

// TestServerStats is what a test server has seen so far.
type TestServerStats struct {
	Requests int
	Failed   int // how many it answered with 500 because of its error rate
	Now      int // under way
	Peak     int // the most that were ever under way
}

// NewTestServer starts a server that answers after times drawn from latency (nil: at once), and with status
// 500 in the given part of all cases. The draws repeat from run to run. Close it when done.
func NewTestServer(latency Dist, errorRate float64) (*TestServer, error) {
	if !(errorRate >= 0 && errorRate <= 1) {
		return nil, misuse("lab.NewTestServer", "error rate %v: need a value between 0 and 1", errorRate)
	}
	if latency == nil {
		latency = Constant(0)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("lab.NewTestServer: %w", err)
	}
	s := &TestServer{latency: latency, errorRate: errorRate, url: "http://" + l.Addr().String(), r: rand.New(rand.NewPCG(1, 2))}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve)}
	started()
	s.served.Go(func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			reportPanic(&PanicError{Value: err, Spawn: "lab.NewTestServer"}) // the listener died; requests will fail, too
		}
	})
	return s, nil
}

// URL returns the address of a page, such as URL("a?delay=1s").
func (s *TestServer) URL(page string) string { return s.url + "/" + strings.TrimPrefix(page, "/") }

// URLs returns the addresses of n different pages.
func (s *TestServer) URLs(n int) []string {
	if n < 0 {
		panic(misuse("lab.TestServer.URLs", "%d: need zero or more", n))
	}
	urls := make([]string, n)
	for i := range urls {
		urls[i] = s.URL(fmt.Sprint("page", i))
	}
	return urls
}

// Close stops the server, ends what is under way, and waits for that. Closing again does nothing.
func (s *TestServer) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.server.Close()
	s.served.Wait()
	return err
}

// Stats returns what the server has seen so far.
func (s *TestServer) Stats() TestServerStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

func (s *TestServer) serve(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.served.Add(1)
	defer s.served.Done()
	s.stats.Requests++
	s.stats.Now++
	s.stats.Peak = max(s.stats.Peak, s.stats.Now)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stats.Now--
	}()
	wait, fails, err := s.drawn()
	if err != nil {
		http.Error(w, fmt.Sprintf("the function for the latency: %v", err), http.StatusInternalServerError)
		return
	}
	if fails {
		s.mu.Lock()
		s.stats.Failed++
		s.mu.Unlock()
	}
	status := http.StatusOK
	if fails {
		status = http.StatusInternalServerError
	}
	q := req.URL.Query()
	if d := q.Get("delay"); d != "" {
		v, err := time.ParseDuration(d)
		if err != nil || v < 0 {
			http.Error(w, fmt.Sprintf("delay %q is not a duration such as 200ms", d), http.StatusBadRequest)
			return
		}
		wait = v
	}
	if c := q.Get("status"); c != "" {
		v, err := strconv.Atoi(c)
		if err != nil || v < 200 || v > 599 {
			http.Error(w, fmt.Sprintf("status %q is not a number from 200 to 599", c), http.StatusBadRequest)
			return
		}
		status = v
	}
	if err := sleep(req.Context(), wait); err != nil {
		return // the client has left, or the server is closing
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if status == http.StatusOK {
		fmt.Fprintf(w, "page %s\n", req.URL.Path)
	} else {
		fmt.Fprintf(w, "%d %s\n", status, http.StatusText(status))
	}
}

// drawn is what chance has in store for a request. err is a panic of the user's function.
func (s *TestServer) drawn() (wait time.Duration, fails bool, err error) {
	s.draw.Lock()
	defer s.draw.Unlock()
	p, _ := caught(nil, func() error { wait, fails = s.latency(s.r), s.r.Float64() < s.errorRate; return nil })
	if p != nil {
		err = p
	}
	return wait, fails, err
}

// Warm makes one request, so that the first one of an experiment does not pay for what happens only once.
func (s *TestServer) Warm(ctx context.Context) error {
	if err := checkContext("lab.TestServer.Warm", ctx); err != nil {
		return err
	}
	return Fetch(ctx, s.URL("?delay=0s&status=200"), FetchOptions{}).Err
}

// String shows the server's address and its statistics.
func (s *TestServer) String() string {
	st := s.Stats()
	return fmt.Sprintf("%s: %s, %s failed, %s under way (at most %s)", s.url, quantity.Plural(st.Requests, "request"), quantity.Count(st.Failed), quantity.Count(st.Now), quantity.Count(st.Peak))
}
