package timeline

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A SystemCore is a core as the operating system sees it: what all processes of the machine did on it. Its
// number has nothing to do with that of a [Core], which Go's scheduler may move from one to another.
type SystemCore struct {
	ID      int
	Samples []SystemSample // one after the other; the first begins when recording does, the last ends after it
}

// A SystemSample is how a core spent a period of time. The system counts in ticks of [SystemTick], so the
// data of a period of a few ticks are imprecise.
type SystemSample struct {
	Start, End time.Duration
	Busy       time.Duration // working for any process, or for the system itself
	Stolen     time.Duration // when a virtual machine's host gave the core to others
}

// SystemTick is what the operating system counts a core's time in.
const SystemTick = 10 * time.Millisecond

// Share is the part of the time in which the core was busy, and by how much it may be wrong, both from 0 to
// 1. It is worth something when wrong is small, after a second or so.
func (c *SystemCore) Share() (busy, wrong float64) {
	var sum, all time.Duration
	for _, s := range c.Samples {
		sum += s.Busy
		all += s.End - s.Start
	}
	if all <= 0 {
		return 0, 1
	}
	return min(1, float64(sum)/float64(all)), min(1, float64(SystemTick)/float64(all))
}

const (
	samplePace = 100 * time.Millisecond // ten ticks
	maxSamples = 512                    // of each core; when there are more, two become one
)

// statFile is where Linux reports how its cores spent their time. Elsewhere there is no such file, and
// experiments have no SystemCores.
const statFile = "/proc/stat"

// A sampler repeatedly reads what the system's cores did between begin and end. It does so from a timer,
// whose goroutine lives for one reading only: code that counts goroutines in an experiment should not find
// it.
type sampler struct {
	start time.Time
	wg    sync.WaitGroup // of the tick that is due or under way

	mu    sync.Mutex // guards what follows
	over  bool
	timer *time.Timer
	last  map[int]coreTicks
	at    time.Duration // of last
	cores map[int]*SystemCore
	pace  time.Duration
}

// coreTicks is what a core has counted since the machine started.
type coreTicks struct{ busy, stolen int64 }

// beginSampling takes the first reading. It returns nil when the system has no such data.
func beginSampling() *sampler {
	now := readTicks()
	if len(now) == 0 {
		return nil
	}
	s := &sampler{start: time.Now(), last: now, cores: map[int]*SystemCore{}, pace: samplePace}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wg.Add(1)
	s.timer = time.AfterFunc(s.pace, s.tick)
	return s
}

func (s *sampler) tick() {
	defer s.wg.Done()
	now, at := readTicks(), time.Since(s.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	pace := s.sample(now, at)
	s.wg.Add(1)
	s.timer.Reset(pace)
}

// sample adds a reading that was taken at a time, and returns when the next is due. The caller holds mu.
func (s *sampler) sample(now map[int]coreTicks, at time.Duration) time.Duration {
	if at <= s.at {
		return s.pace
	}
	most := 0
	for id, n := range now {
		was, ok := s.last[id]
		if !ok {
			continue // a core that was switched on meanwhile; from now on it counts
		}
		c := s.cores[id]
		if c == nil {
			c = &SystemCore{ID: id}
			s.cores[id] = c
		}
		c.Samples = append(c.Samples, SystemSample{
			Start: s.at, End: at, // never more than there was: a tick may be counted late
			Busy: min(at-s.at, time.Duration(max(0, n.busy-was.busy))*SystemTick), Stolen: time.Duration(max(0, n.stolen-was.stolen)) * SystemTick,
		})
		most = max(most, len(c.Samples))
	}
	s.last, s.at = now, at
	if most >= maxSamples {
		s.pace *= 2
		for _, c := range s.cores {
			c.halve()
		}
	}
	return s.pace
}

// halve makes one sample of every two.
func (c *SystemCore) halve() {
	var out []SystemSample
	for pair := range slices.Chunk(c.Samples, 2) {
		s := pair[0]
		for _, n := range pair[1:] {
			s.End = n.End
			s.Busy += n.Busy
			s.Stolen += n.Stolen
		}
		out = append(out, s)
	}
	c.Samples = out
}

// end takes the last reading, after which nothing of the sampler runs. It may be called again, and on nil.
func (s *sampler) end() []SystemCore {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	if !s.over {
		s.over = true
		if s.timer.Stop() {
			s.wg.Done()
		}
		s.sample(readTicks(), time.Since(s.start))
	}
	s.mu.Unlock()
	s.wg.Wait()
	var all []SystemCore
	for _, c := range s.cores {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b SystemCore) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func readTicks() map[int]coreTicks {
	b, err := os.ReadFile(statFile)
	if err != nil {
		return nil
	}
	return parseTicks(b)
}

// parseTicks reads lines such as "cpu1 333080 17919 123961 284329 1240 0 965 868 0 0": time as a user, as one
// with low priority, in the system, idle, idle with files under way, in interrupts of two kinds, stolen; then
// two that the first ones include.
func parseTicks(stat []byte) map[int]coreTicks {
	all := map[int]coreTicks{}
	for line := range bytes.Lines(stat) {
		f := bytes.Fields(line)
		if len(f) < 5 || !bytes.HasPrefix(f[0], []byte("cpu")) {
			continue
		}
		id, err := strconv.Atoi(string(f[0][len("cpu"):]))
		if err != nil {
			continue // the line of all together
		}
		var t coreTicks
		for i, v := range f[1:] {
			n, err := strconv.ParseInt(string(v), 10, 64)
			if err != nil {
				break
			}
			switch i {
			case 0, 1, 2, 5, 6:
				t.busy += n
			case 7:
				t.stolen = n
			}
		}
		all[id] = t
	}
	return all
}
