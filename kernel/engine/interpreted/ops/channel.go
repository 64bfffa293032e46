package ops

import (
	"reflect"

	"interleave/kernel/cell/lower"
)

// channel makes the operations of channels.
func channel(o lower.Op, t []reflect.Type) reflect.Value {
	var c reflect.Type
	if o.Kind != lower.OpSelect {
		c = t[0]
	}
	switch o.Kind {
	case lower.OpSend:
		return fn(list(lineType, c, c.Elem()), nil, func(a []reflect.Value) []reflect.Value {
			a[1].Send(a[2])
			return nil
		})
	case lower.OpRecv:
		return fn(list(lineType, c), list(c.Elem()), func(a []reflect.Value) []reflect.Value {
			v, _ := a[1].Recv()
			return list(v)
		})
	case lower.OpRecv2:
		return fn(list(lineType, c), list(c.Elem(), boolType), func(a []reflect.Value) []reflect.Value {
			v, ok := a[1].Recv()
			return list(v, reflect.ValueOf(ok))
		})
	case lower.OpClose:
		return fn(list(c), nil, func(a []reflect.Value) []reflect.Value {
			a[0].Close()
			return nil
		})
	}
	in, out := list(lineType), list(intType)
	for i, send := range o.Dirs {
		in = append(in, t[i])
		if send {
			in = append(in, t[i].Elem())
		} else {
			out = append(out, t[i].Elem())
		}
	}
	out = append(out, boolType)
	block := o.Text == "true"
	return fn(in, out, func(a []reflect.Value) []reflect.Value {
		var cases []reflect.SelectCase
		k := 1
		for _, send := range o.Dirs {
			if send {
				cases = append(cases, reflect.SelectCase{Dir: reflect.SelectSend, Chan: a[k], Send: a[k+1]})
				k += 2
			} else {
				cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: a[k]})
				k++
			}
		}
		if !block {
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectDefault})
		}
		chosen, v, ok := reflect.Select(cases)
		if chosen == len(o.Dirs) {
			chosen = -1
		}
		res := list(reflect.ValueOf(chosen))
		for i, send := range o.Dirs {
			switch {
			case send:
			case i == chosen:
				res = append(res, v)
			default:
				res = append(res, reflect.Zero(t[i].Elem()))
			}
		}
		return append(res, reflect.ValueOf(ok))
	})
}
