package engine

import (
	"fmt"
	"reflect"
	"slices"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/engine/rt"
	"interleave/runtime/quantity"
)

// Bounds of the results that are kept: the newest ones, as IPython keeps a thousand. The bytes are those of what a
// value holds itself, such as the elements of a slice, and not of what it points to further down. The last result is
// always kept.
const (
	mostResults     = 1000
	mostResultBytes = 256 << 20
)

// results is the values that cells have shown. Keeping one costs an entry in a map.
type results struct {
	kept  map[int]*result
	order []int // oldest first
	bytes int
}

type result struct {
	value any
	bytes int
	given bool // its hidden variable has the value
}

// keep keeps the value that a cell has shown.
func (e *Engine) keep(n int, p *cell.Plan, values []any) {
	if len(values) == 0 || p.Result == nil {
		if p.NoResult != "" {
			e.scope.KeepNot(n, p.NoResult)
		}
		return
	}
	if k := len(values); k > 1 && values[k-1] != nil {
		e.scope.KeepNot(n, fmt.Sprintf("cell[%d] has returned an error: %v", n, errorText(values[k-1])))
		return
	}
	if values[0] == nil && p.HideNil { // nothing was shown
		return
	}
	rs := &e.results
	if rs.kept == nil {
		rs.kept = map[int]*result{}
	}
	if old := rs.kept[n]; old != nil {
		rs.drop(slices.Index(rs.order, n))
	}
	r := &result{value: values[0], bytes: ownBytes(values[0])}
	rs.kept[n], rs.order, rs.bytes = r, append(rs.order, n), rs.bytes+r.bytes
	e.scope.Keep(n, p.Result)
	for len(rs.order) > mostResults || rs.bytes > mostResultBytes && len(rs.order) > 1 {
		old := rs.order[0]
		rs.drop(0)
		e.scope.DropResults(old, fmt.Sprintf("this result is not kept any longer: the last %d results are, "+
			"of up to %s in total", mostResults, quantity.BinaryBytes(mostResultBytes)))
	}
}

// errorText returns the text of an error for a message; the method is the user's.
func errorText(v any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T", v)
		}
	}()
	return fmt.Sprint(v)
}

func (rs *results) drop(i int) {
	n := rs.order[i]
	rs.bytes -= rs.kept[n].bytes
	delete(rs.kept, n)
	rs.order = slices.Delete(rs.order, i, i+1)
}

// ownBytes returns how much memory a value holds itself.
func ownBytes(v any) int {
	if v == nil {
		return 0
	}
	x := reflect.ValueOf(v)
	t := x.Type()
	switch t.Kind() {
	case reflect.Slice:
		return x.Cap() * int(t.Elem().Size())
	case reflect.String:
		return x.Len()
	case reflect.Map:
		return x.Len() * int(t.Key().Size()+t.Elem().Size())
	case reflect.Chan:
		return x.Cap() * int(t.Elem().Size())
	case reflect.Pointer:
		return int(t.Elem().Size())
	}
	return int(t.Size())
}

// provide gives the hidden variables of results that a plan uses their values, before its code runs.
func (e *Engine) provide(p *cell.Plan) {
	for _, v := range p.Vars {
		n, ok := names.ResultOf(v.Name)
		if !ok {
			continue
		}
		pointer, _ := rt.Pointer(v.Name, v.Gen)
		if pointer == nil {
			continue
		}
		to := reflect.ValueOf(pointer).Elem()
		switch r := e.results.kept[n]; {
		case v.Name == names.In:
			to.Set(reflect.ValueOf(e.texts.all()))
		case v.Name == names.Out:
			all := make(map[int]any, len(e.results.kept))
			for n, r := range e.results.kept {
				all[n] = r.value
			}
			to.Set(reflect.ValueOf(all))
		case r != nil && !r.given:
			r.given = true
			if r.value == nil {
				to.SetZero()
			} else {
				to.Set(reflect.ValueOf(r.value))
			}
		}
	}
}

func (e *Engine) declared(name string) bool {
	e.checking.Lock()
	defer e.checking.Unlock()
	return e.scope.Declares(name)
}

// forgetResults drops all results. Functions that mention one are refused from now on.
func (e *Engine) forgetResults() {
	e.results = results{}
	for _, v := range e.scope.ForgetResults() {
		if pointer, _ := rt.Pointer(v.Name, v.Gen); pointer != nil && goroutinesOfCells() == 0 {
			reflect.ValueOf(pointer).Elem().SetZero()
		}
	}
	e.look()
}
