package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"

	"interleave/runtime/timeline"
)

// A Theme is a pair of paper and ink. Figures are opaque, so that either can be read on any page.
type Theme uint8

const (
	Light Theme = iota
	Dark
)

type theme struct {
	name                           string
	paper, ink, muted, faint, warn color.NRGBA
	tint                           float64 // how much of a state's colour its hatched background has
	states                         map[timeline.State]swatch
	cores                          map[timeline.CoreKind]swatch
	// of a core that runs the experiment's goroutines, so that neighbours differ
	shades             [3]swatch
	heat               [5]swatch // from hardly busy to busy
	points, bar, base  swatch    // what was measured; what it is compared with
	verdicts           map[string]swatch
	ideal, amdahl, usl lineKind
	gap                lineKind  // at a gap in a recording
	procs              [3]swatch // of another process on a core, so that neighbours differ
	task, starting     swatch    // of another process that is not on a core
	lost               lineKind  // at the end of a process that ended early
}

func hex(v uint32) color.NRGBA {
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
}

// mix is a share of a on b.
func mix(a, b color.NRGBA, share float64) color.NRGBA {
	m := func(x, y uint8) uint8 { return uint8(float64(x)*share + float64(y)*(1-share) + 0.5) }
	return color.NRGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}

// The colours of Okabe and Ito, which colour-blind people can distinguish. Hatches carry the same
// distinctions in grey: what ran is solid, what waited for a core is densely hatched, what was blocked is
// light with a pattern for each reason.
var (
	orange     = hex(0xe69f00)
	skyBlue    = hex(0x56b4e9)
	green      = hex(0x009e73)
	blue       = hex(0x0072b2)
	vermillion = hex(0xd55e00)
	purple     = hex(0xcc79a7)
)

func newTheme(name string, paper, ink, muted, faint, warn, grey color.NRGBA, tint float64) *theme {
	t := &theme{name: name, paper: paper, ink: ink, muted: muted, faint: faint, warn: warn, tint: tint}
	pale := func(c color.NRGBA, h hatch) swatch { return swatch{fill: mix(c, paper, tint), ink: c, hatch: h} }
	t.states = map[timeline.State]swatch{
		timeline.Running:   {fill: green},
		timeline.Runnable:  {fill: mix(orange, paper, 0.45), ink: mix(orange, ink, 0.85), hatch: dense},
		timeline.Receiving: pale(skyBlue, rising),
		timeline.Sending:   pale(skyBlue, falling),
		timeline.Selecting: pale(skyBlue, crossed),
		timeline.Locked:    pale(vermillion, crossed),
		timeline.Waiting:   pale(purple, upright),
		timeline.Sleeping:  pale(grey, dotted),
		timeline.Network:   pale(blue, level),
		timeline.IO:        pale(blue, dashed),
		timeline.Syscall:   pale(blue, falling),
		timeline.GC:        {fill: mix(ink, paper, 0.18), ink: mix(ink, paper, 0.42), hatch: checked},
		timeline.Forever:   {fill: mix(grey, paper, 0.35), ink: mix(grey, ink, 0.7), hatch: barred},
		timeline.Other:     {fill: mix(grey, paper, 0.45)},
	}
	t.cores = map[timeline.CoreKind]swatch{
		timeline.CoreUser:  {fill: green},
		timeline.CoreGC:    t.states[timeline.GC],
		timeline.CoreOther: {fill: mix(grey, paper, 0.7)},
	}
	t.shades = [3]swatch{{fill: green}, {fill: mix(green, hex(0xffffff), 0.72)}, {fill: mix(green, hex(0x000000), 0.72)}}
	for i := range t.heat {
		t.heat[i] = swatch{fill: mix(green, paper, 0.12+0.88*float64(i)/float64(len(t.heat)-1))}
	}
	measured := blue
	if name == "dark" {
		measured = skyBlue
	}
	t.points, t.bar = swatch{fill: measured}, swatch{fill: measured}
	t.base = swatch{fill: mix(grey, paper, 0.5), ink: mix(grey, ink, 0.75), hatch: rising}
	t.verdicts = map[string]swatch{
		acceptable:  {fill: green},
		interesting: {fill: mix(orange, paper, 0.45), ink: mix(orange, ink, 0.85), hatch: dense},
		forbidden:   {fill: mix(vermillion, paper, 0.3), ink: vermillion, hatch: crossed},
		unforeseen:  {fill: mix(grey, paper, 0.3), ink: mix(grey, ink, 0.7), hatch: dotted},
	}
	t.ideal = lineKind{ink: muted, width: 1.2, dash: []vg.Length{1.5, 3}}
	t.gap = lineKind{ink: warn, width: 1.4, dash: []vg.Length{4, 3}}
	t.lost = lineKind{ink: warn, width: 2}
	for i, shade := range []color.NRGBA{blue, mix(blue, hex(0xffffff), 0.78), mix(blue, hex(0x000000), 0.78)} {
		t.procs[i] = swatch{fill: shade, ink: mix(shade, hex(0xffffff), 0.62), hatch: rising}
	}
	t.task = swatch{fill: mix(blue, paper, tint)}
	t.starting = pale(grey, falling)
	t.amdahl = lineKind{ink: mix(orange, ink, 0.9), width: 1.8, dash: []vg.Length{7, 4}}
	t.usl = lineKind{ink: mix(green, ink, 0.95), width: 1.8}
	return t
}

// on is the colour of text on a fill: ink or paper, whichever is farther from it.
func (t *theme) on(fill color.NRGBA) color.NRGBA {
	light := func(c color.NRGBA) float64 { return 0.3*float64(c.R) + 0.59*float64(c.G) + 0.11*float64(c.B) }
	if math.Abs(light(t.ink)-light(fill)) < math.Abs(light(t.paper)-light(fill)) {
		return t.paper
	}
	return t.ink
}

var themes = [...]*theme{
	Light: newTheme("light", hex(0xffffff), hex(0x1f2328), hex(0x59636e), hex(0xe4e7eb), hex(0xb34700), hex(0x8a94a0), 0.22),
	Dark:  newTheme("dark", hex(0x15181c), hex(0xe6e8ea), hex(0xa3abb4), hex(0x31363d), hex(0xff9d57), hex(0x8a94a0), 0.30),
}
