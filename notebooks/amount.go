package notebooks

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// amount writes a number of bytes for people: 47.1 MB.
func amount(n int64) string {
	f, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB"} {
		if f < 999.95 {
			break
		}
		f, unit = f/1000, u
	}
	return fmt.Sprintf("%s %s", strconv.FormatFloat(math.Round(10*f)/10, 'f', -1, 64), unit)
}

// parseAmount parses the output of amount, whatever the case, with or without the space and the B; a plain
// number is bytes.
func parseAmount(s string) (int64, error) {
	number, unit := strings.TrimSuffix(strings.ToLower(s), "b"), 1.0
	for i, u := range []string{"k", "m", "g"} {
		if rest, ok := strings.CutSuffix(number, u); ok {
			number, unit = rest, math.Pow10(3*(i+1))
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(0 <= n && n*unit <= 1e15) {
		return 0, errors.New("want a size such as 500kB or 10MB")
	}
	return int64(n * unit), nil
}
