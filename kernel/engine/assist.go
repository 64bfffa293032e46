package engine

import (
	"cmp"
	"encoding/json"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"interleave/kernel/assist"
	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/engine/magics"
	"interleave/kernel/engine/rt"
	"interleave/kernel/session"
)

// mostMatches is how many completions are sent, which is more than a reader wants.
const mostMatches = 300

// Complete lists what the name at a cursor, counted in code points, may become. It is called from any goroutine,
// also while a cell runs.
func (e *Engine) Complete(code string, cursor int) session.Completion {
	e.checking.Lock()
	c := assist.Complete(e.assistance(), code, byteOffset(code, cursor))
	e.checking.Unlock()
	out := session.Completion{Start: utf8.RuneCountInString(code[:c.From]), End: utf8.RuneCountInString(code[:c.To])}
	for _, m := range c.Matches[:min(len(c.Matches), mostMatches)] {
		out.Matches = append(out.Matches, session.Match{Text: m.Text, Type: m.Type, Signature: m.Signature})
	}
	return out
}

// Inspect returns what is known of the name at a cursor, likewise. With detail, declarations are shown whole.
func (e *Engine) Inspect(code string, cursor, detail int) session.Inspection {
	i := e.inspect(code, byteOffset(code, cursor), detail > 0, e.quietly)
	if !i.Found() {
		return session.Inspection{}
	}
	return session.Inspection{Found: true, Data: bundleOf(i)}
}

// valueMark stands for the value of a variable until it is read: cells must not wait for that.
const valueMark = "\x00value"

// inspect describes the name at an offset. quietly calls its argument if no code of cells runs.
func (e *Engine) inspect(code string, at int, whole bool, quietly func(func()) bool) assist.Inspection {
	c := e.assistance()
	var of *cell.Name
	c.Value = func(n cell.Name) string {
		of = &n
		return valueMark
	}
	e.checking.Lock()
	i := assist.Inspect(c, code, at, whole)
	e.checking.Unlock()
	if of == nil {
		return i
	}
	text := e.valueOf(*of, quietly)
	if text == "" {
		text = "its value is not known"
	}
	i.Plain, i.Markdown = strings.ReplaceAll(i.Plain, valueMark, text), strings.ReplaceAll(i.Markdown, valueMark, text)
	return i
}

func bundleOf(i assist.Inspection) session.Bundle {
	return session.Bundle{"text/plain": quoted(i.Plain), "text/markdown": quoted(i.Markdown)}
}

func quoted(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return b
}

// byteOffset turns a count of code points into one of bytes.
func byteOffset(text string, points int) int {
	for i := range text {
		if points <= 0 {
			return i
		}
		points--
	}
	return len(text)
}

// look takes in what the session declares now. It is called on the engine's goroutine.
func (e *Engine) look() { e.view.Store(e.scope.View()) }

// assistance is what questions are answered from.
func (e *Engine) assistance() assist.Config {
	return assist.Config{
		View:       e.view.Load(),
		Importable: e.packages.all(),
		Magics:     assistMagics(),
		Keys:       e.keys,
		Files:      filesIn,
		Source:     e.sourceFile,
		Position:   func(p token.Pos) token.Position { return e.packages.Fset().Position(p) },
	}
}

// assistMagics lists the magics.
func assistMagics() (list []assist.Magic) {
	for _, m := range magics.All {
		help := strings.ReplaceAll(m.Help, "`", "")
		if m.Line != "" {
			list = append(list, assist.Magic{Name: m.Name, Usage: m.Line, Help: help, Args: m.Args, Code: m.Code})
		}
		if m.Cell != "" {
			list = append(list, assist.Magic{Name: m.Name, Cell: true, Usage: m.Cell, Help: help, Args: m.Args, Code: m.Code})
		}
	}
	return list
}

// filesIn lists a folder. Names of folders end in a slash.
func filesIn(dir string) (list []string) {
	if strings.HasPrefix(dir, "~/") {
		dir = home(dir)
	}
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return nil
	}
	for _, f := range entries {
		name := f.Name()
		if f.IsDir() {
			name += "/"
		}
		list = append(list, name)
	}
	return list
}

// sourceFile reads a file of a package, by the name that positions in export data have.
func (e *Engine) sourceFile(name string) (text string, ok bool) {
	b, err := os.ReadFile(e.tools.PackageFile(name))
	return string(b), err == nil
}

// quietly calls f if no code of cells runs, and keeps the next cell from running meanwhile.
func (e *Engine) quietly(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running != nil || goroutinesOfCells() > 0 {
		return false
	}
	f()
	return true
}

// between is quietly for a line of a cell between pieces of its code, on the engine's goroutine.
func (e *Engine) between(f func()) bool {
	if goroutinesOfCells() > 0 {
		return false
	}
	f()
	return true
}

// keys returns the keys of a map of the session, if no code can change it.
func (e *Engine) keys(name string) (keys []string) {
	n, ok := e.view.Load().Names[name]
	if !ok || n.Object == nil {
		return nil
	}
	e.quietly(func() {
		v := variable(n)
		for v.IsValid() && v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if !v.IsValid() || v.Kind() != reflect.Map || v.Type().Key().Kind() != reflect.String {
			return
		}
		for it := v.MapRange(); it.Next() && len(keys) < mostMatches; {
			keys = append(keys, strconv.Quote(it.Key().String()))
		}
	})
	slices.Sort(keys)
	return keys
}

// variable returns the storage of a session variable, or the zero Value.
func variable(n cell.Name) reflect.Value {
	p, _ := rt.Pointer(n.Object.Name(), n.Gen)
	if p == nil {
		p, _ = rt.Pointer(names.Own+n.Object.Name(), n.Gen)
	}
	if p == nil {
		return reflect.Value{}
	}
	return reflect.ValueOf(p).Elem()
}
