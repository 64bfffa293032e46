package wire_test

import (
	"testing"

	"interleave/kernel/kerneltest"
	"interleave/kernel/wire"
)

// Each type of message is as the protocol's schema has it. TestContents makes sure that no type is missing among the samples.
func TestSchema(t *testing.T) {
	t.Parallel()
	author := wire.NewAuthor("test")
	for _, s := range wire.Samples() {
		m, err := author.New(nil, s.Content)
		if err != nil {
			t.Fatal(err)
		}
		if err := kerneltest.Check(s.Channel, m); err != nil {
			t.Error(err)
		}
	}
}
