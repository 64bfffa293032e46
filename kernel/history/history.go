// Package history keeps the cells that kernels have run in a file, for those who look for a cell of last week. It
// knows the file and that several kernels write to it. It must not know Jupyter, nor what a cell is.
package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

const (
	// mostBytes bounds the file: beyond it the older half is dropped.
	mostBytes = 8 << 20
	// mostEntries is how many cells are read, the latest ones.
	mostEntries = 10_000
	// waiting is how many cells may wait to be written; a file system that hangs costs cells, and not the kernel.
	waiting = 256
	// patience is how long Close waits for them.
	patience = time.Second
)

// An Entry is a cell that was run.
type Entry struct {
	Session int       `json:"s"` // the number of the kernel's run
	N       int       `json:"n,omitempty"`
	Time    time.Time `json:"t"`
	Code    string    `json:"c,omitempty"` // empty where a session begins
}

// A Store is the file, and the session of this process in it. Its methods may be called from several goroutines. It
// owns one goroutine until Close, which alone waits for the disk when cells are added.
type Store struct {
	path string
	add  chan Entry
	done chan struct{}

	mu      sync.Mutex // of what follows
	file    *os.File   // nil before the first use
	session int
	err     error // why nothing is written
}

// Open returns the store in a file, which is made with its folder when it is first written or read.
func Open(path string) *Store {
	s := &Store{path: path, add: make(chan Entry, waiting), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for e := range s.add {
			s.write(e)
		}
	}()
	return s
}

// Add keeps a cell. It does not wait.
func (s *Store) Add(n int, code string) {
	select {
	case s.add <- Entry{N: n, Time: time.Now().UTC().Truncate(time.Second), Code: code}:
	default: // the disk does not keep up
	}
}

// Close writes what was added, for a second at most. Nothing may be added afterwards.
func (s *Store) Close() error {
	close(s.add)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
		return fmt.Errorf("keep the history: %s does not answer", s.path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return errors.Join(s.err, s.file.Close())
	}
	return s.err
}

func (s *Store) write(e Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	if s.err = s.begin(); s.err != nil {
		return
	}
	if s.err = s.renew(); s.err == nil {
		e.Session = s.session
		s.err = s.append(e)
	}
}

// append writes one line with one call, so that lines of several kernels do not mix. s.mu is held.
func (s *Store) append(e Entry) error {
	b, err := json.Marshal(e)
	if err == nil {
		_, err = s.file.Write(append(b, '\n'))
	}
	return err
}

// renew opens the file again if another kernel has replaced it. s.mu is held.
func (s *Store) renew() error {
	have, err := s.file.Stat()
	if err != nil {
		return err
	}
	now, err := os.Stat(s.path)
	if err == nil && os.SameFile(have, now) {
		return nil
	}
	s.file.Close()
	s.file, err = s.open()
	return err
}

func (s *Store) open() (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
}

// begin opens the file and takes a number for this session, the first time. s.mu is held.
func (s *Store) begin() (err error) {
	if s.file != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	lock := flock.New(s.path+".lock", flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Close()
	file, err := s.open()
	if err != nil {
		return err
	}
	if fi, err := file.Stat(); err == nil && fi.Size() > mostBytes {
		if err := s.halve(file); err != nil {
			file.Close()
			return err
		}
		file.Close()
		if file, err = s.open(); err != nil {
			return err
		}
	}
	s.file = file
	latest, err := lastSession(file)
	if err != nil {
		return err
	}
	s.session = latest + 1
	return s.append(Entry{Session: s.session, Time: time.Now().UTC().Truncate(time.Second)})
}

// halve replaces the file by its younger half.
func (s *Store) halve(file *os.File) error {
	b, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<40))
	if err != nil {
		return err
	}
	b = b[len(b)-min(len(b), mostBytes/2):]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[i+1:]
	}
	next := s.path + ".next"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return os.Rename(next, s.path)
}

// lastSession returns the number of the last session in the file, and ends a line that was cut.
func lastSession(file *os.File) (n int, err error) {
	fi, err := file.Stat()
	if err != nil || fi.Size() == 0 {
		return 0, err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, fi.Size()-1); err != nil {
		return 0, err
	}
	if last[0] != '\n' {
		if _, err := file.WriteString("\n"); err != nil {
			return 0, err
		}
	}
	err = lines(io.NewSectionReader(file, 0, fi.Size()), func(e Entry) { n = max(n, e.Session) })
	return n, err
}

// lines calls f for each entry. A line that was cut is passed over.
func lines(r io.Reader, f func(Entry)) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		var e Entry
		if json.Unmarshal(line, &e) == nil && e.Session > 0 {
			f(e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Session returns the number of this session.
func (s *Store) Session() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = s.begin()
	}
	return s.session
}

// Others returns the cells of other sessions, the oldest first: earlier ones, and those that run at the same time.
func (s *Store) Others() (list []Entry, err error) {
	own := s.Session()
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	err = lines(file, func(e Entry) {
		if e.Session != own && e.Code != "" {
			list = append(list, e)
		}
	})
	return list[max(0, len(list)-mostEntries):], err
}
