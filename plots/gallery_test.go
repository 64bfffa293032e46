package plots_test

//lint:file-ignore SA4017 it uses a core, which is what is wanted of it

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"interleave/plots"
	"interleave/runtime/timeline"
)

var gallery = flag.String("gallery", "", "a folder to draw real experiments into, for looking at")

// spin burns a core for about d, without looking at the clock too often.
func spin(d time.Duration) (x int) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for i := range 2000 {
			x += i * i
		}
	}
	return x
}

// A look is one of those in which the gallery has every figure.
type look struct {
	name  string
	theme plots.Theme
	width float64
}

var looks = []look{{"", plots.Light, 0}, {"-dark", plots.Dark, 0}, {"-360", plots.Light, 360}, {"-360-dark", plots.Dark, 360}}

func (l look) of(o plots.Options) plots.Options {
	o.Theme = l.theme
	if l.width > 0 {
		o.Width = l.width
	}
	return o
}

// experiments are those that a lesson would show.
var experiments = map[string]func(unit time.Duration){
	"sleeps-one-by-one": func(unit time.Duration) {
		for _, n := range []time.Duration{2, 1, 3} {
			time.Sleep(n * unit)
		}
	},
	"sleeps-gathered": func(unit time.Duration) {
		var wg sync.WaitGroup
		for i, n := range []time.Duration{2, 1, 3} {
			wg.Go(func() {
				timeline.Name("fetch " + string(rune('A'+i)))
				time.Sleep(n * unit)
			})
		}
		wg.Wait()
	},
	"pool": func(unit time.Duration) {
		jobs := make(chan int)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				timeline.Name(fmt.Sprintf("worker %d", w+1))
				for range jobs {
					spin(unit / 20)
				}
			})
		}
		for i := range 24 {
			jobs <- i
		}
		close(jobs)
		wg.Wait()
	},
	"mutex": func(unit time.Duration) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					mu.Lock()
					spin(unit / 100)
					mu.Unlock()
					spin(unit / 200)
				}
			})
		}
		wg.Wait()
	},
	"producer-consumer": func(unit time.Duration) {
		ch := make(chan int, 3)
		var wg sync.WaitGroup
		wg.Go(func() {
			timeline.Name("producer")
			for i := range 30 {
				ch <- i
			}
			close(ch)
		})
		wg.Go(func() {
			timeline.Name("consumer")
			for range ch {
				time.Sleep(unit / 50)
			}
		})
		wg.Wait()
	},
	"pingpong": func(unit time.Duration) {
		a, b := make(chan int), make(chan int)
		var wg sync.WaitGroup
		wg.Go(func() {
			timeline.Name("ping")
			for i := range 20000 {
				a <- i
				<-b
			}
		})
		wg.Go(func() {
			timeline.Name("pong")
			for range 20000 {
				b <- <-a
			}
		})
		wg.Wait()
	},
	"ten-thousand": func(unit time.Duration) {
		var wg sync.WaitGroup
		for i := range 10_000 {
			wg.Go(func() {
				time.Sleep(time.Duration(i%100) * unit / 1000)
				spin(5 * time.Microsecond)
			})
		}
		wg.Wait()
	},
	"garbage": func(unit time.Duration) {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				var keep [][]byte
				for range 3000 {
					keep = append(keep, make([]byte, 8<<10))
				}
				runtime.KeepAlive(keep)
			})
		}
		wg.Wait()
	},
	"coroutine": func(unit time.Duration) {
		next, stop := iter.Pull(func(yield func(int) bool) {
			for range 3 {
				spin(unit / 20)
				if !yield(1) {
					return
				}
				time.Sleep(unit / 20)
			}
		})
		defer stop()
		for range 3 {
			time.Sleep(unit / 30)
			next()
		}
	},
	"process": func(unit time.Duration) {
		go func() { select {} }()
		var wg sync.WaitGroup
		wg.Go(func() { exec.Command("sleep", "0.2").Run() })
		wg.Go(func() { exec.Command("sh", "-c", "sleep 0.1").CombinedOutput() })
		wg.Wait()
	},
	"single":  func(unit time.Duration) { spin(unit / 10) },
	"nothing": func(unit time.Duration) {},
	"select-and-network": func(unit time.Duration) {
		ctx, cancel := context.WithTimeout(context.Background(), unit/2)
		defer cancel()
		var wg sync.WaitGroup
		tick := time.NewTicker(unit / 10)
		defer tick.Stop()
		wg.Go(func() {
			timeline.Name("a ticker with quite a long name that must be cut")
			for {
				select {
				case <-tick.C:
					spin(unit / 100)
				case <-ctx.Done():
					return
				}
			}
		})
		r, w, _ := os.Pipe()
		wg.Go(func() {
			timeline.Name("reader")
			var b [1]byte
			for {
				if _, err := r.Read(b[:]); err != nil {
					return
				}
			}
		})
		wg.Go(func() {
			for range 4 {
				w.Write([]byte("x"))
				time.Sleep(unit / 12)
			}
			w.Close()
		})
		wg.Wait()
		r.Close()
	},
}

// TestGallery draws every experiment as it runs on this machine. It asks for -gallery, since somebody has to look.
func TestGallery(t *testing.T) {
	if *gallery == "" {
		t.Skip("no -gallery folder")
	}
	for name, f := range experiments {
		e, err := timeline.Record(t.Context(), func() { f(time.Second) })
		if err != nil {
			t.Fatal(err)
		}
		e.Engine = "compiled"
		for _, look := range looks {
			begun := time.Now()
			fig, err := plots.Timeline(e, look.of(plots.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			made := time.Now()
			svg := fig.SVG()
			drawn := time.Now()
			png, err := fig.PNG()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%-19s%s: layout %v, SVG %v %d kB, PNG %v %d kB", name, look.name,
				made.Sub(begun).Round(100*time.Microsecond), drawn.Sub(made).Round(100*time.Microsecond), len(svg)>>10,
				time.Since(drawn).Round(100*time.Microsecond), len(png)>>10)
			base := filepath.Join(*gallery, name+look.name)
			if err := os.WriteFile(base+".svg", []byte(svg), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(base+".png", png, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}
