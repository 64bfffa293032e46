package quantity_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/quantity"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 s", 7: "7 ns", 999: "999 ns", 1000: "1 µs", 12_345: "12.3 µs", 999_499: "999 µs", 999_500: "1 ms", 8_164_000: "8.16 ms", 99_960_000: "100 ms",
		999_600_000: "1 s", 2 * time.Second: "2 s", 2001 * time.Millisecond: "2 s", 83 * time.Microsecond: "83 µs", 12_345_678: "12.3 ms", 3661 * time.Second: "1 h 1 min 1 s", 1500 * time.Millisecond: "1.5 s", 99 * time.Second: "99 s",
		99_949 * time.Millisecond: "99.9 s", 99_951 * time.Millisecond: "1 min 40 s", 125 * time.Second: "2 min 5 s", 185*time.Second + 499*time.Millisecond: "3 min 5 s",
		2*time.Hour + 500*time.Millisecond: "2 h 1 s", 5400 * time.Second: "1 h 30 min", 3599_600 * time.Millisecond: "1 h",
		-3 * time.Millisecond: "-3 ms", -3 * time.Minute: "-3 min", math.MinInt64: "-2\u2009562\u2009047 h 47 min 17 s",
	} {
		if got := quantity.Duration(d); got != want {
			t.Errorf("Duration(%d) is %q, want %q", int64(d), got, want)
		}
	}
	for ns, want := range map[float64]string{
		0: "0 s", 0.25: "0.25 ns", 0.000123456: "0.000123 ns", 1.999: "2 ns", 999.4: "999 ns", 999.5: "1 µs", 0.312: "0.312 ns", 99.96: "100 ns", 1.5e6: "1.5 ms", 3.14159e9: "3.14 s", 1234.5: "1.23 µs", -0.5: "-0.5 ns",
		math.Inf(1): "+Inf s", math.Inf(-1): "-Inf s",
	} {
		if got := quantity.Nanoseconds(ns); got != want {
			t.Errorf("Nanoseconds(%v) is %q, want %q", ns, got, want)
		}
	}
	if got := quantity.Nanoseconds(math.NaN()); got != "NaN ns" {
		t.Errorf("Nanoseconds of no number is %q", got)
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 5: "5 B", 999: "999 B", 1000: "1 kB", 1536: "1.54 kB", 4_200_000: "4.2 MB", 47_123_456: "47.1 MB", 999_499: "999 kB", 999_500: "1 MB",
		2e9: "2 GB", 3e12: "3 TB", 4e15: "4\u2009000 TB", -1500: "-1.5 kB",
	} {
		if got := quantity.Bytes(n); got != want {
			t.Errorf("Bytes(%d) is %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 512: "512 B", 1000: "0.977 KiB", 4096: "4 KiB", 64 << 20: "64 MiB", 5 << 29: "2.5 GiB", 1 << 50: "1\u2009020 TiB"} {
		if got := quantity.BinaryBytes(n); got != want {
			t.Errorf("BinaryBytes(%d) is %q, want %q", n, got, want)
		}
	}
	if got := quantity.Bytes(12.5); got != "12.5 B" {
		t.Errorf("12.5 bytes are %q", got)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u2009000", 9960: "9\u2009960", 1234567: "1\u2009234\u2009567", -123: "-123", -1234: "-1\u2009234"} {
		if got := quantity.Count(n); got != want {
			t.Errorf("Count(%d) is %q, want %q", n, got, want)
		}
	}
	if got := quantity.Count(uint64(math.MaxUint64)); got != "18\u2009446\u2009744\u2009073\u2009709\u2009551\u2009615" {
		t.Errorf("the greatest count is %q", got)
	}
	for x, want := range map[float64]string{
		0: "0", 0.5234: "0.523", 12.34: "12.3", 100: "100", 999.5: "1\u2009000", 1234.5: "1\u2009230", 1234567: "1\u2009230\u2009000", 25_000: "25\u2009000", 2.5e12: "2\u2009500\u2009000\u2009000\u2009000", -0.001: "-0.001", -1234: "-1\u2009230",
		math.Inf(1): "+Inf", math.Inf(-1): "-Inf",
	} {
		if got := quantity.Number(x); got != want {
			t.Errorf("Number(%v) is %q, want %q", x, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{quantity.Plural(0, "goroutine"), "0 goroutines"},
		{quantity.Plural(1, "goroutine"), "1 goroutine"},
		{quantity.Plural(-1, "goroutine"), "-1 goroutines"},
		{quantity.Plural(int64(1234), "byte"), "1\u2009234 bytes"},
		{quantity.Plural(1, "switch", "switches"), "1 switch"},
		{quantity.Plural(2, "switch", "switches"), "2 switches"},
		{quantity.Noun(1, "is", "are"), "is"},
		{quantity.Noun(2, "is", "are"), "are"},
		{quantity.Noun(2, "worker"), "workers"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// What is spelled is within half a unit of the third digit of what was given, or within half a second, and has no more digits than that.
func TestDurationIsNear(t *testing.T) {
	t.Parallel()
	units := map[string]float64{"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9, "h": 3600e9}
	rapid.Check(t, func(t *rapid.T) {
		magnitude := rapid.Float64Range(0, 15).Draw(t, "magnitude")
		d := time.Duration(math.Pow(10, magnitude))
		s := quantity.Duration(d)
		words := strings.Fields(strings.ReplaceAll(s, "\u2009", ""))
		read := 0.0
		for i := 0; i+1 < len(words); i += 2 {
			v, err := strconv.ParseFloat(words[i], 64)
			unit, known := units[words[i+1]]
			if err != nil || !known {
				t.Fatalf("%d is %q", d, s)
			}
			if n := len(strings.ReplaceAll(words[i], ".", "")); n > 3 || len(words) == 2 && v >= 1000 {
				t.Fatalf("%d is %q", d, s)
			}
			read += v * unit
		}
		most := 0.5e9
		if d < 99_950*time.Millisecond {
			most = 0.005001 * float64(d)
		}
		if off := math.Abs(read - float64(d)); len(words)%2 != 0 || off > most {
			t.Fatalf("%d is %q, which is %v off", d, s, off)
		}
	})
}
