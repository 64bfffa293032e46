package page

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi/parser"
)

// ansiLines renders terminal text as lines of HTML. Colours and weights become spans with nbconvert's class
// names (ansi-red-fg …), which never reach over the end of a line; a carriage return and a backspace
// overwrite, as on a terminal. Every other control sequence is dropped.
func ansiLines(s string) []string {
	t := terminal{}
	state := parser.GroundState
	var args []byte // of the sequence at hand, as they are written
	for i := 0; i < len(s); {
		c := s[i]
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if r == utf8.RuneError && n == 1 { // a terminal could take it for a control character
			if state == parser.GroundState {
				t.put(r)
			}
			continue
		}
		next, action := parser.Table.Transition(state, c)
		switch action {
		case parser.PrintAction:
			t.put(r)
		case parser.ExecuteAction:
			t.execute(c)
		case parser.ClearAction:
			args = args[:0]
		case parser.ParamAction, parser.PrefixAction:
			args = append(args, c)
		case parser.CollectAction:
			if next == parser.Utf8State {
				t.put(r)
				next = parser.GroundState
			} else {
				args = append(args, c)
			}
		case parser.DispatchAction:
			if state == parser.CsiEntryState || state == parser.CsiParamState {
				t.dispatch(c, string(args))
			}
		}
		state = next
	}
	if len(t.line) > 0 {
		t.newline()
	}
	return t.lines
}

// A terminal is the state of a text display: lines that are finished, and one that is being written.
type terminal struct {
	lines  []string
	line   []glyph
	column int
	style  style
}

type glyph struct {
	r     rune
	style style
}

// A style is what SGR sequences set.
type style struct {
	fg, bg                                        colour
	bold, dim, italic, underline, strike, inverse bool
}

// A colour is unset, one of the terminal's sixteen, or an exact one.
type colour struct {
	set     bool
	index   int // 0–15; -1: exact
	r, g, b uint8
}

func (t *terminal) put(r rune) {
	g := glyph{r, t.style}
	if t.column < len(t.line) {
		t.line[t.column] = g
	} else {
		t.line = append(t.line, g)
	}
	t.column++
}

func (t *terminal) newline() {
	var b, run strings.Builder
	flush := func(s style) {
		if run.Len() > 0 {
			b.WriteString(s.wrap(html.EscapeString(run.String())))
			run.Reset()
		}
	}
	for i, g := range t.line {
		if i > 0 && g.style != t.line[i-1].style {
			flush(t.line[i-1].style)
		}
		run.WriteRune(g.r)
	}
	if n := len(t.line); n > 0 {
		flush(t.line[n-1].style)
	}
	t.lines = append(t.lines, b.String())
	t.line, t.column = t.line[:0], 0
}

// execute obeys a control character.
func (t *terminal) execute(c byte) {
	switch c {
	case '\n':
		t.newline()
	case '\r':
		t.column = 0
	case '\b':
		t.column = max(0, t.column-1)
	case '\t':
		t.put('\t')
	}
}

// dispatch obeys a control sequence, of which c is the last character.
func (t *terminal) dispatch(c byte, args string) {
	switch {
	case c == 'm':
		t.sgr(args)
	case c == 'K' && args == "2":
		t.line, t.column = t.line[:0], 0
	case c == 'K' && (args == "" || args == "0"):
		t.line = t.line[:min(t.column, len(t.line))]
	}
}

// sgr applies the arguments of a "select graphic rendition" sequence.
func (t *terminal) sgr(args string) {
	var codes []int
	for f := range strings.FieldsFuncSeq(args+";", func(r rune) bool { return r == ';' || r == ':' }) {
		n, err := strconv.Atoi(f)
		if err != nil {
			return
		}
		codes = append(codes, n)
	}
	if len(codes) == 0 {
		codes = []int{0}
	}
	for i := 0; i < len(codes); i++ {
		c := codes[i]
		if c != 38 && c != 48 {
			t.style.apply(c)
			continue
		}
		col, used := extended(codes[i+1:])
		if used == 0 {
			return
		}
		i += used
		if c == 38 {
			t.style.fg = col
		} else {
			t.style.bg = col
		}
	}
}

// apply changes a style by a code that stands alone; unknown codes change nothing.
func (s *style) apply(c int) {
	switch {
	case c == 0:
		*s = style{}
	case c == 1:
		s.bold = true
	case c == 2:
		s.dim = true
	case c == 3:
		s.italic = true
	case c == 4:
		s.underline = true
	case c == 7:
		s.inverse = true
	case c == 9:
		s.strike = true
	case c == 22:
		s.bold, s.dim = false, false
	case c == 23:
		s.italic = false
	case c == 24:
		s.underline = false
	case c == 27:
		s.inverse = false
	case c == 29:
		s.strike = false
	case 30 <= c && c <= 37:
		s.fg = colour{set: true, index: c - 30}
	case 90 <= c && c <= 97:
		s.fg = colour{set: true, index: c - 82}
	case c == 39:
		s.fg = colour{}
	case 40 <= c && c <= 47:
		s.bg = colour{set: true, index: c - 40}
	case 100 <= c && c <= 107:
		s.bg = colour{set: true, index: c - 92}
	case c == 49:
		s.bg = colour{}
	}
}

// extended reads 5;N (the 256 colours) or 2;R;G;B and returns how many codes it has read.
func extended(codes []int) (colour, int) {
	switch {
	case len(codes) >= 2 && codes[0] == 5 && codes[1] < 256:
		n := codes[1]
		switch {
		case n < 16:
			return colour{set: true, index: n}, 2
		case n < 232:
			n -= 16
			level := func(v int) uint8 {
				if v == 0 {
					return 0
				}
				return uint8(55 + 40*v)
			}
			return colour{true, -1, level(n / 36), level(n / 6 % 6), level(n % 6)}, 2
		default:
			v := uint8(8 + 10*(n-232))
			return colour{true, -1, v, v, v}, 2
		}
	case len(codes) >= 4 && codes[0] == 2:
		return colour{true, -1, uint8(codes[1]), uint8(codes[2]), uint8(codes[3])}, 4
	}
	return colour{}, 0
}

var ansiNames = [8]string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

// wrap puts already escaped text into a span of the style.
func (s style) wrap(text string) string {
	if s == (style{}) {
		return text
	}
	if s.inverse && (s.fg.set || s.bg.set) {
		s.fg, s.bg, s.inverse = s.bg, s.fg, false
	}
	var class, css []string
	paint := func(c colour, ground, property string) {
		switch {
		case !c.set:
		case c.index < 0 && ground == "-fg" && !s.bg.set: // in the light and in the dark page
			css = append(css, fmt.Sprintf("%s:light-dark(%s,%s)", property, c.mixed(0, 0.16), c.mixed(255, 0.25)))
		case c.index < 0:
			css = append(css, property+":"+c.mixed(0, 1))
		case c.index < 8:
			class = append(class, "ansi-"+ansiNames[c.index]+ground)
		default:
			class = append(class, "ansi-"+ansiNames[c.index-8]+"-intense"+ground)
		}
	}
	paint(s.fg, "-fg", "color")
	paint(s.bg, "-bg", "background")
	for _, f := range []struct {
		on   bool
		name string
	}{{s.bold, "bold"}, {s.dim, "dim"}, {s.italic, "italic"}, {s.underline, "underline"}, {s.strike, "strike"}, {s.inverse, "inverse"}} {
		if f.on {
			class = append(class, "ansi-"+f.name)
		}
	}
	open := "<span"
	if len(class) > 0 {
		open += ` class="` + strings.Join(class, " ") + `"`
	}
	if len(css) > 0 {
		open += ` style="` + strings.Join(css, ";") + `"`
	}
	return open + ">" + text + "</span>"
}

// mixed returns an exact colour as CSS writes it, mixed with black (0) up to where its luminance is at most
// the limit, or with white (255) up to where it is at least that. With 0.16 letters have a contrast of 4.5
// (WCAG AA) on the backgrounds of the light page, with 0.25 on those of the dark one.
func (c colour) mixed(with uint8, limit float64) string {
	r, g, b := float64(c.r), float64(c.g), float64(c.b)
	for range 64 {
		if l := luminance(r, g, b); with == 0 && l <= limit || with == 255 && l >= limit {
			break
		}
		mix := func(v float64) float64 { return v + (float64(with)-v)/16 }
		r, g, b = mix(r), mix(g), mix(b)
	}
	return fmt.Sprintf("#%02x%02x%02x", uint8(r), uint8(g), uint8(b))
}

// luminance is WCAG's relative luminance of a colour, from 0 to 1.
func luminance(r, g, b float64) float64 {
	linear := func(v float64) float64 {
		if v /= 255; v > 0.04045 {
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return v / 12.92
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}
