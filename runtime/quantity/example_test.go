package quantity_test

import (
	"fmt"
	"strings"
	"time"

	"interleave/runtime/quantity"
)

func ExampleDuration() {
	for _, d := range []time.Duration{870, 12 * time.Microsecond, 2_164_000, 1500 * time.Millisecond, 185 * time.Second, 90 * time.Minute} {
		fmt.Println(quantity.Duration(d))
	}
	// Output:
	// 870 ns
	// 12 µs
	// 2.16 ms
	// 1.5 s
	// 3 min 5 s
	// 1 h 30 min
}

func ExampleNanoseconds() {
	fmt.Println(quantity.Nanoseconds(0.2512), quantity.Nanoseconds(8_164_000.5))
	// Output: 0.251 ns 8.16 ms
}

func ExampleBytes() {
	fmt.Println(quantity.Bytes(512), quantity.Bytes(1536), quantity.Bytes(4_200_000))
	// Output: 512 B 1.54 kB 4.2 MB
}

func ExampleBinaryBytes() {
	fmt.Println(quantity.BinaryBytes(64<<20), quantity.BinaryBytes(5<<29))
	// Output: 64 MiB 2.5 GiB
}

func ExampleCount() {
	fmt.Println(strings.ReplaceAll(quantity.Count(1_234_567), "\u2009", "_")) // thin spaces, made visible
	// Output: 1_234_567
}

func ExampleNumber() {
	fmt.Println(quantity.Number(0.52345), quantity.Number(12.345))
	// Output: 0.523 12.3
}

func ExamplePlural() {
	fmt.Println(quantity.Plural(1, "goroutine"), quantity.Plural(2, "goroutine"), quantity.Plural(2, "switch", "switches"))
	// Output: 1 goroutine 2 goroutines 2 switches
}

func ExampleNoun() {
	for busy := range 3 {
		fmt.Printf("%d of 2 workers %s busy\n", busy, quantity.Noun(busy, "is", "are"))
	}
	// Output:
	// 0 of 2 workers are busy
	// 1 of 2 workers is busy
	// 2 of 2 workers are busy
}
