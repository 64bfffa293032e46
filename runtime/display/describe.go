package display

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// describeFunc describes a function: func double(int) int, at cell[3]:1. ok is false for anything else, and
// for a nil function.
func describeFunc(v any) (text string, ok bool) {
	rv := reflect.ValueOf(v)
	if !rv.IsValid() || rv.Kind() != reflect.Func || rv.IsNil() {
		return "", false
	}
	switch v.(type) {
	case fmt.Formatter, fmt.Stringer, error:
		return "", false
	}
	t := rv.Type().String()
	signature, literal := strings.CutPrefix(t, "func(")
	f := runtime.FuncForPC(rv.Pointer())
	if f == nil || f.Name() == "reflect.makeFuncStub" { // made by reflect or by an interpreter
		return t, true
	}
	file, line := f.FileLine(f.Entry())
	file = filepath.Base(file)
	if cell, ok := strings.CutPrefix(file, "interleave.go["); ok {
		// what the kernel has put in place of a cell's function
		file = "cell[" + cell
	}
	at := fmt.Sprintf("%s:%d", file, line)
	name, kind := funcName(f.Name())
	switch {
	case name == "":
		return fmt.Sprintf("%s, a function literal at %s", t, at), true
	case kind != "":
		return fmt.Sprintf("%s, %s %s", t, kind, name), true
	case !literal: // a defined type
		return fmt.Sprintf("%s(%s), at %s", t, name, at), true
	}
	return fmt.Sprintf("func %s(%s, at %s", name, signature, at), true
}

// funcName takes what the linker calls a function apart: the name in its package, empty for a literal, and
// what else than a function it is.
func funcName(s string) (name, kind string) {
	s = s[strings.LastIndexByte(s, '/')+1:]
	if i := strings.IndexByte(s, '['); i >= 0 { // type arguments
		if j := strings.LastIndexByte(s, ']'); j > i {
			s = s[:i] + s[j+1:]
		}
	}
	pkg, name, ok := strings.Cut(s, ".")
	if !ok {
		return s, ""
	}
	if method, ok := strings.CutSuffix(name, "-fm"); ok {
		return method, "the method"
	}
	for part := range strings.SplitSeq(name, ".") { // literals are numbered within the function that contains them
		if n, ok := strings.CutPrefix(part, "func"); ok && n != "" && strings.Trim(n, "0123456789") == "" {
			return "", ""
		}
		if part != "" && strings.Trim(part, "0123456789") == "" {
			return "", ""
		}
	}
	if strings.HasPrefix(pkg, "main") {
		return name, ""
	}
	return pkg + "." + name, ""
}

// describeWrapped names the types of the errors that an error wraps, when they have names that a program can
// use.
func describeWrapped(v any) string {
	err, ok := v.(error)
	if !ok {
		return ""
	}
	var types []string
	if e := guarded(func() { types = wrappedTypes(err) }); e != nil || len(types) == 0 {
		return ""
	}
	wraps := strings.Join(types, ", ")
	if t := reflect.TypeOf(err); exported(t) {
		return fmt.Sprintf("\n(%v, which wraps %s)", t, wraps)
	}
	return "\n(wraps " + wraps + ")"
}

// wrappedTypes follows the tree of wrapped errors in the order of errors.Is.
func wrappedTypes(err error) (types []string) {
	defer func() { _ = recover() }() // of a method of the user's
	const most, depth = 8, 100
	var walk func(err error, deep int)
	walk = func(err error, deep int) {
		if err == nil || deep > depth || len(types) == most {
			return
		}
		if t := reflect.TypeOf(err); deep > 0 && exported(t) {
			types = append(types, t.String())
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			walk(x.Unwrap(), deep+1)
		case interface{ Unwrap() []error }:
			for _, e := range x.Unwrap() {
				walk(e, deep+1)
			}
		}
	}
	walk(err, 0)
	return types
}

// exported reports whether a type, or what it points to, has an exported name, or one of the user's own.
func exported(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	r, _ := utf8.DecodeRuneInString(t.Name())
	return unicode.IsUpper(r) || t.PkgPath() == "main" && t.Name() != ""
}
