package main

import (
	"os"
	"slices"
	"testing"

	"interleave/install"
)

// What is embedded must be the whole module as far as the host needs it, or an installed kernel is another one than that of
// the tests.
func TestEmbedIsComplete(t *testing.T) {
	t.Parallel()
	embedded, err := install.SourceFiles(source)
	if err != nil {
		t.Fatal(err)
	}
	present, err := install.SourceFiles(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range present {
		if !slices.Contains(embedded, name) {
			t.Errorf("%s is not embedded: see the patterns in embed.go", name)
		}
	}
	if len(present) < 100 {
		t.Errorf("only %d files were compared", len(present))
	}
}
