package engine

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/runtime/quantity"
)

// valueOf describes the value of a session variable in short, and what is known of a channel, a lock or a counter
// of goroutines at any time. What code of cells could change meanwhile is not read.
func (e *Engine) valueOf(n cell.Name, quietly func(func()) bool) (text string) {
	v := variable(n)
	if !v.IsValid() {
		return ""
	}
	if text := stateOf(v); text != "" {
		return text + placesOfWaiters(v)
	}
	if quietly(func() { text = brief(v, 0) }) {
		return "value: " + text
	}
	return "value: not read, since code of cells runs, which may change it"
}

// stateOf describes values that may be read while other goroutines use them: by atomic loads, and by methods of
// lab, which are made for that. It returns "" for others.
func stateOf(v reflect.Value) string {
	at := v.Addr().UnsafePointer()
	switch v.Kind() {
	case reflect.Chan:
		p := atomic.LoadPointer((*unsafe.Pointer)(at))
		ch := reflect.NewAt(v.Type(), unsafe.Pointer(&p)).Elem()
		switch {
		case ch.IsNil():
			return "state: nil, so that sends and receives block for ever"
		case ch.Cap() == 0:
			return "state: without a buffer" + waiting(p)
		}
		return fmt.Sprintf("state: %d of %d in the buffer", ch.Len(), ch.Cap()) + waiting(p)
	case reflect.Pointer:
		p := atomic.LoadPointer((*unsafe.Pointer)(at))
		if p == nil {
			return ""
		}
		return stateAt(v.Type().Elem(), p)
	}
	return stateAt(v.Type(), at)
}

// stateAt is stateOf for a value of a type at an address.
func stateAt(t reflect.Type, p unsafe.Pointer) string {
	switch t {
	case reflect.TypeFor[sync.Mutex]():
		return mutexState(t, p)
	case reflect.TypeFor[sync.RWMutex]():
		return rwMutexState(t, p)
	case reflect.TypeFor[sync.WaitGroup]():
		return waitGroupState(t, p)
	}
	if strings.HasPrefix(t.PkgPath(), "interleave/runtime/") && t.Kind() == reflect.Struct {
		if s, ok := reflect.NewAt(t, p).Interface().(fmt.Stringer); ok {
			return "state: " + s.String()
		}
	}
	return ""
}

// word returns a field of an integer type, by its path of names, and its address.
func word(t reflect.Type, p unsafe.Pointer, path ...string) (at unsafe.Pointer, size uintptr) {
	for _, name := range path {
		f, ok := t.FieldByName(name)
		if !ok {
			return nil, 0
		}
		t, p = f.Type, unsafe.Add(p, f.Offset)
	}
	return p, t.Size()
}

// mutexState reads the state of a mutex: its lowest bit is set when it is locked, and the number of those that wait
// is above the lowest three.
func mutexState(t reflect.Type, p unsafe.Pointer) string {
	at, size := word(t, p, "mu", "state")
	if size != 4 {
		return ""
	}
	s := atomic.LoadInt32((*int32)(at))
	text := "state: unlocked"
	if s&1 != 0 {
		text = "state: locked"
	}
	if w := s >> 3; w > 0 {
		text += fmt.Sprintf(", %d waiting", w)
	}
	return text
}

// rwMutexState reads the state of a RWMutex: the number of readers, from which a writer that holds it, or waits for
// it, takes 1<<30, and the number of readers that a writer waits for. The two are read one after the other, so that
// the text may mix two states of a lock that changes at that moment.
func rwMutexState(t reflect.Type, p unsafe.Pointer) string {
	count, size := word(t, p, "readerCount", "v")
	wait, other := word(t, p, "readerWait", "v")
	if size != 4 || other != 4 {
		return ""
	}
	readers, before := atomic.LoadInt32((*int32)(count)), atomic.LoadInt32((*int32)(wait))
	const writer = 1 << 30
	switch {
	case readers == 0:
		return "state: unlocked"
	case readers > 0:
		return "state: locked for reading by " + quantity.Plural(int(readers), "goroutine")
	}
	text := "state: locked for writing"
	if before > 0 {
		text = fmt.Sprintf("state: locked for reading by %s, a writer waits", quantity.Plural(int(before), "goroutine"))
	}
	if late := readers + writer - max(before, 0); late > 0 {
		text += fmt.Sprintf(", %s to read", quantity.Plural(int(late), "goroutine waits", "goroutines wait"))
	}
	return text
}

// waitGroupState reads the state of a WaitGroup: the counter is its upper half, and the number of those that wait is
// below, without the highest bit.
func waitGroupState(t reflect.Type, p unsafe.Pointer) string {
	at, size := word(t, p, "state")
	if size != 8 {
		return ""
	}
	s := atomic.LoadUint64((*uint64)(at))
	text := fmt.Sprintf("state: counter %d", int32(s>>32))
	if w := s & 0x7fffffff; w > 0 {
		text += fmt.Sprintf(", %d waiting", w)
	}
	return text
}

const (
	briefDepth = 2
	briefItems = 5
	briefText  = 80
)

// brief describes a value without calling its methods.
func brief(v reflect.Value, depth int) string {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case reflect.Complex64, reflect.Complex128:
		return fmt.Sprint(v.Complex())
	case reflect.String:
		s := v.String()
		if utf8.RuneCountInString(s) > briefText {
			return strconv.Quote(string([]rune(s)[:briefText])) + fmt.Sprintf("… of %d bytes", len(s))
		}
		return strconv.Quote(s)
	case reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return typeText(v.Elem().Type()) + " " + brief(v.Elem(), depth)
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		if depth >= briefDepth {
			return "&…"
		}
		return "&" + brief(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		return listed(v, depth)
	case reflect.Map:
		if v.IsNil() {
			return "nil"
		}
		return fmt.Sprintf("map of %d", v.Len())
	case reflect.Struct:
		if depth >= briefDepth {
			return "{…}"
		}
		var parts []string
		for i := range v.NumField() {
			if i == briefItems {
				parts = append(parts, "…")
				break
			}
			parts = append(parts, names.Clean(v.Type().Field(i).Name)+": "+brief(v.Field(i), depth+1))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		if v.IsNil() {
			return "nil"
		}
	}
	return typeText(v.Type())
}

// listed describes a slice or an array.
func listed(v reflect.Value, depth int) string {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return "nil"
	}
	if depth >= briefDepth && v.Len() > 0 {
		return fmt.Sprintf("[…] of %d", v.Len())
	}
	var parts []string
	for i := range min(v.Len(), briefItems) {
		parts = append(parts, brief(v.Index(i), depth+1))
	}
	text := "[" + strings.Join(parts, ", ")
	if v.Len() > briefItems {
		return text + fmt.Sprintf(", …] of %d", v.Len())
	}
	return text + "]"
}

func typeText(t reflect.Type) string { return strings.TrimPrefix(names.Clean(t.String()), "main.") }
