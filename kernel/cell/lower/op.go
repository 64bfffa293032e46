package lower

import (
	"go/types"
)

// An OpKind says what an operation does.
type OpKind string

// An Op is an operation of package op that the text calls.
type Op struct {
	Name   string
	Kind   OpKind
	Types  []types.Type
	Object types.Object
	Text   string
	Path   []int
	Dirs   []bool // of a select: true for a send
}

// A Type is a type of package ty.
type Type struct {
	Name string
	Type types.Type
}

// A Method is the implementation of a session type's method: Func takes the receiver first.
type Method struct {
	Type types.Type // the receiver's type, without pointer
	Name string
	Func string // a function of the text that makes the implementation
}
