package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"interleave/kernel/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func codes(t *testing.T, s *history.Store) (all []string) {
	t.Helper()
	list, err := s.Others()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		all = append(all, fmt.Sprintf("%d/%d %s", e.Session, e.N, e.Code))
	}
	return all
}

func TestSessions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "history.jsonl")
	a := history.Open(file)
	a.Add(1, "x := 1")
	a.Add(2, "two\nlines \"quoted\"")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b := history.Open(file)
	defer b.Close()
	if n := b.Session(); n != 2 {
		t.Errorf("session %d", n)
	}
	if got := strings.Join(codes(t, b), "|"); got != "1/1 x := 1|1/2 two\nlines \"quoted\"" {
		t.Errorf("%q", got)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
}

// Kernels that run at the same time have numbers of their own and lose nothing.
func TestConcurrent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.jsonl")
	const kernels, cells = 8, 100
	var all sync.WaitGroup
	for k := range kernels {
		all.Go(func() {
			s := history.Open(file)
			for n := range cells {
				s.Add(n+1, fmt.Sprintf("kernel %d cell %d %s", k, n+1, strings.Repeat("x", n*10)))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := history.Open(file)
	defer s.Close()
	list, err := s.Others()
	if err != nil || len(list) != kernels*cells || s.Session() != kernels+1 {
		t.Fatalf("%d cells, session %d, %v", len(list), s.Session(), err)
	}
	next := map[int]int{}
	for _, e := range list {
		if e.N != next[e.Session]+1 {
			t.Fatalf("cell %d of session %d comes after %d", e.N, e.Session, next[e.Session])
		}
		next[e.Session] = e.N
	}
}

// A file that is too large loses its older half, also for a kernel that has it open; lines that were cut are passed over.
func TestBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.jsonl")
	old := history.Open(file)
	old.Add(1, "first")
	if n := old.Session(); n != 1 {
		t.Fatal(n)
	}
	line := `{"s":1,"n":2,"c":"` + strings.Repeat("y", 1<<20) + "\"}\n"
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 9 {
		f.WriteString(line)
	}
	f.WriteString("{\"s\":1,\"n\":3,\"c\":\"cut")
	f.Close()
	s := history.Open(file)
	if n := s.Session(); n != 2 {
		t.Errorf("session %d", n)
	}
	if fi, err := os.Stat(file); err != nil || fi.Size() > 5<<20 {
		t.Errorf("%d bytes, %v", fi.Size(), err)
	}
	old.Add(4, "after")
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	got := codes(t, s)
	if len(got) < 3 || got[len(got)-1] != "1/4 after" {
		t.Errorf("%d cells", len(got))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Where nothing can be written, the kernel runs without a history.
func TestNoFile(t *testing.T) {
	s := history.Open(filepath.Join(os.DevNull, "history.jsonl"))
	s.Add(1, "x")
	if list, err := s.Others(); err == nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
	if err := s.Close(); err == nil {
		t.Error("no error")
	}
}
