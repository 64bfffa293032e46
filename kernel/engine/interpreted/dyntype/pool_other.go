//go:build !amd64 && !arm64

package dyntype

import (
	"errors"
	"reflect"
)

func (b *batch) stub(reflect.Value) (int32, error) {
	return 0, errors.New("methods of interpreted types need a processor of the kind amd64 or arm64")
}

var freeStubs []int
