package host_test

import (
	"fmt"
	"testing"

	"interleave/runtime/host"
)

func TestSet(t *testing.T) {
	if host.Get() == nil || host.Get().Show != nil {
		t.Fatal("there is a host before one is set")
	}
	first := host.Set(host.Host{Doubt: func(string) string { return "first" }})
	second := host.Set(host.Host{Doubt: func(string) string { return "second" }})
	if got := host.Get().Doubt(""); got != "second" {
		t.Errorf("the host is the %s", got)
	}
	second()
	if got := host.Get().Doubt(""); got != "first" {
		t.Errorf("the host is the %s after the second was taken back", got)
	}
	first()
	if host.Get().Doubt != nil {
		t.Error("a host is left")
	}
}

func ExampleSet() {
	restore := host.Set(host.Host{Show: func(e host.Event) { fmt.Println("shown:", e.Data["text/plain"]) }})
	defer restore()
	host.Get().Show(host.Event{Data: map[string]any{"text/plain": "42"}})
	// Output: shown: 42
}

func ExampleGet() {
	fmt.Println("a program without a host shows by itself:", host.Get().Show == nil)
	// Output: a program without a host shows by itself: true
}
