package main

import (
	"testing"

	"interleave/install/hosttest"
)

func product(b *testing.B) kind {
	return kind{"interleave", []string{hosttest.Kernel(b), "kernel"}, golang}
}

func running(b *testing.B) *kernel {
	k, _, err := begin(product(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(k.end)
	return k
}

func cell(b *testing.B, k *kernel, code string) ran {
	r, err := k.run(code)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// BenchmarkStart reports the time from the start of the process to kernel_info_reply and to the first result.
func BenchmarkStart(b *testing.B) {
	k := product(b)
	var info, result float64
	for b.Loop() {
		r, t, err := begin(k)
		if err != nil {
			b.Fatal(err)
		}
		r.end()
		info, result = info+ms(t.info), result+ms(t.result)
	}
	b.ReportMetric(info/float64(b.N), "ms/info")
	b.ReportMetric(result/float64(b.N), "ms/result")
}

func BenchmarkSmallCell(b *testing.B) {
	k := running(b)
	cell(b, k, golang.prepare)
	for b.Loop() {
		cell(b, k, golang.step)
	}
}

func BenchmarkDefinition(b *testing.B) {
	k := running(b)
	i := 0
	for b.Loop() {
		cell(b, k, golang.define(i))
		i++
	}
}

func BenchmarkDefinitionAgain(b *testing.B) {
	k := running(b)
	cell(b, k, golang.define(0))
	for b.Loop() {
		cell(b, k, golang.define(0))
	}
}

func BenchmarkRedefineUnder500Callers(b *testing.B) {
	k := running(b)
	cell(b, k, golang.callers(redefined))
	i := 0
	for b.Loop() {
		i++
		cell(b, k, golang.helper(i))
	}
}

// BenchmarkOutput50MB reports the rate until the cell is idle, without what the client does with the text.
func BenchmarkOutput50MB(b *testing.B) {
	k := running(b)
	rate := 0.0
	for b.Loop() {
		r, lost, err := k.output(golang)
		if err != nil || lost != 0 {
			b.Fatalf("%d of %d bytes lost, %v", lost, outputBytes, err)
		}
		rate += r
	}
	b.ReportMetric(rate/float64(b.N), "MB/s")
}

// BenchmarkCompute reports how many times longer a compiled cell takes than the same code in a program made by go build.
func BenchmarkCompute(b *testing.B) {
	for name, code := range map[string]string{"fib30": golang.fib, "sum1e7": golang.sum, "sieve5e6": golang.sieve} {
		b.Run(name, func(b *testing.B) {
			k := running(b)
			plain, err := native(code)
			if err != nil {
				b.Fatal(err)
			}
			var total float64
			for b.Loop() {
				d, err := k.timed(code)
				if err != nil {
					b.Fatal(err)
				}
				total += float64(d) / float64(plain)
			}
			b.ReportMetric(total/float64(b.N), "×gobuild")
		})
	}
}
