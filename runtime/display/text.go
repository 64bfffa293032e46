package display

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"interleave/runtime/host"
	"interleave/runtime/quantity"
)

// Bounds of a value's text. A front end chokes on more, and a reader does not read it.
const (
	textHead = 80_000 // bytes
	textTail = 20_000
	textMost = textHead + textTail
)

// Sprint returns the text that [Show] shows for v. It is what fmt.Sprint returns, but
//
//   - a map or slice that contains itself is cut where it would begin again: map[name:root parent:map[...]];
//   - it ends after 100 kB with a note, without formatting the rest;
//   - a method of v that calls itself without end costs that method's text, not the program;
//   - a function is described by its name, its type and its place; an error names the types of the errors that it wraps.
//
// It costs about three times what fmt.Sprint does, up to the limit.
func Sprint(v any) string { return strings.ToValidUTF8(sprint(v), "\uFFFD") }

func sprint(v any) string {
	if s, ok := describeFunc(v); ok {
		return s
	}
	bad := &avoided{calls: map[int]string{}, types: map[reflect.Type]bool{}}
	for {
		bad.n = 0
		p := &printer{most: textMost, bad: bad}
		err := guarded(func() { p.top(v) })
		switch {
		case err == nil:
			return string(p.buf) + describeWrapped(v)
		case errors.Is(err, host.ErrRunning): // it may be writing to p
			return fmt.Sprintf("<%T> (%v)", v, err)
		case p.calling == nil || !bad.add(bad.n, p.calling.of, err):
			return fmt.Sprintf("%s … (%v)", p.buf, err)
		}
	}
}

// avoided is the calls of methods that did not return when the text was begun before. Each costs as much as
// the stack has room.
type avoided struct {
	n     int            // of the calls so far
	calls map[int]string // by their number, and why
	types map[reflect.Type]bool
}

// add avoids a call, and from the fourth on all methods of its type. It returns false when that was tried
// already.
func (a *avoided) add(n int, of reflect.Type, why error) bool {
	if a.calls[n] != "" {
		return false
	}
	a.calls[n] = why.Error()
	if len(a.calls) > 3 {
		a.types[of] = true
	}
	return true
}

// A printer writes one value as fmt does with the verb %v, up to a number of bytes.
type printer struct {
	buf  []byte
	most int
	full bool // most has been reached; nothing more is written

	path    []container // what is being printed, outermost first
	calling *callee     // the method that is being called
	bad     *avoided
}

// A container is a map or slice, either of which can contain itself.
type container struct {
	typ  reflect.Type
	data uintptr
	len  int
}

type callee struct {
	of   reflect.Type
	name string
}

// maxDepth bounds how deep values lie in each other; below, an ellipsis is printed.
const maxDepth = 10_000

// errFull is what a Format method panics with when it writes more than the printer takes.
var errFull = errors.New("the text is long enough")

// top prints the value that was asked for. The beginning and the end of a long text or list are shown.
func (p *printer) top(v any) {
	rv := reflect.ValueOf(v)
	switch {
	case !rv.IsValid():
		p.string("<nil>")
	case rv.Type() == reflect.TypeFor[reflect.Value]():
		if of := v.(reflect.Value); !of.IsValid() || !of.CanInterface() || !p.methods(of) {
			p.value(of, 0)
		}
	case p.methods(rv):
	case rv.Kind() == reflect.String:
		p.long(rv.String())
	case rv.Kind() == reflect.Slice || rv.Kind() == reflect.Array:
		p.list(rv)
		return
	default:
		p.value(rv, 0)
	}
	if p.full {
		p.buf = append(p.buf, "\n… there is more, which was not formatted; fmt.Println shows all …"...)
	}
}

// long prints the beginning and the end of a text.
func (p *printer) long(s string) {
	if len(s) <= textMost {
		p.string(s)
		return
	}
	i, j := textHead, len(s)-textTail
	for i > textHead-utf8.UTFMax && !utf8.RuneStart(s[i]) {
		i--
	}
	for j < len(s)-textTail+utf8.UTFMax && !utf8.RuneStart(s[j]) {
		j++
	}
	p.buf = fmt.Appendf(p.buf, "%s\n… %s more bytes; fmt.Println shows all …\n%s", s[:i], quantity.Count(j-i), s[j:])
}

// list prints the beginning and the end of a slice or an array.
func (p *printer) list(v reflect.Value) {
	n := v.Len()
	p.enter(v)
	p.byte('[')
	head, shown := 1, 0 // the bytes, and the elements that they show
	for i := 0; i < n && !p.full; i++ {
		if i > 0 {
			p.byte(' ')
		}
		p.value(v.Index(i), 1)
		if !p.full && (len(p.buf) <= textHead || i == 0) {
			head, shown = len(p.buf), i+1
		}
	}
	p.byte(']')
	if !p.full {
		return
	}
	var tail []string // the last elements, in reverse
	q := &printer{bad: p.bad, path: p.path}
	for room := textTail; shown+len(tail) < n; room -= len(q.buf) + 1 {
		q.buf, q.most, q.full = q.buf[:0], max(room-1, 0), false
		if q.value(v.Index(n-1-len(tail)), 1); q.full {
			break
		}
		tail = append(tail, string(q.buf))
	}
	slices.Reverse(tail)
	p.buf = fmt.Appendf(p.buf[:head], "\n… %s more elements; fmt.Println shows all …\n%s]", quantity.Count(n-shown-len(tail)), strings.Join(tail, " "))
}

// value prints v as fmt's printValue does.
func (p *printer) value(v reflect.Value, depth int) {
	if p.full {
		return
	}
	if depth > maxDepth {
		p.string("…")
		return
	}
	if depth > 0 && v.IsValid() && v.CanInterface() && p.methods(v) {
		return
	}
	switch v.Kind() {
	case reflect.Invalid:
		if depth == 0 {
			p.string("<invalid reflect.Value>")
		} else {
			p.string("<nil>")
		}
	case reflect.Bool:
		p.buf = strconv.AppendBool(p.buf, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.buf = strconv.AppendInt(p.buf, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		p.buf = strconv.AppendUint(p.buf, v.Uint(), 10)
	case reflect.Float32:
		p.buf = fmt.Append(p.buf, float32(v.Float()))
	case reflect.Float64:
		p.buf = fmt.Append(p.buf, v.Float())
	case reflect.Complex64:
		p.buf = fmt.Append(p.buf, complex64(v.Complex()))
	case reflect.Complex128:
		p.buf = fmt.Append(p.buf, v.Complex())
	case reflect.String:
		p.string(v.String())
	case reflect.Map:
		p.mapping(v, depth)
	case reflect.Struct:
		p.structure(v, depth)
	case reflect.Interface:
		if e := v.Elem(); e.IsValid() {
			p.value(e, depth+1)
		} else {
			p.string("<nil>")
		}
	case reflect.Slice, reflect.Array:
		p.elements(v, depth)
	case reflect.Pointer:
		if depth == 0 && !v.IsNil() {
			switch e := v.Elem(); e.Kind() {
			case reflect.Array, reflect.Slice, reflect.Struct, reflect.Map:
				p.byte('&')
				p.value(e, depth+1)
				return
			}
		}
		p.pointer(v)
	default: // chan, func, unsafe.Pointer
		p.pointer(v)
	}
	p.bound()
}

// structure prints the fields of a struct.
func (p *printer) structure(v reflect.Value, depth int) {
	p.byte('{')
	for i := range v.NumField() {
		if i > 0 {
			p.byte(' ')
		}
		f := v.Field(i)
		if f.Kind() == reflect.Interface && !f.IsNil() {
			f = f.Elem()
		}
		p.value(f, depth+1)
	}
	p.byte('}')
}

// elements prints those of a slice or an array.
func (p *printer) elements(v reflect.Value, depth int) {
	if !p.enter(v) {
		p.string("[...]")
		return
	}
	p.byte('[')
	for i := 0; i < v.Len() && !p.full; i++ {
		if i > 0 {
			p.byte(' ')
		}
		p.value(v.Index(i), depth+1)
	}
	p.byte(']')
	p.leave(v)
}

// mapping prints a map in the order of its keys.
func (p *printer) mapping(v reflect.Value, depth int) {
	if !p.enter(v) {
		p.string("map[...]")
		return
	}
	p.string("map[")
	entries, all := sorted(v)
	for i, e := range entries {
		if p.full {
			break
		}
		if i > 0 {
			p.byte(' ')
		}
		p.value(e.key, depth+1)
		p.byte(':')
		p.value(e.value, depth+1)
	}
	if !all {
		p.buf = fmt.Appendf(p.buf, " …: %s of %s entries, in no order", quantity.Count(len(entries)), quantity.Count(v.Len()))
	}
	p.byte(']')
	p.leave(v)
}

func (p *printer) pointer(v reflect.Value) {
	if u := v.Pointer(); u != 0 {
		p.buf = strconv.AppendUint(append(p.buf, "0x"...), uint64(u), 16)
	} else {
		p.string("<nil>")
	}
}

// enter notes that a map or slice is being printed, and returns false when it is already.
func (p *printer) enter(v reflect.Value) bool {
	if v.Kind() == reflect.Array {
		return true
	}
	c := container{v.Type(), v.Pointer(), v.Len()}
	if c.len > 0 {
		for _, outer := range p.path {
			if outer == c {
				return false
			}
		}
	}
	p.path = append(p.path, c)
	return true
}

func (p *printer) leave(v reflect.Value) {
	if v.Kind() != reflect.Array {
		p.path = p.path[:len(p.path)-1]
	}
}

func (p *printer) byte(c byte) {
	if !p.full {
		p.buf = append(p.buf, c)
		p.bound()
	}
}

func (p *printer) string(s string) {
	if !p.full {
		p.buf = append(p.buf, s[:min(len(s), p.most-len(p.buf)+1)]...)
		p.bound()
	}
}

// bound cuts text that is too long.
func (p *printer) bound() {
	if len(p.buf) > p.most {
		p.buf, p.full = p.buf[:p.most], true
		for i := 0; i < utf8.UTFMax && len(p.buf) > 0; i++ { // not within a character
			if r, size := utf8.DecodeLastRune(p.buf); r != utf8.RuneError || size != 1 {
				break
			}
			p.buf = p.buf[:len(p.buf)-1]
		}
	}
}

// methods prints v by the method that fmt would call, if v has one.
func (p *printer) methods(v reflect.Value) bool {
	a := v.Interface()
	var name string
	switch a.(type) {
	case fmt.Formatter:
		name = "Format"
	case error:
		name = "Error"
	case fmt.Stringer:
		name = "String"
	default:
		return false
	}
	p.bad.n++
	if why := p.bad.calls[p.bad.n]; why != "" {
		p.string("%!v(PANIC=" + name + " method: " + why + ")")
		return true
	}
	if p.bad.types[v.Type()] {
		p.string("<" + v.Type().String() + ">")
		return true
	}
	if n, ok := a.(interface {
		BitLen() int
		ProbablyPrime(int) bool
	}); ok && name == "Format" && p.number(v, n.BitLen) {
		return true
	}
	outer := p.calling
	p.calling = &callee{v.Type(), name}
	text, isText := p.call(a, v)
	p.calling = outer
	if isText {
		if outer == nil && len(p.path) == 0 && len(p.buf) == 0 {
			p.long(text)
		} else {
			p.string(text)
		}
	}
	return true
}

// call calls the method. Like fmt, it prints a panic as a part of the text.
func (p *printer) call(a any, v reflect.Value) (text string, isText bool) {
	defer func() {
		switch r := recover(); {
		case r == nil, r == errFull:
		case v.Kind() == reflect.Pointer && v.IsNil():
			p.string("<nil>")
		default:
			p.string("%!v(PANIC=" + p.calling.name + " method: ")
			q := &printer{most: textTail, bad: p.bad, path: p.path}
			q.inner(r)
			p.string(string(q.buf))
			p.byte(')')
		}
	}()
	switch a := a.(type) {
	case fmt.Formatter:
		a.Format(state{p}, 'v')
		return "", false
	case error:
		return a.Error(), true
	case fmt.Stringer:
		return a.String(), true
	}
	return "", false
}

// inner prints the value of a panic. A panic of its methods is the end of the text.
func (p *printer) inner(v any) {
	defer func() {
		if recover() != nil {
			p.string("panic")
		}
	}()
	switch v := v.(type) {
	case error:
		p.string(v.Error())
	case fmt.Stringer:
		p.string(v.String())
	default:
		p.value(reflect.ValueOf(v), 0)
	}
}

// number prints a big.Int that would take long by its size. A million digits take a tenth of a second.
func (p *printer) number(v reflect.Value, bitLen func() int) bool {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return false
	}
	const most = 10_000_000 // bits
	bits := bitLen()
	if bits > most {
		p.string(fmt.Sprintf("<%v of %s bits, about %s decimal digits>", v.Type(), quantity.Count(bits), quantity.Count(int(float64(bits)*0.30103))))
	}
	return bits > most
}

// state is a printer as Format methods see it.
type state struct{ p *printer }

func (s state) Write(b []byte) (int, error) { return s.WriteString(string(b)) }

func (s state) WriteString(text string) (int, error) {
	if s.p.string(text); s.p.full {
		panic(errFull) // the method would continue for nothing, perhaps for ever
	}
	return len(text), nil
}

func (s state) Width() (int, bool)     { return 0, false }
func (s state) Precision() (int, bool) { return 0, false }
func (s state) Flag(int) bool          { return false }
