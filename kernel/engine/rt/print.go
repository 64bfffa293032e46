package rt

import (
	"reflect"
	"strconv"
	"syscall"
	"unsafe"
)

// Print and Println implement print and println for cells. The text is the runtime's, but it is written by
// syscall.Write, which knows the goroutine and with it the cell; the runtime's own knows descriptor 2.
func Print(values ...any) { write(appendValues(nil, "", values)) }

// Println is Print with spaces between the values and a newline behind them.
func Println(values ...any) { write(append(appendValues(nil, " ", values), '\n')) }

func write(b []byte) {
	for len(b) > 0 {
		n, err := syscall.Write(standardError, b)
		if err != nil && err != syscall.EINTR {
			return
		}
		b = b[max(n, 0):]
	}
}

// An Interface is an interface value that is printed as such: the addresses of its two words.
type Interface [2]uintptr

// Words makes an Interface of x, whose type is an interface.
func Words[T any](x T) Interface { return *(*Interface)(unsafe.Pointer(&x)) }

func appendValues(b []byte, between string, values []any) []byte {
	for i, v := range values {
		if i > 0 {
			b = append(b, between...)
		}
		b = appendValue(b, v)
	}
	return b
}

func appendValue(b []byte, v any) []byte {
	if w, ok := v.(Interface); ok {
		b = appendHex(append(b, '('), w[0])
		return append(appendHex(append(b, ','), w[1]), ')')
	}
	switch x := reflect.ValueOf(v); x.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, x.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, x.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(b, x.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.AppendFloat(b, x.Float(), 'g', -1, x.Type().Bits())
	case reflect.Complex64, reflect.Complex128:
		return append(b, strconv.FormatComplex(x.Complex(), 'g', -1, x.Type().Bits())...)
	case reflect.String:
		return append(b, x.String()...)
	case reflect.Slice:
		b = strconv.AppendInt(append(b, '['), int64(x.Len()), 10)
		b = strconv.AppendInt(append(b, '/'), int64(x.Cap()), 10)
		return appendHex(append(b, ']'), uintptr(x.UnsafePointer()))
	case reflect.Func: // its word points to a closure, and x.Pointer to code
		return appendHex(b, (*Interface)(unsafe.Pointer(&v))[1])
	case reflect.Invalid: // the value of a type parameter that stands for an interface
		return append(b, "(0x0,0x0)"...)
	default:
		return appendHex(b, uintptr(x.UnsafePointer()))
	}
}

func appendHex(b []byte, x uintptr) []byte {
	return strconv.AppendUint(append(b, "0x"...), uint64(x), 16)
}
