package pack

import (
	"context"
	"reflect"
	"strings"
)

var contextType = reflect.TypeFor[context.Context]()

// isContext reports whether values of a type are contexts that package context has made.
func isContext(t reflect.Type) bool {
	return t.PkgPath() == "context" && (t.Implements(contextType) || reflect.PointerTo(t).Implements(contextType))
}

// Remedy returns what a caller can do instead of passing such a value, as a sentence, or "".
func (e *CannotError) Remedy() string {
	t := e.Type
	if t == nil {
		return ""
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Chan:
		return "Pass values and return results: a channel connects goroutines of one process"
	case reflect.Func:
		if t.PkgPath() == "iter" {
			return "Pass its values as a slice"
		}
		return "Call it by its name in the function that runs there"
	case reflect.UnsafePointer:
		return "Pass what it points to"
	}
	switch path := t.PkgPath(); {
	case isContext(t):
		return "Take a context as the first parameter: it is supplied"
	case path == "sync" || path == "sync/atomic":
		return "Pass the data without it: it works within one process"
	case path == "os" && t.Name() == "File":
		return "Pass its name, and open it there"
	case path == "os" && t.Name() == "Process":
		return "Pass its Pid"
	case isClock(t):
		return "Pass the duration, and make one there"
	case path == "reflect" || path == "unique" || path == "weak" || path == "internal/abi":
		return "Pass the value itself"
	case strings.HasPrefix(path, "interleave/runtime/"):
		return "Use it here, with what the function returns"
	case standard(t):
		return "Make one in the function that runs there"
	}
	return "Pass a value of a type that is declared with a name"
}

// Advice is Error and, after it, Remedy.
func (e *CannotError) Advice() string {
	if remedy := e.Remedy(); remedy != "" {
		return e.Error() + ". " + remedy
	}
	return e.Error()
}

// isClock reports whether values of a type are driven by this process's timers.
func isClock(t reflect.Type) bool {
	return t.PkgPath() == "time" && (t.Name() == "Timer" || t.Name() == "Ticker")
}
