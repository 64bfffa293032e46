package timeline

import "golang.org/x/exp/trace"

// ids leads from goroutines' IDs to indexes. An experiment's goroutines have IDs close to each other, so most
// are found in a slice, several times for each goroutine; the others, which were there before, are few.
type ids struct {
	base  trace.GoID
	dense []int32 // of base, base+1 …: the index plus one, or 0
	rest  map[trace.GoID]int32
}

const (
	idsSlack = 64      // how far below the first new ID others may follow
	idsGap   = 1 << 16 // how many IDs may lie unused between two that are found in the slice
)

func (x *ids) find(id trace.GoID) (int32, bool) {
	if k := id - x.base; k >= 0 && int(k) < len(x.dense) && x.dense[k] > 0 {
		return x.dense[k] - 1, true
	}
	i, ok := x.rest[id]
	return i, ok
}

// addNew adds a goroutine that the recording saw begin.
func (x *ids) addNew(id trace.GoID, i int32) {
	if x.dense == nil {
		x.base = max(0, id-idsSlack)
	}
	k := int(id - x.base)
	if k < 0 || k >= len(x.dense)+idsGap {
		x.add(id, i)
		return
	}
	for k >= len(x.dense) {
		x.dense = append(x.dense, 0)
	}
	x.dense[k] = i + 1
}

// add adds any goroutine.
func (x *ids) add(id trace.GoID, i int32) {
	if x.rest == nil {
		x.rest = make(map[trace.GoID]int32)
	}
	x.rest[id] = i
}
