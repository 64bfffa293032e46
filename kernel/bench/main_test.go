package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestIPykernel drives the reference kernel with the cells that stand for our own: the comparison is fair only if each says
// the same and all of its output arrives.
func TestIPykernel(t *testing.T) {
	if testing.Short() {
		t.Skip("starts ipykernel")
	}
	k, why := ipykernel("/usr/bin/python3")
	if k == nil {
		if os.Getenv("CI") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	r, born, err := begin(*k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.end)
	if born.info <= 0 || born.result < born.info {
		t.Errorf("born %+v", born)
	}
	if c, _, err := r.drive(python, 20); err != nil || c.p50 <= 0 {
		t.Errorf("drive: %v, %v", c, err)
	}
	if first, again, err := r.define(python, 2); err != nil || first <= 0 || again <= 0 {
		t.Errorf("define: %v, %v, %v", first, again, err)
	}
	if d, err := r.redefine(python, redefined); err != nil || d <= 0 {
		t.Errorf("redefine: %v, %v", d, err)
	}
	if rate, _, err := r.output(python); err != nil || rate <= 0 {
		t.Errorf("output: %v MB/s, %v", rate, err)
	}
	if _, err := r.timed(`print("took", 1.5e-3)`); err != nil {
		t.Error(err)
	}
	if _, err := r.run("undefined_name"); err == nil || !strings.Contains(err.Error(), "NameError") {
		t.Errorf("a failing cell: %v", err)
	}
}

func TestNative(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	for _, code := range []string{golang.fib, golang.sum, golang.sieve} {
		if d, err := native(code); err != nil || d <= 0 || d > 10*time.Second {
			t.Errorf("%v, %v", d, err)
		}
	}
}
