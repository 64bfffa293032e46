package plots

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

// subset is a TrueType font with the glyphs of f that runes need and nothing else: no hints, no kerning, no
// names. Liberation Sans shrinks from 400 kB to about 100 bytes a glyph. Runes that f does not have are left
// to the viewer's other fonts.
func subset(f *opentype.Font, runes []rune) ([]byte, error) {
	var src bytes.Buffer
	if _, err := f.WriteSourceTo(nil, &src); err != nil {
		return nil, err
	}
	in, err := openTTF(src.Bytes())
	if err != nil {
		return nil, err
	}

	// The new number of a glyph is its index here. The first is the glyph for missing characters.
	glyphs := []uint16{0}
	number := map[uint16]uint16{0: 0}
	take := func(old uint16) uint16 {
		n, ok := number[old]
		if !ok {
			n = uint16(len(glyphs))
			number[old] = n
			glyphs = append(glyphs, old)
		}
		return n
	}
	slices.Sort(runes)
	var mapped []mapping
	var buf sfnt.Buffer
	for _, r := range runes {
		old, err := f.GlyphIndex(&buf, r)
		if err != nil || old == 0 || r > 0xffff {
			continue
		}
		mapped = append(mapped, mapping{uint16(r), take(uint16(old))})
	}

	var glyf, loca, hmtx []byte
	for i := 0; i < len(glyphs); i++ { // taking a composite's parts makes it longer
		g, err := in.glyph(glyphs[i])
		if err != nil {
			return nil, err
		}
		if g, err = bareGlyph(g, take); err != nil {
			return nil, fmt.Errorf("glyph %d: %w", glyphs[i], err)
		}
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		glyf = append(glyf, g...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		advance, bearing := in.metrics(glyphs[i])
		hmtx = binary.BigEndian.AppendUint16(hmtx, advance)
		hmtx = binary.BigEndian.AppendUint16(hmtx, bearing)
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))

	n := uint16(len(glyphs))
	head := slices.Clone(in.table["head"])
	binary.BigEndian.PutUint16(head[50:], 1) // offsets in loca are long
	maxp := slices.Clone(in.table["maxp"])
	binary.BigEndian.PutUint16(maxp[4:], n)
	hhea := slices.Clone(in.table["hhea"])
	binary.BigEndian.PutUint16(hhea[34:], n)
	post := make([]byte, 32)
	binary.BigEndian.PutUint32(post, 0x00030000) // no names of glyphs
	copy(post[4:16], in.table["post"][4:16])
	return writeTTF(map[string][]byte{
		"OS/2": in.table["OS/2"], "cmap": cmapTable(mapped), "glyf": glyf, "head": head, "hhea": hhea, "hmtx": hmtx,
		"loca": loca, "maxp": maxp, "name": {0, 0, 0, 0, 0, 6}, "post": post,
	}), nil
}

// A ttf is a TrueType font by its tables.
type ttf struct {
	table map[string][]byte
	long  bool // offsets in loca are 32 bits wide
	wide  int  // how many glyphs have an advance of their own
}

var errBadFont = errors.New("the font is damaged")

func openTTF(data []byte) (*ttf, error) {
	if len(data) < 12 {
		return nil, errBadFont
	}
	f := &ttf{table: map[string][]byte{}}
	for i := range int(binary.BigEndian.Uint16(data[4:])) {
		if len(data) < 28+16*i {
			return nil, errBadFont
		}
		rec := data[12+16*i:]
		at, n := int(binary.BigEndian.Uint32(rec[8:])), int(binary.BigEndian.Uint32(rec[12:]))
		if at > len(data) || n > len(data)-at {
			return nil, errBadFont
		}
		f.table[string(rec[:4])] = data[at : at+n]
	}
	for name, least := range map[string]int{"head": 54, "maxp": 6, "hhea": 36, "post": 16, "OS/2": 78, "hmtx": 4, "loca": 4, "glyf": 1} {
		if len(f.table[name]) < least {
			return nil, fmt.Errorf("%w: table %q is missing or short", errBadFont, name)
		}
	}
	f.long = binary.BigEndian.Uint16(f.table["head"][50:]) == 1
	f.wide = int(binary.BigEndian.Uint16(f.table["hhea"][34:]))
	if f.wide == 0 || len(f.table["hmtx"]) < 4*f.wide {
		return nil, errBadFont
	}
	return f, nil
}

func (f *ttf) glyph(id uint16) ([]byte, error) {
	loca, i := f.table["loca"], int(id)
	var from, to int
	if f.long {
		if len(loca) < 4*i+8 {
			return nil, errBadFont
		}
		from, to = int(binary.BigEndian.Uint32(loca[4*i:])), int(binary.BigEndian.Uint32(loca[4*i+4:]))
	} else {
		if len(loca) < 2*i+4 {
			return nil, errBadFont
		}
		from, to = 2*int(binary.BigEndian.Uint16(loca[2*i:])), 2*int(binary.BigEndian.Uint16(loca[2*i+2:]))
	}
	if from > to || to > len(f.table["glyf"]) {
		return nil, errBadFont
	}
	return f.table["glyf"][from:to], nil
}

func (f *ttf) metrics(id uint16) (advance, bearing uint16) {
	hmtx, i := f.table["hmtx"], int(id)
	if i < f.wide {
		return binary.BigEndian.Uint16(hmtx[4*i:]), binary.BigEndian.Uint16(hmtx[4*i+2:])
	}
	advance = binary.BigEndian.Uint16(hmtx[4*(f.wide-1):])
	if at := 4*f.wide + 2*(i-f.wide); at+2 <= len(hmtx) {
		bearing = binary.BigEndian.Uint16(hmtx[at:])
	}
	return advance, bearing
}

// bareGlyph is a glyph's outline without its hints, and with the parts of a composite renumbered.
func bareGlyph(g []byte, take func(old uint16) uint16) ([]byte, error) {
	if len(g) == 0 {
		return nil, nil // a space
	}
	if len(g) < 10 {
		return nil, errBadFont
	}
	if contours := int16(binary.BigEndian.Uint16(g)); contours >= 0 {
		at := 10 + 2*int(contours) // where the length of the hints is
		if len(g) < at+2 {
			return nil, errBadFont
		}
		hints := int(binary.BigEndian.Uint16(g[at:]))
		if len(g) < at+2+hints {
			return nil, errBadFont
		}
		return slices.Concat(g[:at], []byte{0, 0}, g[at+2+hints:]), nil
	}
	const words, scale, more, scaleXY, matrix, hinted = 1 << 0, 1 << 3, 1 << 5, 1 << 6, 1 << 7, 1 << 8
	out := slices.Clone(g)
	for at := 10; ; {
		if len(out) < at+4 {
			return nil, errBadFont
		}
		flags := binary.BigEndian.Uint16(out[at:])
		binary.BigEndian.PutUint16(out[at:], flags&^hinted)
		binary.BigEndian.PutUint16(out[at+2:], take(binary.BigEndian.Uint16(out[at+2:])))
		at += 6
		if flags&words != 0 {
			at += 2
		}
		switch {
		case flags&scale != 0:
			at += 2
		case flags&scaleXY != 0:
			at += 4
		case flags&matrix != 0:
			at += 8
		}
		if len(out) < at {
			return nil, errBadFont
		}
		if flags&more == 0 {
			return out[:at], nil
		}
	}
}

// A mapping leads from a character to a glyph.
type mapping struct{ char, glyph uint16 }

// cmapTable is a table of the kind that every reader knows, format 4, with a segment for each character.
func cmapTable(m []mapping) []byte {
	m = append(slices.Clip(m), mapping{0xffff, 0}) // which ends it, and leads nowhere
	n := len(m)
	var ends, starts, deltas []byte
	for _, p := range m {
		ends = binary.BigEndian.AppendUint16(ends, p.char)
		starts = binary.BigEndian.AppendUint16(starts, p.char)
		deltas = binary.BigEndian.AppendUint16(deltas, p.glyph-p.char)
	}
	half := 1 // the greatest power of two that is not above n, for a reader's binary search
	power := 0
	for half*2 <= n {
		half *= 2
		power++
	}
	var t []byte
	for _, v := range []int{
		0, 1, 3, 1, 0, 12, // one table, for Windows and Unicode, 12 bytes from here
		4, 16 + 8*n, 0, 2 * n, 2 * half, power, 2 * (n - half),
	} {
		t = binary.BigEndian.AppendUint16(t, uint16(v))
	}
	return slices.Concat(t, ends, []byte{0, 0}, starts, deltas, make([]byte, 2*n))
}

// writeTTF puts tables together, with the sums that a strict reader checks.
func writeTTF(tables map[string][]byte) []byte {
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	n := len(names)
	half, power := 1, 0
	for half*2 <= n {
		half *= 2
		power++
	}
	binary.BigEndian.PutUint32(tables["head"][8:], 0)
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, 16 * half, power, 16 * (n - half)} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	at := 12 + 16*n
	headAt := 0
	for _, name := range names {
		t := tables[name]
		if name == "head" {
			headAt = at
		}
		out = append(out, name...)
		out = binary.BigEndian.AppendUint32(out, sum32(t))
		out = binary.BigEndian.AppendUint32(out, uint32(at))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t)))
		at += (len(t) + 3) &^ 3
	}
	for _, name := range names {
		out = append(out, tables[name]...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	binary.BigEndian.PutUint32(out[headAt+8:], 0xb1b0afba-sum32(out))
	return out
}

func sum32(b []byte) (sum uint32) {
	for len(b) >= 4 {
		sum += binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	var last [4]byte
	copy(last[:], b)
	return sum + binary.BigEndian.Uint32(last[:])
}
