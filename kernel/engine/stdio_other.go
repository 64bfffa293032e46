//go:build !unix

package engine

// outputs does nothing where descriptors cannot be copied: a closed output stays closed.
type outputs struct{}

func keepOutputs() outputs { return outputs{} }
func (outputs) repair()    {}
