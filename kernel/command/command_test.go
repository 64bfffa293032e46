package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupt"))
	for _, c := range []struct {
		ctx     context.Context
		err     error
		status  int
		printed string
	}{
		{t.Context(), nil, 0, ""},
		{ended, nil, 0, ""},
		{t.Context(), fmt.Errorf("no: %w", Exit(3)), 3, ""},
		{t.Context(), flag.ErrHelp, 0, ""},
		{t.Context(), errors.New("no"), 1, "interleave: no\n"},
		{ended, errors.New("no"), 130, "interleave: stopped: interrupt\n"},
	} {
		var b bytes.Buffer
		if got := Status(c.ctx, c.err, &b); got != c.status || b.String() != c.printed {
			t.Errorf("Status(%v) = %d and %q, want %d and %q", c.err, got, b.String(), c.status, c.printed)
		}
	}
}

// Help lists each command for users in one line, and Lookup finds also those that it does not list.
func TestUsage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	Usage(&b)
	for _, c := range Subcommands {
		listed := strings.Contains(b.String(), "\n  "+c.Name+" ")
		if listed != (c.About != "") {
			t.Errorf("help lists %s: %v", c.Name, listed)
		}
		if got, ok := Lookup(c.Name); !ok || got != c {
			t.Errorf("Lookup(%q) = %v, %v", c.Name, got, ok)
		}
	}
	if _, ok := Lookup("none"); ok {
		t.Error("Lookup finds a command that is not there")
	}
}
