package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"interleave/runtime/quantity"
)

// FetchOptions determine how to fetch. The zero value is a polite client.
type FetchOptions struct {
	Concurrency int           // requests at a time; 0 means 16
	PerHost     int           // requests at a time to one host; 0 means 6, as browsers do
	Timeout     time.Duration // for each try, body included; 0 means 10 s
	Retry       Backoff       // for network errors, timeouts, 429 and 5xx; Attempts: 1 for none
	MaxBytes    int64         // of a body; longer ones are an error. 0 means 10 MB
	Limiter     *Limiter      // waits before each try, when not nil
	Progress    string        // the label of a progress bar, when not empty
	Client      *http.Client  // nil means one for this call, without a jar, that leaves no connection open
}

// A Response is what came of one URL.
type Response struct {
	URL    string
	Status int // of the last try; 0 when there was no answer
	Header http.Header
	Body   []byte
	Err    error         // a [*StatusError] for a status of 400 and above
	Tries  int           // requests that were made
	Took   time.Duration // from its first request to its end, pauses between tries included, waits for a turn not
	Waited time.Duration // for its turn: for the bounds of FetchAll, and for the Limiter before each try
}

// String shows the response in one line.
func (r Response) String() string {
	if r.Err != nil {
		return fmt.Sprintf("%s: %v (%s, %s)", r.URL, r.Err, quantity.Plural(r.Tries, "request"), quantity.Duration(r.Took))
	}
	return fmt.Sprintf("%s: %d, %s in %s", r.URL, r.Status, quantity.Bytes(len(r.Body)), quantity.Duration(r.Took))
}

// A StatusError is an answer of a web server with an error status.
type StatusError struct {
	URL    string
	Status int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: %d %s", e.URL, e.Status, http.StatusText(e.Status))
}

// FetchAll gets all URLs, so many at a time as the options allow, and returns their responses in the same
// order. No failure stops the others; when ctx ends, what is not finished has its error.
func FetchAll(ctx context.Context, urls []string, opt FetchOptions) []Response {
	must(checkContext("lab.FetchAll", ctx), opt.check("lab.FetchAll"))
	opt, done := opt.withDefaults()
	defer done()
	var bar *Bar
	if opt.Progress != "" {
		bar = NewProgress(opt.Progress, len(urls))
		defer bar.Close()
	}
	all := NewSemaphore(int64(opt.Concurrency))
	hosts := hostLimits{each: int64(opt.PerHost), sems: map[string]*Semaphore{}}
	responses := make([]Response, len(urls))
	asked := time.Now()
	errs := eachAll(ctx, "lab.FetchAll", len(urls), func(ctx context.Context, i int) error {
		// The host's place first: a request that waits for a busy host must not hold up requests to other
		// hosts.
		r := &responses[i]
		err := hosts.of(urls[i]).Do(ctx, func(ctx context.Context) error {
			return all.Do(ctx, func(ctx context.Context) error {
				r.Waited = time.Since(asked)
				r.fetch(ctx, urls[i], opt)
				if bar != nil {
					bar.Add(1)
				}
				return nil
			})
		})
		if r.URL == "" { // its turn never came
			r.Waited = time.Since(asked)
		}
		return err
	})
	for i, err := range errs {
		if responses[i].URL = urls[i]; err != nil {
			responses[i].Err = err
		}
	}
	return responses
}

// Fetch gets one URL. Concurrency and PerHost do not matter.
func Fetch(ctx context.Context, url string, opt FetchOptions) Response {
	must(checkContext("lab.Fetch", ctx), opt.check("lab.Fetch"))
	opt, done := opt.withDefaults()
	defer done()
	var r Response
	r.fetch(ctx, url, opt)
	return r
}

func (o FetchOptions) check(call string) error {
	switch {
	case o.Concurrency < 0:
		return misuse(call, "concurrency %d: need zero (for the default) or more", o.Concurrency)
	case o.PerHost < 0:
		return misuse(call, "%d per host: need zero (for the default) or more", o.PerHost)
	case o.MaxBytes < 0:
		return misuse(call, "at most %d bytes: need zero (for the default) or more", o.MaxBytes)
	}
	return errors.Join(checkDuration(call, "timeout", o.Timeout), o.Retry.check(call))
}

// withDefaults fills in what is zero. done must be called when the options are not needed any more.
func (o FetchOptions) withDefaults() (filled FetchOptions, done func()) {
	if o.Concurrency == 0 {
		o.Concurrency = 16
	}
	if o.PerHost == 0 {
		o.PerHost = 6
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 10_000_000
	}
	if o.Client != nil {
		return o, func() {}
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, o.Concurrency
	o.Client = &http.Client{Transport: t}
	return o, t.CloseIdleConnections
}

// hostLimits is a semaphore for each host.
type hostLimits struct {
	each int64
	mu   sync.Mutex
	sems map[string]*Semaphore
}

func (h *hostLimits) of(address string) *Semaphore {
	host := ""
	if u, err := url.Parse(address); err == nil { // a bad one fails when it is fetched
		host = u.Host
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sems[host] == nil {
		h.sems[host] = NewSemaphore(h.each)
	}
	return h.sems[host]
}

func (r *Response) fetch(ctx context.Context, address string, opt FetchOptions) {
	r.URL = address
	var begin time.Time // of the first request, moved on by waits for later turns
	b := opt.Retry
	worth := b.If
	b.If = func(err error) bool { return passing(err) && (worth == nil || worth(err)) }
	r.Err = retry(ctx, b, func(ctx context.Context) error {
		if opt.Limiter != nil {
			asked := time.Now()
			err := opt.Limiter.Wait(ctx)
			waited := time.Since(asked)
			r.Waited += waited
			begin = begin.Add(waited)
			if err != nil {
				return Permanent(err)
			}
		}
		if r.Tries++; r.Tries == 1 {
			begin = time.Now()
		}
		return r.try(ctx, opt)
	})
	if r.Tries > 0 {
		r.Took = time.Since(begin)
	}
}

// passing reports whether an error may be gone the next time.
func passing(err error) bool {
	var s *StatusError
	if errors.As(err, &s) {
		return s.Status == http.StatusTooManyRequests || s.Status >= 500
	}
	return true
}

func (r *Response) try(ctx context.Context, opt FetchOptions) error {
	late := &TimeoutError{Limit: opt.Timeout}
	ctx, cancel := context.WithTimeoutCause(ctx, opt.Timeout, late)
	defer cancel()
	r.Status, r.Header, r.Body = 0, nil, nil
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return Permanent(err)
	}
	resp, err := opt.Client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		r.Status, r.Header = resp.StatusCode, resp.Header
		r.Body, err = io.ReadAll(io.LimitReader(resp.Body, opt.MaxBytes+1))
	}
	switch {
	case err != nil && context.Cause(ctx) == error(late):
		return fmt.Errorf("%s: %w", r.URL, late)
	case err != nil:
		return err
	case int64(len(r.Body)) > opt.MaxBytes:
		r.Body = r.Body[:opt.MaxBytes]
		return Permanent(fmt.Errorf("%s: the body is longer than %s", r.URL, quantity.Bytes(opt.MaxBytes)))
	case r.Status >= 400:
		return &StatusError{r.URL, r.Status}
	}
	return nil
}
