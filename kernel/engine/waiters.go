package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"interleave/kernel/engine/stack"
	"interleave/runtime/quantity"
)

// mostWaiters is how many goroutines that wait for a channel are shown with their places.
const mostWaiters = 16

// waitersOf returns the goroutines of cells that wait to send to a channel, or to receive from it, oldest first, and
// the number of all that do. The runtime's lock of the channel is held meanwhile; nothing else stops.
func waitersOf(ch unsafe.Pointer, send bool) (list []living, total int) {
	var gs, tags [mostWaiters]unsafe.Pointer
	var ids [mostWaiters]uint64
	var at [mostWaiters]uintptr
	n, total := cellWaiters(ch, send, gs[:], ids[:], tags[:], at[:])
	for i := range n {
		list = append(list, living{g: gs[i], id: ids[i], tag: (*tag)(tags[i]), at: at[i]})
	}
	return list, total
}

// waiting describes how many goroutines wait for a channel. It is empty if none does.
func waiting(ch unsafe.Pointer) (text string) {
	for _, way := range []struct {
		send bool
		verb string
	}{{true, "send"}, {false, "receive"}} {
		if _, n := waitersOf(ch, way.send); n > 0 {
			waits := "waits"
			if n > 1 {
				waits = "wait"
			}
			text += fmt.Sprintf(", %s %s to %s", quantity.Plural(n, "goroutine"), waits, way.verb)
		}
	}
	return text
}

// placesOfWaiters lists where goroutines of cells wait for the channel in v. Reading their stacks stops the world for
// some 20 µs each.
func placesOfWaiters(v reflect.Value) (text string) {
	if v.Kind() != reflect.Chan {
		return ""
	}
	ch := atomic.LoadPointer((*unsafe.Pointer)(v.Addr().UnsafePointer()))
	if ch == nil {
		return ""
	}
	for _, way := range []struct {
		send  bool
		title string
	}{{true, "waiting to send"}, {false, "waiting to receive"}} {
		list, total := waitersOf(ch, way.send)
		if len(list) == 0 {
			continue
		}
		var places []string
		for _, r := range runsOf(list) {
			for _, g := range r.look(slices.DeleteFunc(slices.Clone(list), func(l living) bool { return l.tag.run != r })) {
				places = append(places, placeOfWaiter(g))
			}
		}
		if more := total - len(list); more > 0 {
			places = append(places, fmt.Sprintf("and %s more", quantity.Count(more)))
		}
		text += fmt.Sprintf("\n\n%s: %s", way.title, strings.Join(places, ", "))
	}
	return text
}

// runsOf returns the runs of goroutines, each once.
func runsOf(list []living) (runs []*run) {
	for _, l := range list {
		if !slices.Contains(runs, l.tag.run) {
			runs = append(runs, l.tag.run)
		}
	}
	return runs
}

func placeOfWaiter(g stack.Goroutine) string {
	return fmt.Sprintf("%s (goroutine %d)", g.Place(), g.ID)
}
