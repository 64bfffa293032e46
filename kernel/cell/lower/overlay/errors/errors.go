// Package errors has the generic functions of the standard library's package of that name, for the interpreter.
package errors

import "errors"

// AsType is [errors.AsType].
func AsType[E error](err error) (E, bool) {
	var target E
	ok := errors.As(err, &target)
	return target, ok
}
