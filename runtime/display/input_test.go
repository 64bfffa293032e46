package display

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"interleave/runtime/host"
	"strings"
	"testing"
)

func ExampleInput() {
	defer host.Set(host.Host{Ask: func(_ context.Context, prompt string, _ bool) (string, error) { return "Gopher", nil }})()
	name, err := Input(context.Background(), "Your name? ")
	fmt.Println("Hello,", name, err)
	// Output: Hello, Gopher <nil>
}

func ExamplePassword() {
	defer host.Set(host.Host{Ask: func(_ context.Context, prompt string, hidden bool) (string, error) {
		return fmt.Sprint("asked with ", prompt, hidden), nil
	}})()
	fmt.Println(Password(context.Background(), "Secret? "))
	// Output: asked with Secret? true <nil>
}

func TestReadLine(t *testing.T) {
	r := strings.NewReader("one\r\ntwo\nthree")
	for _, want := range []string{"one", "two", "three"} {
		if got, err := readLine(r); got != want || err != nil {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	if _, err := readLine(r); err == nil {
		t.Error("a line behind the end")
	}
}

func TestInputContext(t *testing.T) {
	if _, err := Input(nil, "x"); err == nil || !strings.Contains(err.Error(), "pass ctx") { //nolint:staticcheck // that is the case
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	if _, err := Input(ctx, "x"); !errors.Is(err, why) {
		t.Error(err)
	}
}
