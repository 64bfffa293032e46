package quantity

import (
	"math"
	"strconv"
	"strings"
)

// Count spells a whole number in full, with thin spaces between its thousands: 9 960.
func Count[N int | int64 | uint64](n N) string {
	if n < 0 {
		return grouped(strconv.FormatInt(int64(n), 10))
	}
	return grouped(strconv.FormatUint(uint64(n), 10))
}

// Number spells x with three significant digits and no unit, as a rate: 0.523, 12.3, 1 230. Zeros at the end
// of a fraction are left out, and thin spaces are between thousands.
func Number(x float64) string {
	s := strconv.FormatFloat(x, 'e', 2, 64)
	rounded, _ := strconv.ParseFloat(s, 64) // what FormatFloat wrote can be read
	return grouped(strconv.FormatFloat(rounded, 'f', -1, 64))
}

// Plural spells a number of things, the number as by [Count]: 1 goroutine, 2 goroutines. The word for several
// is one with an s, unless many is given: 3 switches.
func Plural[N int | int64 | uint64](n N, one string, many ...string) string {
	return Count(n) + " " + Noun(n, one, many...)
}

// Noun is the word of [Plural] without the number. With many it chooses between any two texts: is, are.
func Noun[N int | int64 | uint64](n N, one string, many ...string) string {
	switch {
	case n == 1:
		return one
	case len(many) > 0:
		return many[0]
	}
	return one + "s"
}

// scaled spells v in the first unit that leaves less than 1000, or the last one. A unit is base of the one
// before it.
func scaled(v, base float64, units ...string) string {
	for len(units) > 1 && math.Abs(v) >= 999.5 { // which Number rounds to 1000
		v, units = v/base, units[1:]
	}
	return Number(v) + " " + units[0]
}

// grouped puts thin spaces between the thousands of a decimal number; texts such as NaN stay as they are.
func grouped(s string) string {
	whole, fraction, isFraction := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && '0' <= whole[i-1] && whole[i-1] <= '9'; i -= 3 {
		whole = whole[:i] + "\u2009" + whole[i:]
	}
	if isFraction {
		return whole + "." + fraction
	}
	return whole
}
